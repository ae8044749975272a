//! Remaining rows of deleted users, deleted in batches, so that no statement costs more
//! for a user with more rows.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;

/// Rows of each table per batch.
const BATCH: i64 = 1000;

/// Runs statements on the rows of a user; returns the numbers of changed rows.
macro_rules! each {
    ($db:expr, $user:expr, [$($sql:literal),* $(,)?]) => {
        [$(
            sqlx::query!($sql, $user as UserId, BATCH - 1)
                .execute(&mut *$db)
                .await?
                .rows_affected()
        ),*]
    };
}

/// The result of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Deleted or changed rows.
    pub rows: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// Deletes a batch of each table of a user, except the account and the audit: the rows up
/// to the last key of the batch, or all. Every table with a `user_id` is listed here, or
/// as kept in tests/rpc/deletion.rs.
pub async fn remove_rows(
    db: &mut Connection,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Removed> {
    let sessions = remove_sessions(db, user_id, now).await?;
    let [tokens, challenges, recovery_codes] = each!(
        db,
        user_id,
        [
            r"DELETE FROM auth.email_tokens WHERE user_id = $1 AND hash <= COALESCE(
                  (SELECT hash FROM auth.email_tokens WHERE user_id = $1
                   ORDER BY hash OFFSET $2 LIMIT 1), decode(repeat('ff', 33), 'hex'))",
            r"DELETE FROM auth.mfa_challenges WHERE user_id = $1 AND hash <= COALESCE(
                  (SELECT hash FROM auth.mfa_challenges WHERE user_id = $1
                   ORDER BY hash OFFSET $2 LIMIT 1), decode(repeat('ff', 33), 'hex'))",
            r"DELETE FROM auth.recovery_codes WHERE user_id = $1 AND hash <= COALESCE(
                  (SELECT hash FROM auth.recovery_codes WHERE user_id = $1
                   ORDER BY hash OFFSET $2 LIMIT 1), decode(repeat('ff', 33), 'hex'))",
        ]
    );
    let secrets = sqlx::query!(
        "DELETE FROM auth.totp_secrets WHERE user_id = $1",
        user_id as UserId,
    );
    let secrets = secrets.execute(&mut *db).await?.rows_affected();
    let counts = [sessions, tokens, challenges, recovery_codes, secrets];
    Ok(Removed {
        rows: counts.iter().sum(),
        more: counts.iter().any(|count| *count >= BATCH.unsigned_abs()),
    })
}

/// Their tokens are also revoked by session, because an instance whose clock is ahead may
/// have issued one after the revocation of the user.
async fn remove_sessions(db: &mut Connection, user_id: UserId, now: DateTime<Utc>) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        WITH gone AS (
            DELETE FROM auth.sessions
            WHERE user_id = $1 AND id <= COALESCE(
                (SELECT id FROM auth.sessions WHERE user_id = $1
                 ORDER BY id OFFSET $3 LIMIT 1), $4)
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
        user_id as UserId,
        now,
        BATCH - 1,
        Uuid::max(),
    )
    .fetch_one(db)
    .await?;
    Ok(count.unsigned_abs())
}

/// The position of a pass over a user's audit entries, and its result.
pub struct Step {
    /// The last entry of the batch; `None` at the end.
    pub last: Option<Uuid>,
    /// Entries that lost their address.
    pub rows: i64,
}

/// Removes the addresses from a batch of a user's audit entries after `after`. The
/// entries are kept, with an id that no longer identifies anybody.
pub async fn blank_audit(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    after: Option<Uuid>,
) -> Result<Step> {
    let step = sqlx::query_as!(
        Step,
        r#"
        WITH batch AS (
            SELECT id AS last
            FROM auth.audit_events
            WHERE user_id = $1 AND id > $2
            ORDER BY id
            OFFSET $3
            LIMIT 1
        ), blank AS (
            UPDATE auth.audit_events SET ip = ''
            WHERE user_id = $1 AND id > $2 AND id <= COALESCE((SELECT last FROM batch), $4)
              AND ip <> ''
            RETURNING id
        )
        SELECT (SELECT last FROM batch) AS last, (SELECT count(*) FROM blank) AS "rows!"
        "#,
        user_id as UserId,
        after.unwrap_or_default(),
        BATCH - 1,
        Uuid::max(),
    )
    .fetch_one(db)
    .await?;
    Ok(step)
}

/// Returns up to `limit` deleted users with remaining rows: those that the deletion could
/// not delete at once, and, for users deleted after `since`, those that running calls
/// wrote.
pub async fn unfinished(
    db: impl PgExecutor<'_>,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT user_id AS "user_id!: UserId"
        FROM auth.deleted_users
        WHERE rows_left
        UNION ALL
        SELECT d.user_id
        FROM auth.deleted_users AS d
        WHERE d.delete_time > $1 AND NOT d.rows_left
          AND (EXISTS (SELECT FROM auth.sessions AS s WHERE s.user_id = d.user_id)
               OR EXISTS (SELECT FROM auth.email_tokens AS t WHERE t.user_id = d.user_id)
               OR EXISTS (SELECT FROM auth.mfa_challenges AS c WHERE c.user_id = d.user_id)
               OR EXISTS (SELECT FROM auth.recovery_codes AS r WHERE r.user_id = d.user_id)
               OR EXISTS (SELECT FROM auth.totp_secrets AS t WHERE t.user_id = d.user_id)
               OR EXISTS (SELECT FROM auth.audit_events AS e
                          WHERE e.user_id = d.user_id AND e.event_time > $1 AND e.ip <> ''))
        LIMIT $2
        "#,
        since,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Records that no rows of a user remain.
pub async fn finished(db: impl PgExecutor<'_>, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "UPDATE auth.deleted_users SET rows_left = false WHERE user_id = $1 AND rows_left",
        user_id as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}
