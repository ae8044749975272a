//! The signing keys, private parts sealed.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::model::signing_key::{KeyState, SealedKey};

/// A stored key.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: String,
    /// The public part, as JSON.
    pub public_jwk: String,
    /// The private part.
    pub private_key_sealed: Vec<u8>,
    /// Its state.
    pub state: String,
    /// When it entered the state.
    pub state_time: DateTime<Utc>,
}

impl KeyRow {
    /// Whether it is in this state.
    #[must_use]
    pub fn is(&self, state: KeyState) -> bool {
        self.state == state.name()
    }
}

/// Locks the keys against other changes until the transaction ends; readers are not
/// blocked. Not an advisory lock, which every role of the database can take; nor a row
/// lock, because there may be no key yet.
pub async fn lock(db: impl PgExecutor<'_>) -> Result<()> {
    sqlx::query!("LOCK TABLE auth.signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(db)
        .await?;
    Ok(())
}

/// Returns every published key, the oldest first.
pub async fn published(db: impl PgExecutor<'_>) -> Result<Vec<KeyRow>> {
    let rows = sqlx::query_as!(
        KeyRow,
        "
        SELECT kid, algorithm, public_jwk, private_key_sealed, state, state_time
        FROM auth.signing_keys
        WHERE state IN ('staged', 'active', 'retiring')
        ORDER BY create_time, kid
        ",
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// A key, without its public and private parts.
#[derive(Clone, Debug)]
pub struct KeyInfo {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: String,
    /// Its state.
    pub state: String,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When it entered its state.
    pub state_time: DateTime<Utc>,
}

/// The position of a list of keys, in descending order: after this key.
pub type KeyCursor = (DateTime<Utc>, String);

/// Returns up to `limit` keys after `after`, the latest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    after: Option<&KeyCursor>,
    limit: i64,
) -> Result<Vec<KeyInfo>> {
    let (time, kid) = after.map(|(time, kid)| (time, &**kid)).unzip();
    let keys = sqlx::query_as!(
        KeyInfo,
        "
        SELECT kid, algorithm, state, create_time, state_time
        FROM auth.signing_keys
        WHERE $1::timestamptz IS NULL OR (create_time, kid) < ($1, $2)
        ORDER BY create_time DESC, kid DESC
        LIMIT $3
        ",
        time,
        kid,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(keys)
}

/// Returns one key.
pub async fn get(db: impl PgExecutor<'_>, kid: &str) -> Result<Option<KeyInfo>> {
    let key = sqlx::query_as!(
        KeyInfo,
        "
        SELECT kid, algorithm, state, create_time, state_time
        FROM auth.signing_keys
        WHERE kid = $1
        ",
        kid,
    )
    .fetch_optional(db)
    .await?;
    Ok(key)
}

/// Inserts a key, unless it would be the second active one; returns whether it did.
pub async fn insert(
    db: impl PgExecutor<'_>,
    key: &SealedKey,
    state: KeyState,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        INSERT INTO auth.signing_keys (kid, algorithm, state, public_jwk, private_key_sealed,
                                       create_time, state_time)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        ON CONFLICT DO NOTHING
        ",
        key.kid,
        key.algorithm.name(),
        state.name(),
        key.public_jwk,
        key.private_key_sealed,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Retires the active key.
pub async fn retire_active(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "
        UPDATE auth.signing_keys SET state = 'retiring', state_time = $1
        WHERE state = 'active'
        ",
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Activates a staged key; returns whether there is one with this id.
pub async fn activate(db: impl PgExecutor<'_>, kid: &str, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE auth.signing_keys SET state = 'active', state_time = $2
        WHERE kid = $1 AND state = 'staged'
        ",
        kid,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Revokes a key and deletes its private part; returns whether it was published.
pub async fn revoke(db: impl PgExecutor<'_>, kid: &str, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE auth.signing_keys SET state = 'revoked', state_time = $2, private_key_sealed = ''
        WHERE kid = $1 AND state <> 'revoked'
        ",
        kid,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
