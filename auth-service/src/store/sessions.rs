//! The sessions table.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::audit::Kind;
use crate::error::Result;
use crate::refresh_token::RefreshToken;
use crate::sessions::{Client, NewSession, Session};

/// Stores a new session.
pub async fn insert(
    db: impl PgExecutor<'_>,
    new: &NewSession<'_>,
    token: &RefreshToken,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.sessions (user_id, id, gen, cur_hash, cur_kid, create_time, auth_time, amr,
                                   last_seen_time, idle_expire_time, absolute_expire_time,
                                   ip, user_agent, client_label)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $6, $8, $9, $10, $11, $12)
        ",
        token.user_id as UserId,
        token.session_id,
        i64::from(token.generation),
        &token.hash(),
        i16::from(token.kid),
        now,
        new.amr,
        new.idle_expire_time,
        new.absolute_expire_time,
        new.client.ip,
        new.client.user_agent,
        new.client_label,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What changes with a refresh.
pub struct Rotation<'a> {
    /// The token that was presented.
    pub presented: &'a RefreshToken,
    /// The one that follows.
    pub successor: &'a RefreshToken,
    /// SHA-256 of the call's request id.
    pub request_hash: Option<[u8; 32]>,
    /// When the session ends unless it is refreshed, or at its absolute end.
    pub idle_expire_time: DateTime<Utc>,
    /// Who calls.
    pub client: &'a Client,
}

/// What an access token needs.
pub struct Rotated {
    /// When the user logged in.
    pub auth_time: DateTime<Utc>,
    /// How.
    pub amr: Vec<String>,
    /// When the refresh token ends.
    pub idle_expire_time: DateTime<Utc>,
    /// When the session ends.
    pub absolute_expire_time: DateTime<Utc>,
    /// The user's.
    pub roles: Vec<String>,
}

/// Moves a session on from the presented token, where that is its current one
/// and both session and user are in order. Of several callers one wins.
pub async fn rotate(
    db: impl PgExecutor<'_>,
    rotation: &Rotation<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Rotated>> {
    let row = sqlx::query_as!(
        Rotated,
        "
        UPDATE auth.sessions AS s
        SET gen = s.gen + 1,
            prev_hash = s.cur_hash,
            cur_hash = $4,
            cur_kid = $5,
            prev_request_hash = $6,
            rotate_time = $7,
            last_seen_time = $7,
            idle_expire_time = LEAST($8, s.absolute_expire_time),
            ip = $9,
            user_agent = $10
        FROM auth.users AS u
        WHERE s.user_id = $1 AND s.id = $2 AND s.cur_hash = $3
          AND s.revoke_time IS NULL
          AND s.idle_expire_time > $7
          AND s.absolute_expire_time > $7
          AND u.id = $1 AND u.id = s.user_id AND u.disable_time IS NULL
        RETURNING s.auth_time, s.amr, s.idle_expire_time, s.absolute_expire_time, u.roles
        ",
        rotation.presented.user_id as UserId,
        rotation.presented.session_id,
        &rotation.presented.hash(),
        &rotation.successor.hash(),
        i16::from(rotation.successor.kid),
        rotation.request_hash.as_ref().map(<[u8; 32]>::as_slice),
        now,
        rotation.idle_expire_time,
        rotation.client.ip,
        rotation.client.user_agent,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// All that decides on a refresh which did not win.
#[derive(Clone, Debug)]
pub struct RefreshState {
    /// SHA-256 of the current token.
    pub cur_hash: Vec<u8>,
    /// The key that made the current token.
    pub cur_kid: i16,
    /// SHA-256 of the token before it.
    pub prev_hash: Option<Vec<u8>>,
    /// SHA-256 of the request id of the latest refresh.
    pub prev_request_hash: Option<Vec<u8>>,
    /// When the latest refresh was.
    pub rotate_time: Option<DateTime<Utc>>,
    /// When the user logged in.
    pub auth_time: DateTime<Utc>,
    /// How.
    pub amr: Vec<String>,
    /// When the current token ends.
    pub idle_expire_time: DateTime<Utc>,
    /// When the session ends.
    pub absolute_expire_time: DateTime<Utc>,
    /// When the session was ended before its time.
    pub revoke_time: Option<DateTime<Utc>>,
    /// Whether the user may not refresh; nothing where there is no user.
    pub disabled: Option<bool>,
    /// The user's.
    pub roles: Option<Vec<String>>,
}

/// Returns the state of a session, alive or not.
pub async fn refresh_state(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    id: Uuid,
) -> Result<Option<RefreshState>> {
    let row = sqlx::query_as!(
        RefreshState,
        r#"
        SELECT s.cur_hash, s.cur_kid, s.prev_hash, s.prev_request_hash, s.rotate_time,
               s.auth_time, s.amr, s.idle_expire_time, s.absolute_expire_time, s.revoke_time,
               CASE WHEN u.id IS NOT NULL THEN u.disable_time IS NOT NULL END AS disabled,
               u.roles AS "roles?"
        FROM auth.sessions AS s
        LEFT JOIN auth.users AS u ON u.id = s.user_id
        WHERE s.user_id = $1 AND s.id = $2
        "#,
        user_id as UserId,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Ends a live session and writes that down; false where it was over.
pub async fn revoke(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    id: Uuid,
    kind: Kind,
    ip: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        WITH revoked AS (
            UPDATE auth.sessions SET revoke_time = $3, revoke_reason = $4
            WHERE user_id = $1 AND id = $2
              AND revoke_time IS NULL
              AND idle_expire_time > $3
              AND absolute_expire_time > $3
            RETURNING user_id, id
        ), told AS (
            INSERT INTO auth.revocations (user_id, session_id, revoke_time)
            SELECT user_id, id, $3
            FROM revoked
            ON CONFLICT DO NOTHING
        )
        INSERT INTO auth.audit_events (user_id, id, kind, event_time, session_id, ip)
        SELECT user_id, $5, $4, $3, id, $6
        FROM revoked
        ",
        user_id as UserId,
        id,
        now,
        kind.name(),
        Uuid::now_v7(),
        ip,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the user's live sessions but one; returns how many.
pub async fn revoke_others(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    spared: Uuid,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<u64> {
    let done = sqlx::query!(
        "
        WITH revoked AS (
            UPDATE auth.sessions SET revoke_time = $3, revoke_reason = $4
            WHERE user_id = $1 AND id <> $2
              AND revoke_time IS NULL
              AND idle_expire_time > $3
              AND absolute_expire_time > $3
            RETURNING user_id, id
        )
        INSERT INTO auth.revocations (user_id, session_id, revoke_time)
        SELECT user_id, id, $3
        FROM revoked
        ",
        user_id as UserId,
        spared,
        now,
        kind.name(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Returns the user's live sessions made before `before`, the latest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    before: Option<Uuid>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Session>> {
    let sessions = sqlx::query_as!(
        Session,
        "
        SELECT id, client_label, ip, user_agent, create_time, last_seen_time,
               idle_expire_time, absolute_expire_time
        FROM auth.sessions
        WHERE user_id = $1
          AND ($2::uuid IS NULL OR id < $2)
          AND revoke_time IS NULL
          AND idle_expire_time > $4
          AND absolute_expire_time > $4
        ORDER BY id DESC
        LIMIT $3
        ",
        user_id as UserId,
        before,
        limit,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(sessions)
}

/// Forgets up to `limit` sessions whose absolute end was before `ended`; returns
/// how many. Two callers at once take different ones.
pub async fn purge(db: impl PgExecutor<'_>, ended: DateTime<Utc>, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.sessions
        WHERE (user_id, id) IN (
            SELECT user_id, id
            FROM auth.sessions
            WHERE absolute_expire_time < $1
            ORDER BY absolute_expire_time
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        ",
        ended,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
