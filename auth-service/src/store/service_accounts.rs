//! Service accounts, and their secrets.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::revocations::EVERY_SESSION;
use crate::error::Result;

/// An authenticated service account.
pub struct AuthenticatedAccount {
    /// Its identity, the `sub` of its tokens.
    pub id: UserId,
    /// The scopes of its tokens.
    pub scopes: Vec<String>,
    /// Until when its tokens are revoked, if any are.
    pub revoke_time: Option<DateTime<Utc>>,
}

/// A service account, for administrators.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Its name.
    pub client_id: String,
    /// Its identity, the `sub` of its tokens.
    pub id: UserId,
    /// The scopes of its tokens.
    pub scopes: Vec<String>,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When its valid secrets were created, the latest first.
    pub secret_create_times: Vec<DateTime<Utc>>,
}

/// Returns the service account with this name, if one of its valid secrets has this hash.
pub async fn get_by_secret(
    db: impl PgExecutor<'_>,
    client_id: &str,
    hash: &[u8; 32],
) -> Result<Option<AuthenticatedAccount>> {
    let account = sqlx::query_as!(
        AuthenticatedAccount,
        r#"
        SELECT a.id AS "id: UserId", a.scopes,
               (
                   SELECT r.revoke_time
                   FROM auth.revocations AS r
                   WHERE r.user_id = a.id AND r.session_id = $3
               ) AS revoke_time
        FROM auth.service_accounts AS a
        JOIN auth.service_secrets AS s ON s.client_id = a.client_id
        WHERE a.client_id = $1 AND s.hash = $2
        "#,
        client_id,
        hash.as_slice(),
        EVERY_SESSION,
    )
    .fetch_optional(db)
    .await?;
    Ok(account)
}

/// Returns a service account's scopes, if it still exists and its tokens issued at
/// `issue_time` are not revoked.
pub async fn scopes(
    db: impl PgExecutor<'_>,
    client_id: &str,
    id: UserId,
    issue_time: DateTime<Utc>,
) -> Result<Option<Vec<String>>> {
    let scopes = sqlx::query_scalar!(
        "
        SELECT a.scopes
        FROM auth.service_accounts AS a
        WHERE a.client_id = $1 AND a.id = $2
          AND NOT EXISTS (
              SELECT 1
              FROM auth.revocations AS r
              WHERE r.user_id = a.id AND r.session_id = $3 AND r.revoke_time >= $4
          )
        ",
        client_id,
        id as UserId,
        EVERY_SESSION,
        issue_time,
    )
    .fetch_optional(db)
    .await?;
    Ok(scopes)
}

/// Like [`scopes`], and prevents the deletion of the service account until the
/// transaction ends.
pub async fn keep(
    db: impl PgExecutor<'_>,
    client_id: &str,
    id: UserId,
    issue_time: DateTime<Utc>,
) -> Result<Option<Vec<String>>> {
    let scopes = sqlx::query_scalar!(
        "
        SELECT a.scopes
        FROM auth.service_accounts AS a
        WHERE a.client_id = $1 AND a.id = $2
          AND NOT EXISTS (
              SELECT 1
              FROM auth.revocations AS r
              WHERE r.user_id = a.id AND r.session_id = $3 AND r.revoke_time >= $4
          )
        FOR KEY SHARE OF a
        ",
        client_id,
        id as UserId,
        EVERY_SESSION,
        issue_time,
    )
    .fetch_optional(db)
    .await?;
    Ok(scopes)
}

/// Locks a service account's secrets until the transaction ends; returns its id, if it
/// exists. Calls of the service account itself are not blocked.
pub async fn lock(db: impl PgExecutor<'_>, client_id: &str) -> Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: UserId"
        FROM auth.service_accounts
        WHERE client_id = $1
        FOR NO KEY UPDATE
        "#,
        client_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// Creates a service account; false if one with this name exists.
pub async fn insert(
    db: impl PgExecutor<'_>,
    client_id: &str,
    id: UserId,
    scopes: &[String],
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        INSERT INTO auth.service_accounts (client_id, id, scopes, create_time)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        ",
        client_id,
        id as UserId,
        scopes,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns up to `limit` service accounts after the one named `after`, sorted by the
/// bytes of their names.
pub async fn list(db: impl PgExecutor<'_>, after: &str, limit: i64) -> Result<Vec<ServiceAccount>> {
    let accounts = sqlx::query_as!(
        ServiceAccount,
        r#"
        SELECT a.client_id, a.id AS "id: UserId", a.scopes, a.create_time,
               ARRAY(
                   SELECT s.create_time
                   FROM auth.service_secrets AS s
                   WHERE s.client_id = a.client_id
                   ORDER BY s.create_time DESC
               ) AS "secret_create_times!"
        FROM auth.service_accounts AS a
        WHERE a.client_id > $1
        ORDER BY a.client_id
        LIMIT $2
        "#,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(accounts)
}

/// Returns a service account.
pub async fn get(db: impl PgExecutor<'_>, client_id: &str) -> Result<Option<ServiceAccount>> {
    let account = sqlx::query_as!(
        ServiceAccount,
        r#"
        SELECT a.client_id, a.id AS "id: UserId", a.scopes, a.create_time,
               ARRAY(
                   SELECT s.create_time
                   FROM auth.service_secrets AS s
                   WHERE s.client_id = a.client_id
                   ORDER BY s.create_time DESC
               ) AS "secret_create_times!"
        FROM auth.service_accounts AS a
        WHERE a.client_id = $1
        "#,
        client_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(account)
}

/// A valid secret.
#[derive(Debug)]
pub struct LiveSecret {
    /// Its SHA-256.
    pub hash: Vec<u8>,
    /// When it was created.
    pub create_time: DateTime<Utc>,
}

/// Returns the secrets of a service account.
pub async fn secrets(db: impl PgExecutor<'_>, client_id: &str) -> Result<Vec<LiveSecret>> {
    let secrets = sqlx::query_as!(
        LiveSecret,
        "SELECT hash, create_time FROM auth.service_secrets WHERE client_id = $1",
        client_id,
    )
    .fetch_all(db)
    .await?;
    Ok(secrets)
}

/// Deletes a service account; returns its id, if it existed.
pub async fn delete(tx: &mut Connection, client_id: &str) -> Result<Option<UserId>> {
    // The account first, to wait for calls that add a secret, which lock it.
    let id = sqlx::query_scalar!(
        r#"
        DELETE FROM auth.service_accounts
        WHERE client_id = $1
        RETURNING id AS "id: UserId"
        "#,
        client_id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM auth.service_secrets WHERE client_id = $1",
        client_id
    )
    .execute(&mut *tx)
    .await?;
    Ok(id)
}

/// Creates a service account, or sets the scopes of the existing one.
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

/// Adds a secret, or makes it the latest; deletes all but the latest two. Returns how
/// many were deleted.
pub async fn add_secret(
    tx: &mut Connection,
    client_id: &str,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<u64> {
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
    let ended = sqlx::query!(
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
    Ok(ended.rows_affected())
}
