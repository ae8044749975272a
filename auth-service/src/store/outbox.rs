//! The outbox: mail that is to be sent, sealed.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;

/// Keeps a mail until it is sent, from now to `expire_time`.
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

/// A mail that the caller may send until its lease ends.
pub struct LeasedRow {
    /// Its identity.
    pub id: Uuid,
    /// What to send, and to whom.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub create_time: DateTime<Utc>,
    /// When it expires.
    pub expire_time: DateTime<Utc>,
    /// How often it was leased, this time included.
    pub attempts: i64,
}

/// Leases up to `limit` mails that are due, the longest due first: until `until`
/// nobody else gets them. Two callers at once get different ones.
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

/// Puts other content into a mail.
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

/// Makes a mail due again at `due_time`, where this lease of it is the latest.
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

/// Forgets a mail.
pub async fn delete(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM auth.outbox WHERE id = $1", id)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets up to `limit` mails that expired before `expired`, which no sender
/// did; returns how many.
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
