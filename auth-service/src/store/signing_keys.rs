//! The signing keys, private parts sealed.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::signer::SealedKey;

/// A key as it is stored.
#[derive(Debug)]
pub struct KeyRow {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with.
    pub algorithm: String,
    /// The public part, as JSON.
    pub public_jwk: String,
    /// The private part.
    pub private_key_sealed: Vec<u8>,
    /// Whether it signs; else it is published only.
    pub active: bool,
}

/// Returns every key that is to be published, the one that signs among them.
pub async fn published(db: impl PgExecutor<'_>) -> Result<Vec<KeyRow>> {
    let rows = sqlx::query_as!(
        KeyRow,
        r#"
        SELECT kid, algorithm, public_jwk, private_key_sealed, state = 'active' AS "active!"
        FROM auth.signing_keys
        WHERE state IN ('staged', 'active', 'retiring')
        ORDER BY create_time, kid
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Makes a key the one that signs, unless there is one.
pub async fn insert_active(
    db: impl PgExecutor<'_>,
    key: &SealedKey,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.signing_keys (kid, algorithm, state, public_jwk, private_key_sealed,
                                       create_time, state_time)
        VALUES ($1, $2, 'active', $3, $4, $5, $5)
        ON CONFLICT DO NOTHING
        ",
        key.kid,
        key.algorithm.name(),
        key.public_jwk,
        key.private_key_sealed,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
