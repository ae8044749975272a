//! Requested e-mails that are not verified yet: columns of the users table.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::email_tokens::Recipient;
use super::users::changed;
use crate::error::Result;
use crate::model::user::User;

/// Stores the requested e-mail of a user, replacing an earlier one; returns the user
/// after the change.
pub async fn set(
    db: impl PgExecutor<'_>,
    id: UserId,
    email: &str,
    expire_time: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u
         SET pending_email = $2,
             pending_email_expire_time = $3,
             version = version + 1,
             update_time = $4
         WHERE u.id = $1",
        id as UserId,
        email,
        expire_time,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Deletes the requested e-mail of a user; returns the user after the change, or `None`
/// if there was none.
pub async fn forget(
    db: impl PgExecutor<'_>,
    id: UserId,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u
         SET pending_email = NULL,
             pending_email_expire_time = NULL,
             version = version + 1,
             update_time = $2
         WHERE u.id = $1 AND pending_email IS NOT NULL",
        id as UserId,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Deletes up to `limit` requested e-mails that were not verified before `expired`;
/// returns how many.
pub async fn purge(db: impl PgExecutor<'_>, expired: DateTime<Utc>, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "
        UPDATE auth.users
        SET pending_email = NULL, pending_email_expire_time = NULL, version = version + 1
        WHERE id IN (
            SELECT id
            FROM auth.users
            WHERE pending_email IS NOT NULL AND pending_email_expire_time < $1
            ORDER BY pending_email_expire_time
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

/// Makes the requested e-mail, which is now verified, the e-mail of its user. Returns the
/// user after the change, or `None` if the e-mail is no longer requested or the user is
/// disabled.
pub async fn take(
    db: impl PgExecutor<'_>,
    id: UserId,
    wanted: &str,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u
         SET email = $2,
             email_verified = true,
             unconfirmed_since = 'infinity',
             pending_email = NULL,
             pending_email_expire_time = NULL,
             version = version + 1,
             update_time = $3
         WHERE u.id = $1 AND pending_email = $2 AND pending_email_expire_time > $3
           AND disable_time IS NULL",
        id as UserId,
        wanted,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Returns a user who requested an e-mail that no account has.
pub async fn recipient(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    wanted: &str,
    now: DateTime<Utc>,
) -> Result<Option<Recipient>> {
    let found = sqlx::query_as!(
        Recipient,
        r#"
        SELECT u.id AS "user_id: UserId", e.password_version, u.email_verified,
               u.disable_time IS NOT NULL AS "disabled!", u.create_time
        FROM auth.users AS u
        JOIN auth.emails AS e ON e.email_norm = u.email AND e.user_id = u.id
        WHERE u.id = $1 AND u.pending_email = $2 AND u.pending_email_expire_time > $3
          AND NOT EXISTS (SELECT FROM auth.emails AS taken WHERE taken.email_norm = $2)
        "#,
        user_id as UserId,
        wanted,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}
