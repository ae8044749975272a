//! The end of an account: what is removed, and what stays.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::accounts::User;
use crate::deleted_users::{Deleted, Position};
use crate::error::Result;

/// Removes what a log-in needs; nobody logs in until the transaction ends. False, and
/// nothing is done, where the e-mail is another one by now, or the password has not
/// this version any more.
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

/// Removes the account; nothing begins that locks it until the transaction ends.
/// False where it has become an administrator's, or is one no more.
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

/// Runs statements on the rows of users; says how many rows they changed.
macro_rules! each {
    ($db:expr, $users:expr, [$($sql:literal),* $(,)?]) => {
        0 $(+ sqlx::query!($sql, $users).execute(&mut *$db).await?.rows_affected())*
    };
}

/// Removes what is kept of users beside their accounts; says how many rows it was.
/// Every table with a `user_id` has its line here, or is said to stay in
/// tests/rpc/deletion.rs.
pub async fn remove_rows(db: &mut PgConnection, users: &[Uuid], now: DateTime<Utc>) -> Result<u64> {
    let sessions = remove_sessions(db, users, now).await?;
    let others = each!(
        db,
        users,
        [
            "DELETE FROM auth.email_tokens WHERE user_id = ANY($1)",
            "DELETE FROM auth.mfa_challenges WHERE user_id = ANY($1)",
            "DELETE FROM auth.recovery_codes WHERE user_id = ANY($1)",
            "DELETE FROM auth.totp_secrets WHERE user_id = ANY($1)",
            // What happened stays, under an id that stands for nobody any more.
            "UPDATE auth.audit_events SET ip = '' WHERE user_id = ANY($1) AND ip <> ''",
        ]
    );
    Ok(sessions + others)
}

/// Their tokens are told by session, too: an instance whose clock is ahead may have
/// made one that is younger than the revocation of the user.
async fn remove_sessions(db: &mut PgConnection, users: &[Uuid], now: DateTime<Utc>) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        WITH gone AS (
            DELETE FROM auth.sessions
            WHERE user_id = ANY($1)
            RETURNING user_id, id, revoke_time
        ), told AS (
            INSERT INTO auth.revocations (user_id, session_id, revoke_time)
            SELECT user_id, id, $2
            FROM gone
            WHERE revoke_time IS NULL
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) AS "count!" FROM gone
        "#,
        users,
        now,
    )
    .fetch_one(db)
    .await?;
    Ok(count.unsigned_abs())
}

/// Writes down for good that a user is gone.
pub async fn remember(db: impl PgExecutor<'_>, user_id: UserId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.deleted_users (user_id, delete_time)
        VALUES ($1, $2)
        ON CONFLICT (user_id) DO UPDATE SET delete_time = excluded.delete_time
        ",
        user_id as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns up to `limit` users that were deleted behind this position, the earliest
/// first.
pub async fn behind(
    db: impl PgExecutor<'_>,
    position: Position,
    limit: i64,
) -> Result<Vec<Deleted>> {
    let deleted = sqlx::query_as!(
        Deleted,
        r#"
        SELECT user_id AS "user_id: UserId", delete_time
        FROM auth.deleted_users
        WHERE (delete_time, user_id) > ($1, $2)
        ORDER BY delete_time, user_id
        LIMIT $3
        "#,
        position.time,
        position.user_id,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(deleted)
}

/// Who was deleted later than `after`.
pub async fn later_than(db: impl PgExecutor<'_>, after: DateTime<Utc>) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT user_id FROM auth.deleted_users WHERE delete_time > $1",
        after,
    )
    .fetch_all(db)
    .await?)
}
