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
    user_id: UserId,
    kind: Kind,
    ip: &'a str,
    session_id: Option<Uuid>,
    actor_id: Option<UserId>,
    detail: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// What happened to an account, and where the call came from.
    #[must_use]
    pub fn new(user_id: UserId, kind: Kind, ip: &'a str) -> Self {
        Self {
            user_id,
            kind,
            ip,
            session_id: None,
            actor_id: None,
            detail: None,
        }
    }

    /// Names the session that it is about.
    #[must_use]
    pub fn session(mut self, id: Uuid) -> Self {
        self.session_id = Some(id);
        self
    }

    /// Names who did it, where that is not the user itself.
    #[must_use]
    pub fn by(mut self, actor_id: UserId) -> Self {
        self.actor_id = Some(actor_id);
        self
    }

    /// Adds what else there is to tell; never a secret or an e-mail.
    #[must_use]
    pub fn detail(mut self, detail: &'a str) -> Self {
        self.detail = Some(detail);
        self
    }
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
        INSERT INTO auth.audit_events (user_id, id, kind, event_time, session_id, ip,
                                       actor_id, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING
        ",
        event.user_id as UserId,
        id,
        event.kind.name(),
        now,
        event.session_id,
        event.ip,
        event.actor_id as Option<UserId>,
        event.detail,
    )
    .execute(db)
    .await?;
    Ok(())
}
