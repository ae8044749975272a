//! The accounts of programs, and their secrets.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// A program.
pub struct ServiceAccount {
    /// Its identity, the `sub` of its tokens.
    pub id: UserId,
    /// What its tokens may allow.
    pub scopes: Vec<String>,
}

/// Returns the program with this name, where one of its live secrets has this hash.
pub async fn get_by_secret(
    db: impl PgExecutor<'_>,
    client_id: &str,
    hash: &[u8; 32],
) -> Result<Option<ServiceAccount>> {
    let account = sqlx::query_as!(
        ServiceAccount,
        r#"
        SELECT a.id AS "id: UserId", a.scopes
        FROM auth.service_accounts AS a
        JOIN auth.service_secrets AS s ON s.client_id = a.client_id
        WHERE a.client_id = $1 AND s.hash = $2
        "#,
        client_id,
        hash.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(account)
}

/// Whether a program is still there.
pub async fn exists(db: impl PgExecutor<'_>, client_id: &str, id: UserId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT 1 FROM auth.service_accounts WHERE client_id = $1 AND id = $2",
        client_id,
        id as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Makes a program, or gives the one that is there these scopes.
pub async fn upsert(
    db: impl PgExecutor<'_>,
    client_id: &str,
    id: UserId,
    scopes: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.service_accounts (client_id, id, scopes, create_time)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (client_id) DO UPDATE SET scopes = excluded.scopes
        ",
        client_id,
        id as UserId,
        scopes,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a secret, or makes it the latest; all but the latest two end.
pub async fn add_secret(
    tx: &mut sqlx::PgConnection,
    client_id: &str,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.service_secrets (client_id, hash, create_time)
        VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
        ",
        client_id,
        hash.as_slice(),
        now,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "
        DELETE FROM auth.service_secrets
        WHERE client_id = $1 AND hash NOT IN (
            SELECT hash
            FROM auth.service_secrets
            WHERE client_id = $1
            ORDER BY hash = $2 DESC, create_time DESC
            LIMIT 2
        )
        ",
        client_id,
        hash.as_slice(),
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}
