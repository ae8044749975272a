//! Accounts whose e-mail was never verified.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// Starts the waiting time of up to `limit` unverified accounts from before this version
/// of the schema. Accounts with an e-mail that was once verified do not wait. Returns the
/// number of accounts.
pub async fn begin(db: impl PgExecutor<'_>, limit: i64, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "
        UPDATE auth.users AS u
        SET unconfirmed_since = CASE WHEN EXISTS (
                SELECT FROM auth.audit_events AS e
                WHERE e.user_id = u.id AND e.kind IN ('email_verified', 'password_reset')
            ) THEN 'infinity' ELSE $2::timestamptz END
        WHERE u.id IN (
            SELECT id
            FROM auth.users
            WHERE NOT email_verified AND unconfirmed_since IS NULL
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        ",
        limit,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Returns up to `limit` accounts that have waited since before `before`, the longest
/// first.
pub async fn waiting(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT id AS "id: UserId"
        FROM auth.users
        WHERE NOT email_verified AND unconfirmed_since < $1
        ORDER BY unconfirmed_since
        LIMIT $2
        "#,
        before,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Whether an account is an administrator's or has a valid session.
pub async fn is_in_use(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT 'admin' = ANY (u.roles) OR EXISTS (
            SELECT FROM auth.sessions AS s
            WHERE s.user_id = u.id AND s.epoch = u.session_epoch
              AND s.revoke_time IS NULL
              AND s.idle_expire_time > $2
              AND s.absolute_expire_time > $2
        ) AS "in_use!"
        FROM auth.users AS u
        WHERE u.id = $1
        "#,
        user_id as UserId,
        now,
    )
    .fetch_optional(db)
    .await?
    .unwrap_or_default())
}

/// Restarts the wait of an account, because somebody uses it.
pub async fn begin_anew(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE auth.users SET unconfirmed_since = $2 WHERE id = $1 AND NOT email_verified",
        user_id as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
