//! The deletion of an account: what is deleted, and what is kept.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::model::deleted_user::{DeletedUser, DeletedUsersCursor};
use crate::model::user::User;

/// Deletes what a log-in needs; no one can log in until the transaction ends. False,
/// without a change, if the e-mail or the version of the password has changed.
pub async fn remove_email(
    db: impl PgExecutor<'_>,
    user: &User,
    password_version: Option<i64>,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.emails
        WHERE email_norm = $1 AND user_id = $2
          AND ($3::bigint IS NULL OR password_version = $3)
        ",
        user.email,
        user.id as UserId,
        password_version,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the account, and keeps it locked until the transaction ends. False if it has
/// become, or is no longer, an administrator's.
pub async fn remove_user(db: impl PgExecutor<'_>, user_id: UserId, is_admin: bool) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM auth.users WHERE id = $1 AND ('admin' = ANY (roles)) = $2",
        user_id as UserId,
        is_admin,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records permanently that a user was deleted, and whether rows remain.
pub async fn remember(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    rows_left: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.deleted_users (user_id, delete_time, rows_left)
        VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE
        SET delete_time = excluded.delete_time, rows_left = excluded.rows_left
        ",
        user_id as UserId,
        now,
        rows_left,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns up to `limit` users that were deleted after this cursor, the earliest first.
pub async fn after(
    db: impl PgExecutor<'_>,
    cursor: DeletedUsersCursor,
    limit: i64,
) -> Result<Vec<DeletedUser>> {
    let deleted = sqlx::query_as!(
        DeletedUser,
        r#"
        SELECT user_id AS "user_id: UserId", delete_time
        FROM auth.deleted_users
        WHERE (delete_time, user_id) > ($1, $2)
        ORDER BY delete_time, user_id
        LIMIT $3
        "#,
        cursor.time,
        cursor.user_id,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(deleted)
}
