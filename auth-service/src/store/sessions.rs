//! The sessions table.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::revocations::EVERY_SESSION;
use crate::error::Result;
use crate::model::refresh_token::RefreshToken;
use crate::model::session::{Client, NewSession, Session};

/// Stores a new session of a user whose row the transaction has locked.
pub async fn insert(
    db: impl PgExecutor<'_>,
    new: &NewSession<'_>,
    token: &RefreshToken,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.sessions (user_id, id, epoch, gen, cur_hash, cur_kid, create_time,
                                   auth_time, amr, last_seen_time, idle_expire_time,
                                   absolute_expire_time, ip, user_agent, client_label)
        SELECT u.id, $2, u.session_epoch, $3, $4, $5, $6, $6, $7, $6, $8, $9, $10, $11, $12
        FROM auth.users AS u
        WHERE u.id = $1
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
    /// The successor.
    pub successor: &'a RefreshToken,
    /// SHA-256 of the call's request id.
    pub request_hash: Option<[u8; 32]>,
    /// When the session expires unless it is refreshed, at most its absolute expiry.
    pub idle_expire_time: DateTime<Utc>,
    /// The caller.
    pub client: &'a Client,
    /// For an access token with `auth.admin`: the earliest allowed log-in.
    pub administers_since: Option<DateTime<Utc>>,
}

/// The data of an access token.
pub struct Rotated {
    /// When the user logged in.
    pub auth_time: DateTime<Utc>,
    /// The authentication methods.
    pub amr: Vec<String>,
    /// When the refresh token expires.
    pub idle_expire_time: DateTime<Utc>,
    /// When the session expires.
    pub absolute_expire_time: DateTime<Utc>,
    /// The user's.
    pub roles: Vec<String>,
    /// Whether the user has a second factor.
    pub mfa_enabled: bool,
    /// Until when all access tokens of the user are revoked.
    pub tokens_revoke_time: Option<DateTime<Utc>>,
}

/// Replaces the presented token of a session, if it is the current one and both session
/// and user are valid. Of several callers one succeeds. Nothing changes if `auth.admin`
/// is requested but not allowed.
pub async fn rotate(
    db: impl PgExecutor<'_>,
    rotation: &Rotation<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Rotated>> {
    let row = sqlx::query_as!(
        Rotated,
        r#"
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
          AND s.epoch = u.session_epoch
          AND ($11::timestamptz IS NULL
               OR s.auth_time >= $11 AND 'admin' = ANY (u.roles)
                  AND (u.mfa_enable_time IS NULL OR 'mfa' = ANY (s.amr)))
        RETURNING s.auth_time, s.amr, s.idle_expire_time, s.absolute_expire_time, u.roles,
                  u.mfa_enable_time IS NOT NULL AS "mfa_enabled!",
                  (SELECT r.revoke_time
                   FROM auth.revocations AS r
                   WHERE r.user_id = s.user_id AND r.session_id = $12) AS tokens_revoke_time
        "#,
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
        rotation.administers_since,
        EVERY_SESSION,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Returns the generation of a valid session, and locks it until the transaction ends.
pub async fn lock_generation(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "
        SELECT s.gen
        FROM auth.sessions AS s
        JOIN auth.users AS u ON u.id = s.user_id AND u.session_epoch = s.epoch
        WHERE s.user_id = $1 AND s.id = $2 AND u.id = $1
          AND s.revoke_time IS NULL
          AND s.idle_expire_time > $3
          AND s.absolute_expire_time > $3
        FOR UPDATE OF s
        ",
        user_id as UserId,
        id,
        now,
    )
    .fetch_optional(db)
    .await?)
}

/// Replaces the session's tokens with one that is not derived from them: they no longer
/// work, and no longer return a successor. Returns `None` if the session is missing.
pub async fn replace_token(
    db: impl PgExecutor<'_>,
    token: &RefreshToken,
    idle_expire_time: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Rotated>> {
    let row = sqlx::query_as!(
        Rotated,
        r#"
        UPDATE auth.sessions AS s
        SET gen = $3,
            prev_hash = NULL,
            prev_request_hash = NULL,
            cur_hash = $4,
            cur_kid = $5,
            rotate_time = $6,
            last_seen_time = $6,
            idle_expire_time = LEAST($7, s.absolute_expire_time)
        FROM auth.users AS u
        WHERE s.user_id = $1 AND s.id = $2 AND u.id = $1 AND u.id = s.user_id
        RETURNING s.auth_time, s.amr, s.idle_expire_time, s.absolute_expire_time, u.roles,
                  u.mfa_enable_time IS NOT NULL AS "mfa_enabled!",
                  (SELECT r.revoke_time
                   FROM auth.revocations AS r
                   WHERE r.user_id = s.user_id AND r.session_id = $8) AS tokens_revoke_time
        "#,
        token.user_id as UserId,
        token.session_id,
        i64::from(token.generation),
        &token.hash(),
        i16::from(token.kid),
        now,
        idle_expire_time,
        EVERY_SESSION,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// The data for deciding on a refresh that did not succeed.
#[derive(Clone, Debug)]
pub struct RefreshState {
    /// SHA-256 of the current token.
    pub cur_hash: Vec<u8>,
    /// The key of the current token.
    pub cur_kid: i16,
    /// SHA-256 of the token before it.
    pub prev_hash: Option<Vec<u8>>,
    /// SHA-256 of the request id of the latest refresh.
    pub prev_request_hash: Option<Vec<u8>>,
    /// When the latest refresh was.
    pub rotate_time: Option<DateTime<Utc>>,
    /// When the user logged in.
    pub auth_time: DateTime<Utc>,
    /// The authentication methods.
    pub amr: Vec<String>,
    /// When the current token expires.
    pub idle_expire_time: DateTime<Utc>,
    /// When the session expires.
    pub absolute_expire_time: DateTime<Utc>,
    /// Whether the session was revoked.
    pub revoked: bool,
    /// Whether the user is disabled; `None` if there is no user.
    pub disabled: Option<bool>,
    /// The user's.
    pub roles: Option<Vec<String>>,
    /// Whether the user has a second factor.
    pub mfa_enabled: bool,
    /// Until when all access tokens of the user are revoked.
    pub tokens_revoke_time: Option<DateTime<Utc>>,
}

/// Returns the state of a session, valid or not.
pub async fn refresh_state(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    id: Uuid,
) -> Result<Option<RefreshState>> {
    let row = sqlx::query_as!(
        RefreshState,
        r#"
        SELECT s.cur_hash, s.cur_kid, s.prev_hash, s.prev_request_hash, s.rotate_time,
               s.auth_time, s.amr, s.idle_expire_time, s.absolute_expire_time,
               s.revoke_time IS NOT NULL OR COALESCE(s.epoch <> u.session_epoch, false)
                   AS "revoked!",
               CASE WHEN u.id IS NOT NULL THEN u.disable_time IS NOT NULL END AS disabled,
               u.roles AS "roles?", u.mfa_enable_time IS NOT NULL AS "mfa_enabled!",
               (SELECT r.revoke_time
                FROM auth.revocations AS r
                WHERE r.user_id = s.user_id AND r.session_id = $3) AS tokens_revoke_time
        FROM auth.sessions AS s
        LEFT JOIN auth.users AS u ON u.id = s.user_id
        WHERE s.user_id = $1 AND s.id = $2
        "#,
        user_id as UserId,
        id,
        EVERY_SESSION,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Returns the user's valid sessions created before `before`, the latest first.
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
        SELECT s.id, s.client_label, s.ip, s.user_agent, s.create_time, s.last_seen_time,
               s.idle_expire_time, s.absolute_expire_time
        FROM auth.sessions AS s
        JOIN auth.users AS u ON u.id = s.user_id AND u.session_epoch = s.epoch
        WHERE s.user_id = $1 AND u.id = $1
          AND ($2::uuid IS NULL OR s.id < $2)
          AND s.revoke_time IS NULL
          AND s.idle_expire_time > $4
          AND s.absolute_expire_time > $4
        ORDER BY s.id DESC
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
