//! The tables of the second factor: secrets, recovery codes, and challenges.

use chassis::database::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// Stores a user's new secret, replacing the previous one.
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

/// Whether the user has a secret that was created after `since`.
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

/// Returns a user's sealed secret, and locks it until the transaction ends.
pub async fn lock_totp(db: impl PgExecutor<'_>, user_id: UserId) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        "SELECT secret_sealed FROM auth.totp_secrets WHERE user_id = $1 FOR UPDATE",
        user_id as UserId,
    )
    .fetch_optional(db)
    .await?)
}

/// Uses up the code of a step and all earlier ones; false if it was used. Stores the
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

/// Stores hashes of recovery codes.
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

/// Uses up a recovery code; false if there is no such code.
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

/// The number of a user's recovery codes.
pub async fn count_recovery_codes(db: impl PgExecutor<'_>, user_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM auth.recovery_codes WHERE user_id = $1"#,
        user_id as UserId,
    )
    .fetch_one(db)
    .await?)
}

/// Deletes a user's recovery codes.
pub async fn forget_recovery_codes(db: impl PgExecutor<'_>, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM auth.recovery_codes WHERE user_id = $1",
        user_id as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A new challenge.
pub struct NewChallenge<'a> {
    /// The user.
    pub user_id: UserId,
    /// SHA-256 of the client's token.
    pub hash: [u8; 32],
    /// The version of the correct password.
    pub password_version: i64,
    /// The client's label of the session.
    pub client_label: &'a str,
    /// The requested scopes of its access token.
    pub scopes: &'a [String],
    /// When it expires.
    pub expire_time: DateTime<Utc>,
}

/// Stores a challenge.
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

/// A stored challenge.
pub struct ChallengeRow {
    /// The user's address.
    pub email: String,
    /// The version of the correct password.
    pub password_version: i64,
    /// The client's label of the session.
    pub client_label: String,
    /// The requested scopes of its access token.
    pub scopes: Vec<String>,
}

/// Returns a challenge that has not expired.
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

/// Uses up a challenge; false if another call did.
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

/// Deletes a user's rows in these tables. If there are very many challenges, some remain:
/// without a second factor they cannot be answered, and the purge deletes them.
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

/// Deletes up to `limit` challenges that expired before `ended`; returns how many.
/// Concurrent callers delete different ones.
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
