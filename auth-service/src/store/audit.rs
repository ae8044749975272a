//! The audit table: rows are never changed, except that the deletion of an account
//! removes their addresses.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;
use crate::model::audit::{Entry, Kind, Selection};

/// How the API and the table name signing keys instead of a user, and the operator as the
/// actor.
const NO_USER: UserId = UserId(Uuid::nil());

/// Who acted.
#[derive(Clone, Copy, Debug)]
enum Actor {
    /// The user itself, or the service.
    Own,
    /// Another user.
    User(UserId),
    /// The operator, at the command line.
    Operator,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// `None` for signing keys.
    user_id: Option<UserId>,
    kind: Kind,
    ip: &'a str,
    session_id: Option<Uuid>,
    actor: Actor,
    detail: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// An event of an account, with the client's address.
    #[must_use]
    pub fn new(user_id: UserId, kind: Kind, ip: &'a str) -> Self {
        Self {
            user_id: Some(user_id),
            kind,
            ip,
            session_id: None,
            actor: Actor::Own,
            detail: None,
        }
    }

    /// An event of a signing key.
    #[must_use]
    pub fn of_key(kind: Kind, key_id: &'a str, ip: &'a str) -> Self {
        Self {
            user_id: None,
            kind,
            ip,
            session_id: None,
            actor: Actor::Own,
            detail: Some(key_id),
        }
    }

    /// Sets the session concerned.
    #[must_use]
    pub fn session(mut self, id: Uuid) -> Self {
        self.session_id = Some(id);
        self
    }

    /// Sets who acted, if not the user itself.
    #[must_use]
    pub fn by(mut self, user_id: UserId) -> Self {
        self.actor = Actor::User(user_id);
        self
    }

    /// Sets the operator as the one who acted.
    #[must_use]
    pub fn by_operator(mut self) -> Self {
        self.actor = Actor::Operator;
        self
    }

    /// Adds details; never a secret or an e-mail.
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

/// Writes an entry, unless one with this id exists.
pub async fn insert_once(
    db: impl PgExecutor<'_>,
    id: Uuid,
    event: Event<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let actor_id = match event.actor {
        Actor::Own => None,
        Actor::User(user_id) => Some(user_id),
        Actor::Operator => Some(NO_USER),
    };
    sqlx::query!(
        "
        INSERT INTO auth.audit_events (user_id, id, kind, event_time, session_id, ip,
                                       actor_id, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING
        ",
        event.user_id.unwrap_or(NO_USER) as UserId,
        id,
        event.kind.name(),
        now,
        event.session_id,
        event.ip,
        actor_id as Option<UserId>,
        event.detail,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The position of a list of entries, in descending order: after this entry.
pub type AuditCursor = (DateTime<Utc>, Uuid);

/// Returns up to `limit` entries after `after`, the latest first. Each filter has an
/// index of its own.
pub async fn list(
    db: impl PgExecutor<'_>,
    selection: &Selection,
    after: Option<AuditCursor>,
    limit: i64,
) -> Result<Vec<Entry>> {
    // No entry has the nil id, so entries at the end time itself are excluded.
    let before = after.unwrap_or((selection.end, Uuid::nil()));
    match (selection.user_id, &selection.kind) {
        (Some(user_id), kind) => {
            let kind = kind.as_deref();
            list_of_user(db, user_id, kind, selection.start, before, limit).await
        }
        (None, Some(kind)) => list_of_kind(db, kind, selection.start, before, limit).await,
        (None, None) => list_of_all(db, selection.start, before, limit).await,
    }
}

async fn list_of_user(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    kind: Option<&str>,
    start: DateTime<Utc>,
    before: AuditCursor,
    limit: i64,
) -> Result<Vec<Entry>> {
    let entries = sqlx::query_as!(
        Entry,
        r#"
        SELECT id, user_id AS "user_id: UserId", kind, event_time, session_id, ip,
               actor_id AS "actor_id: UserId", detail
        FROM auth.audit_events
        WHERE user_id = $1 AND event_time >= $2 AND (event_time, id) < ($3, $4)
          AND ($5::text IS NULL OR kind = $5)
        ORDER BY event_time DESC, id DESC
        LIMIT $6
        "#,
        user_id as UserId,
        start,
        before.0,
        before.1,
        kind,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(entries)
}

async fn list_of_kind(
    db: impl PgExecutor<'_>,
    kind: &str,
    start: DateTime<Utc>,
    before: AuditCursor,
    limit: i64,
) -> Result<Vec<Entry>> {
    let entries = sqlx::query_as!(
        Entry,
        r#"
        SELECT id, user_id AS "user_id: UserId", kind, event_time, session_id, ip,
               actor_id AS "actor_id: UserId", detail
        FROM auth.audit_events
        WHERE kind COLLATE "C" = $1 AND event_time >= $2 AND (event_time, id) < ($3, $4)
        ORDER BY event_time DESC, id DESC
        LIMIT $5
        "#,
        kind,
        start,
        before.0,
        before.1,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(entries)
}

async fn list_of_all(
    db: impl PgExecutor<'_>,
    start: DateTime<Utc>,
    before: AuditCursor,
    limit: i64,
) -> Result<Vec<Entry>> {
    let entries = sqlx::query_as!(
        Entry,
        r#"
        SELECT id, user_id AS "user_id: UserId", kind, event_time, session_id, ip,
               actor_id AS "actor_id: UserId", detail
        FROM auth.audit_events
        WHERE event_time >= $1 AND (event_time, id) < ($2, $3)
        ORDER BY event_time DESC, id DESC
        LIMIT $4
        "#,
        start,
        before.0,
        before.1,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(entries)
}
