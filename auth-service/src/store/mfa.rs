//! The tables of the second factor: secrets, recovery codes, and log-ins under way.

use chassis::database::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// Keeps a user's new secret in the place of the one before.
pub async fn put_totp(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    secret_sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.totp_secrets (user_id, secret_sealed, last_step, create_time)
        VALUES ($1, $2, 0, $3)
        ON CONFLICT (user_id) DO UPDATE
        SET secret_sealed = $2, last_step = 0, create_time = $3
        ",
        user_id as UserId,
        secret_sealed,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the user has a secret that was made after `since`.
pub async fn has_totp_since(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    since: DateTime<Utc>,
) -> Result<bool> {
    let row = sqlx::query!(
        "SELECT user_id FROM auth.totp_secrets WHERE user_id = $1 AND create_time > $2",
        user_id as UserId,
        since,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Returns a user's secret, sealed, and lets nobody else take it until the transaction
/// ends.
pub async fn lock_totp(db: impl PgExecutor<'_>, user_id: UserId) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        "SELECT secret_sealed FROM auth.totp_secrets WHERE user_id = $1 FOR UPDATE",
        user_id as UserId,
    )
    .fetch_optional(db)
    .await?)
}

/// Uses up the code of a step and all before it; false where it was used. Keeps the
/// secret as `secret_sealed`.
pub async fn take_step(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    step: i64,
    secret_sealed: &[u8],
) -> Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE auth.totp_secrets SET last_step = $2, secret_sealed = $3
        WHERE user_id = $1 AND last_step < $2
        ",
        user_id as UserId,
        step,
        secret_sealed,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps hashes of recovery codes.
pub async fn insert_recovery_codes(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    hashes: &[Vec<u8>],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.recovery_codes (user_id, hash, create_time)
        SELECT $1, hash, $3
        FROM unnest($2::bytea[]) AS code (hash)
        ",
        user_id as UserId,
        hashes,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Uses a recovery code up; false where there is no such one.
pub async fn take_recovery_code(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    hash: [u8; 32],
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM auth.recovery_codes WHERE user_id = $1 AND hash = $2",
        user_id as UserId,
        &hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many recovery codes a user has.
pub async fn count_recovery_codes(db: impl PgExecutor<'_>, user_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM auth.recovery_codes WHERE user_id = $1"#,
        user_id as UserId,
    )
    .fetch_one(db)
    .await?)
}

/// Forgets a user's recovery codes.
pub async fn forget_recovery_codes(db: impl PgExecutor<'_>, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM auth.recovery_codes WHERE user_id = $1",
        user_id as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A challenge to keep.
pub struct NewChallenge<'a> {
    /// Who logs in.
    pub user_id: UserId,
    /// SHA-256 of what the client holds.
    pub hash: [u8; 32],
    /// That of the password that was right.
    pub password_version: i64,
    /// What the client calls the session.
    pub client_label: &'a str,
    /// What its access token shall allow.
    pub scopes: &'a [String],
    /// When it can no longer be answered.
    pub expire_time: DateTime<Utc>,
}

/// Keeps a challenge.
pub async fn insert_challenge(db: impl PgExecutor<'_>, new: &NewChallenge<'_>) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.mfa_challenges (user_id, hash, password_version, client_label,
                                         expire_time, scopes)
        VALUES ($1, $2, $3, $4, $5, $6)
        ",
        new.user_id as UserId,
        &new.hash,
        new.password_version,
        new.client_label,
        new.expire_time,
        new.scopes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is known of a challenge.
pub struct ChallengeRow {
    /// The user's address.
    pub email: String,
    /// That of the password that was right.
    pub password_version: i64,
    /// What the client calls the session.
    pub client_label: String,
    /// What its access token shall allow.
    pub scopes: Vec<String>,
}

/// Returns a challenge that has not ended.
pub async fn challenge(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<ChallengeRow>> {
    let row = sqlx::query_as!(
        ChallengeRow,
        "
        SELECT u.email, c.password_version, c.client_label, c.scopes
        FROM auth.mfa_challenges AS c
        JOIN auth.users AS u ON u.id = c.user_id
        WHERE c.user_id = $1 AND u.id = $1 AND c.hash = $2 AND c.expire_time > $3
        ",
        user_id as UserId,
        &hash,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Uses a challenge up; false where another call did.
pub async fn take_challenge(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    hash: [u8; 32],
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM auth.mfa_challenges WHERE user_id = $1 AND hash = $2",
        user_id as UserId,
        &hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets all that a user's second factor has in these tables. Of very many challenges
/// some are left: without a second factor none can be answered, and the purge takes them.
pub async fn forget_user(tx: &mut Transaction, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "
        DELETE FROM auth.mfa_challenges
        WHERE user_id = $1 AND hash <= COALESCE(
            (SELECT hash FROM auth.mfa_challenges WHERE user_id = $1
             ORDER BY hash OFFSET 999 LIMIT 1), decode(repeat('ff', 33), 'hex'))
        ",
        user_id as UserId,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM auth.totp_secrets WHERE user_id = $1",
        user_id as UserId,
    )
    .execute(&mut **tx)
    .await?;
    forget_recovery_codes(&mut **tx, user_id).await
}

/// Forgets up to `limit` challenges that ended before `ended`; returns how many. Two
/// callers at once take different ones.
pub async fn purge_challenges(
    db: impl PgExecutor<'_>,
    ended: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.mfa_challenges
        WHERE (user_id, hash) IN (
            SELECT user_id, hash
            FROM auth.mfa_challenges
            WHERE expire_time < $1
            ORDER BY expire_time
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        ",
        ended,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
