//! The throttles table.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// The pause after each failure, as long as a bucket has fewer failures than `below`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The number of failures at which the next step begins.
    pub below: i32,
    /// The pause; 0 for none.
    pub pause_seconds: i32,
}

impl Step {
    /// Pauses for so many seconds below so many failures.
    #[must_use]
    pub const fn below(below: i32, pause_seconds: i32) -> Self {
        Self {
            below,
            pause_seconds,
        }
    }

    /// The last step: pauses for so many seconds, however many failures there are.
    #[must_use]
    pub const fn last(pause_seconds: i32) -> Self {
        Self::below(i32::MAX, pause_seconds)
    }
}

/// Counts a failure, and blocks the bucket for the pause of the first step that has more
/// failures; false, without counting, if it is blocked. Failures from before `forgotten`
/// do not count. A step without a pause keeps an existing block, because calls may arrive
/// out of order.
pub async fn reserve(
    db: impl PgExecutor<'_>,
    bucket: [u8; 32],
    steps: &[Step],
    forgotten: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let most: Vec<i32> = steps.iter().map(|step| step.below).collect();
    let pauses: Vec<i32> = steps.iter().map(|step| step.pause_seconds).collect();
    let done = sqlx::query!(
        "
        INSERT INTO auth.throttles AS t (bucket, failures, blocked_until, update_time)
        VALUES ($1, 1, to_timestamp(0), $4)
        ON CONFLICT (bucket) DO UPDATE
        SET failures = CASE WHEN t.update_time < $5 THEN 1 ELSE t.failures + 1 END,
            blocked_until = COALESCE(
                $4 + make_interval(secs => (
                    SELECT NULLIF(pause, 0)
                    FROM unnest($2::int[], $3::int[]) AS step (most, pause)
                    WHERE most > CASE WHEN t.update_time < $5 THEN 1 ELSE t.failures + 1 END
                    ORDER BY most
                    LIMIT 1
                )),
                t.blocked_until
            ),
            update_time = GREATEST(t.update_time, $4)
        WHERE t.blocked_until <= $4
        ",
        &bucket,
        &most,
        &pauses,
        now,
        forgotten,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns until when a bucket is blocked; `None` if it is empty.
pub async fn blocked_until(
    db: impl PgExecutor<'_>,
    bucket: [u8; 32],
) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!(
        "SELECT blocked_until FROM auth.throttles WHERE bucket = $1",
        &bucket,
    )
    .fetch_optional(db)
    .await?)
}

/// Removes one failure.
pub async fn take_back(db: impl PgExecutor<'_>, bucket: [u8; 32]) -> Result<()> {
    sqlx::query!(
        "UPDATE auth.throttles SET failures = failures - 1 WHERE bucket = $1 AND failures > 0",
        &bucket,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Resets the failures.
pub async fn forget(db: impl PgExecutor<'_>, bucket: [u8; 32]) -> Result<()> {
    sqlx::query!("DELETE FROM auth.throttles WHERE bucket = $1", &bucket)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes up to `limit` buckets without a change since `idle`; returns how many.
/// Concurrent callers delete different ones.
pub async fn purge(db: impl PgExecutor<'_>, idle: DateTime<Utc>, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.throttles
        WHERE bucket IN (
            SELECT bucket
            FROM auth.throttles
            WHERE update_time < $1
            ORDER BY update_time
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        ",
        idle,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
