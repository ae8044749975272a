//! The audit table: written once, never changed.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::audit::Kind;
use crate::error::Result;

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Whose account it is about.
    pub user_id: UserId,
    /// What happened.
    pub kind: Kind,
    /// The session it is about.
    pub session_id: Option<Uuid>,
    /// Where the call came from.
    pub ip: &'a str,
}

/// Writes an entry.
pub async fn insert(db: impl PgExecutor<'_>, event: Event<'_>, now: DateTime<Utc>) -> Result<()> {
    insert_once(db, Uuid::now_v7(), event, now).await
}

/// Writes an entry, unless one with this id is there.
pub async fn insert_once(
    db: impl PgExecutor<'_>,
    id: Uuid,
    event: Event<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.audit_events (user_id, id, kind, event_time, session_id, ip)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING
        ",
        event.user_id as UserId,
        id,
        event.kind.name(),
        now,
        event.session_id,
        event.ip,
    )
    .execute(db)
    .await?;
    Ok(())
}
