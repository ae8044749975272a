//! Mailed tokens, as hashes, and the accounts that can get one.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;
use crate::model::email_tokens::Purpose;
use crate::model::user_token::UserToken;

/// The account that gets a token.
pub struct Recipient {
    /// The account of the e-mail.
    pub user_id: UserId,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// The version of the account's password.
    pub password_version: i64,
    /// Whether the e-mail is verified.
    pub email_verified: bool,
    /// Whether the account is disabled.
    pub disabled: bool,
}

/// Returns the account of an e-mail.
pub async fn recipient(db: impl PgExecutor<'_>, email: &str) -> Result<Option<Recipient>> {
    let found = sqlx::query_as!(
        Recipient,
        r#"
        SELECT u.id AS "user_id: UserId", e.password_version, u.email_verified,
               u.disable_time IS NOT NULL AS "disabled!", u.create_time
        FROM auth.emails AS e
        JOIN auth.users AS u ON u.id = e.user_id
        WHERE e.email_norm = $1 AND u.email = $1
        "#,
        email,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// The purpose of a token.
pub struct Bound {
    /// The e-mail that it was mailed to.
    pub email: String,
    /// The version of the password when the token was created.
    pub password_version: i64,
    /// The session that requested the mail, if any.
    pub session_id: Option<Uuid>,
}

/// Stores a token's hash.
pub async fn insert(
    db: impl PgExecutor<'_>,
    token: &UserToken,
    purpose: Purpose,
    bound: &Bound,
    expire_time: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.email_tokens (user_id, hash, purpose, email, password_version,
                                       session_id, expire_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ",
        token.user_id as UserId,
        &token.hash(),
        purpose.name(),
        bound.email,
        bound.password_version,
        bound.session_id,
        expire_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the purpose of a valid token, without using it up.
pub async fn get(
    db: impl PgExecutor<'_>,
    token: &UserToken,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Bound>> {
    let bound = sqlx::query_as!(
        Bound,
        "
        SELECT email, password_version, session_id
        FROM auth.email_tokens
        WHERE user_id = $1 AND hash = $2 AND purpose = $3 AND expire_time > $4
        ",
        token.user_id as UserId,
        &token.hash(),
        purpose.name(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(bound)
}

/// Uses up a valid token; returns its purpose. Of several callers one succeeds.
pub async fn spend(
    db: impl PgExecutor<'_>,
    token: &UserToken,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Bound>> {
    let bound = sqlx::query_as!(
        Bound,
        "
        DELETE FROM auth.email_tokens
        WHERE user_id = $1 AND hash = $2 AND purpose = $3 AND expire_time > $4
        RETURNING email, password_version, session_id
        ",
        token.user_id as UserId,
        &token.hash(),
        purpose.name(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(bound)
}

/// Deletes every token of a user; returns the purpose of `token`, if it is valid. Of
/// several callers one succeeds. They lock in one order.
pub async fn spend_all(
    db: impl PgExecutor<'_>,
    token: &UserToken,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Bound>> {
    let bound = sqlx::query_as!(
        Bound,
        "
        WITH held AS (
            SELECT hash FROM auth.email_tokens WHERE user_id = $1 ORDER BY hash FOR UPDATE
        ), ended AS (
            DELETE FROM auth.email_tokens
            WHERE user_id = $1 AND hash IN (SELECT hash FROM held)
            RETURNING hash, purpose, email, password_version, session_id, expire_time
        )
        SELECT email, password_version, session_id
        FROM ended
        WHERE hash = $2 AND purpose = $3 AND expire_time > $4
        ",
        token.user_id as UserId,
        &token.hash(),
        purpose.name(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(bound)
}

/// Deletes every token of a user.
pub async fn delete_all(db: impl PgExecutor<'_>, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM auth.email_tokens WHERE user_id = $1",
        user_id as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes up to `limit` tokens that expired before `expired`; returns how many.
pub async fn purge(db: impl PgExecutor<'_>, expired: DateTime<Utc>, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.email_tokens
        WHERE (user_id, hash) IN (
            SELECT user_id, hash
            FROM auth.email_tokens
            WHERE expire_time < $1
            ORDER BY expire_time
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        ",
        expired,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
