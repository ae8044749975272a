//! Revocations of sessions. Revoking all sessions of a user costs the same however many
//! there are.

use chassis::access::token::TokenError;
use chassis::clock::Clock;
use chassis::database::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::revocations;
use crate::error::Result;
use crate::model::audit::Kind;

/// Sessions that one statement marks as revoked; more than a user can have.
const MARKED_MAX: i64 = 1000;
/// Rows of a user's ended sessions that are kept besides the valid ones.
const ENDED_MAX: i64 = 1000;
/// Rows that a log-in deletes if there are more; it adds one.
const REMOVED_MAX: i64 = 200;

/// Locks sessions against changes, in the order of their ids.
pub async fn hold(db: impl PgExecutor<'_>, user_id: UserId, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "
        SELECT 1 AS one
        FROM auth.sessions
        WHERE user_id = $1 AND id = ANY ($2)
        ORDER BY id
        FOR UPDATE
        ",
        user_id as UserId,
        ids,
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Whether a session was not revoked.
pub async fn is_alive(db: impl PgExecutor<'_>, user_id: UserId, id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM auth.sessions AS s
            JOIN auth.users AS u ON u.id = s.user_id AND u.session_epoch = s.epoch
            WHERE s.user_id = $1 AND s.id = $2 AND s.revoke_time IS NULL
        ) AS "is_alive!"
        "#,
        user_id as UserId,
        id,
    )
    .fetch_one(db)
    .await?)
}

/// Revokes a valid session and records that; false if it had ended.
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
              AND epoch = (SELECT session_epoch FROM auth.users WHERE id = $1)
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

/// Revokes the valid sessions of a user except `spared`, which must still be valid;
/// returns how many.
///
/// The user gets a new epoch, and sessions of an earlier epoch are invalid, however many
/// there are. The latest ones are also marked as revoked, for readers of single sessions
/// and because access tokens name their session. If there are too many to mark, all
/// access tokens of the user are revoked. The time is read when no session can start any
/// more, because tokens may have been issued while the call waited.
pub async fn end_all(
    tx: &mut Transaction,
    user_id: UserId,
    spared: Option<Uuid>,
    kind: Kind,
    clock: &Clock,
) -> Result<u64> {
    let Some(epoch) = begin_epoch(tx, user_id).await? else {
        return Ok(0);
    };
    if let Some(id) = spared
        && !take_along(tx, user_id, id, epoch).await?
    {
        // Another session was faster, and revoked this one.
        return Err(TokenError::Revoked.into());
    }
    let (before, now) = (epoch - 1, clock.now());
    let sessions = standing(tx, user_id, before, MARKED_MAX).await?;
    let is_alive =
        |session: &&Standing| session.idle_expire_time > now && session.absolute_expire_time > now;
    let alive = sessions.iter().filter(is_alive);
    let ids: Vec<_> = alive.map(|session| session.id).collect();
    mark(tx, user_id, before, &ids, kind, now).await?;
    if sessions.len() as u64 >= MARKED_MAX.unsigned_abs() {
        revocations::insert_user(&mut **tx, user_id, now).await?;
    }
    Ok(ids.len() as u64)
}

async fn begin_epoch(tx: &mut Transaction, user_id: UserId) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "
        UPDATE auth.users SET session_epoch = session_epoch + 1
        WHERE id = $1
        RETURNING session_epoch
        ",
        user_id as UserId,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Moves a session to the new epoch of its user; false if another call revoked it. A
/// separate statement, because it must see what another call wrote while the first one
/// waited.
async fn take_along(tx: &mut Transaction, user_id: UserId, id: Uuid, epoch: i64) -> Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE auth.sessions SET epoch = $3::bigint
        WHERE user_id = $1 AND id = $2 AND epoch = $3::bigint - 1 AND revoke_time IS NULL
        ",
        user_id as UserId,
        id,
        epoch,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A session that was not revoked.
struct Standing {
    id: Uuid,
    last_seen_time: DateTime<Utc>,
    idle_expire_time: DateTime<Utc>,
    absolute_expire_time: DateTime<Utc>,
}

/// Returns the latest sessions of an epoch that were not revoked.
async fn standing(
    tx: &mut Transaction,
    user_id: UserId,
    epoch: i64,
    limit: i64,
) -> Result<Vec<Standing>> {
    let sessions = sqlx::query_as!(
        Standing,
        "
        SELECT id, last_seen_time, idle_expire_time, absolute_expire_time
        FROM auth.sessions
        WHERE user_id = $1 AND epoch = $2 AND revoke_time IS NULL
        ORDER BY id DESC
        LIMIT $3
        ",
        user_id as UserId,
        epoch,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(sessions)
}

/// Marks sessions as revoked. The first and the last id limit the statement to them,
/// whatever the planner estimates.
async fn mark(
    tx: &mut Transaction,
    user_id: UserId,
    epoch: i64,
    ids: &[Uuid],
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<()> {
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(());
    };
    sqlx::query!(
        "
        WITH ended AS (
            UPDATE auth.sessions SET revoke_time = $6, revoke_reason = $7
            WHERE user_id = $1 AND epoch = $2 AND id BETWEEN $3 AND $4 AND id = ANY($5)
              AND revoke_time IS NULL
            RETURNING user_id, id
        )
        INSERT INTO auth.revocations (user_id, session_id, revoke_time)
        SELECT user_id, id, $6
        FROM ended
        ON CONFLICT DO NOTHING
        ",
        user_id as UserId,
        epoch,
        first,
        last,
        ids,
        now,
        kind.name(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps the `most` last used sessions of a user whose row the transaction has locked;
/// returns how many were revoked.
pub async fn displace(
    tx: &mut Transaction,
    user_id: UserId,
    most: usize,
    now: DateTime<Utc>,
) -> Result<usize> {
    let Some(epoch) = epoch_of(tx, user_id).await? else {
        return Ok(0);
    };
    let limit = MARKED_MAX.saturating_add_unsigned(most as u64);
    let mut sessions = standing(tx, user_id, epoch, limit).await?;
    if sessions.len() <= most {
        return Ok(0);
    }
    sessions.sort_by_key(|session| std::cmp::Reverse((session.last_seen_time, session.id)));
    let excess: Vec<_> = sessions[most..].iter().map(|session| session.id).collect();
    let kind = Kind::SessionsDisplaced;
    mark(tx, user_id, epoch, &excess, kind, now).await?;
    Ok(excess.len())
}

async fn epoch_of(tx: &mut Transaction, user_id: UserId) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT session_epoch FROM auth.users WHERE id = $1",
        user_id as UserId,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Deletes the oldest ended sessions of a user, so that their number is limited.
pub async fn forget_ended(tx: &mut Transaction, user_id: UserId) -> Result<()> {
    let Some(last) = id_at(tx, user_id, ENDED_MAX).await? else {
        return Ok(());
    };
    let first = id_at(tx, user_id, ENDED_MAX + REMOVED_MAX - 1).await?;
    sqlx::query!(
        "
        DELETE FROM auth.sessions
        WHERE user_id = $1 AND id BETWEEN $2 AND $3 AND revoke_time IS NOT NULL
        ",
        user_id as UserId,
        first.unwrap_or_default(),
        last,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Returns the id of a user's session with so many later ones, if there is one.
async fn id_at(tx: &mut Transaction, user_id: UserId, later: i64) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "
        SELECT id
        FROM auth.sessions
        WHERE user_id = $1
        ORDER BY id DESC
        OFFSET $2
        LIMIT 1
        ",
        user_id as UserId,
        later,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Deletes up to `limit` sessions whose absolute expiry was before `ended`; returns how
/// many. Concurrent callers delete different ones.
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
