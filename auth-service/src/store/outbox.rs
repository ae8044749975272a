//! The outbox: sealed mail to be sent.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;

/// Stores a mail until it is sent or `expire_time` has passed.
pub async fn insert(
    db: impl PgExecutor<'_>,
    id: Uuid,
    sealed: &[u8],
    expire_time: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.outbox (id, sealed, create_time, due_time, expire_time, attempts)
        VALUES ($1, $2, $3, $3, $4, 0)
        ",
        id,
        sealed,
        now,
        expire_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A leased mail.
pub struct LeasedRow {
    /// The id of the mail.
    pub id: Uuid,
    /// The sealed letter.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub create_time: DateTime<Utc>,
    /// When it expires.
    pub expire_time: DateTime<Utc>,
    /// The number of its leases, this one included.
    pub attempts: i64,
}

/// Leases up to `limit` mails that are due until `until`, the longest due first.
/// Concurrent callers get different ones.
pub async fn lease(
    db: impl PgExecutor<'_>,
    until: DateTime<Utc>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<LeasedRow>> {
    let rows = sqlx::query_as!(
        LeasedRow,
        "
        UPDATE auth.outbox SET due_time = $2, attempts = attempts + 1
        WHERE id IN (
            SELECT id
            FROM auth.outbox
            WHERE due_time <= $1
            ORDER BY due_time
            LIMIT $3
            FOR UPDATE SKIP LOCKED
        )
        RETURNING id, sealed, create_time, expire_time, attempts
        ",
        now,
        until,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// The mail that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub mails: i32,
    /// When the oldest was written.
    pub oldest: Option<DateTime<Utc>>,
}

/// Counts the mail that waits.
pub async fn waiting(db: impl PgExecutor<'_>) -> Result<Waiting> {
    let waiting = sqlx::query_as!(
        Waiting,
        r#"SELECT count(*)::int AS "mails!", min(create_time) AS oldest FROM auth.outbox"#,
    );
    Ok(waiting.fetch_one(db).await?)
}

/// Replaces the content of a mail.
pub async fn reseal(db: impl PgExecutor<'_>, id: Uuid, sealed: &[u8]) -> Result<()> {
    sqlx::query!(
        "UPDATE auth.outbox SET sealed = $2 WHERE id = $1",
        id,
        sealed
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a mail due again at `due_time`, if this lease of it is the latest.
pub async fn postpone(
    db: impl PgExecutor<'_>,
    id: Uuid,
    attempts: i64,
    due_time: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE auth.outbox SET due_time = $3 WHERE id = $1 AND attempts = $2",
        id,
        attempts,
        due_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a mail.
pub async fn delete(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM auth.outbox WHERE id = $1", id)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes up to `limit` mails that expired before `expired`; returns how many.
pub async fn purge(db: impl PgExecutor<'_>, expired: DateTime<Utc>, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.outbox
        WHERE id IN (
            SELECT id
            FROM auth.outbox
            WHERE due_time < $1 AND expire_time < $1
            ORDER BY due_time
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
