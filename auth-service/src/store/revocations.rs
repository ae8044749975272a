//! The revocations table, and the feed that is read from it.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;
use crate::model::revocation::{Revocation, Subject};

/// Instead of a session's id: all tokens of the user or service account are revoked.
pub(super) const EVERY_SESSION: Uuid = Uuid::nil();

/// Returns the revocations after `after`, in order of time.
pub async fn later_than(db: impl PgExecutor<'_>, after: DateTime<Utc>) -> Result<Vec<Revocation>> {
    let rows = sqlx::query!(
        r#"
        SELECT user_id AS "user_id?: UserId", session_id AS "session_id?",
               NULL::text AS kid, revoke_time AS "revoke_time!"
        FROM auth.revocations
        WHERE revoke_time > $1
        UNION ALL
        SELECT NULL, NULL, kid, state_time
        FROM auth.signing_keys
        WHERE state = 'revoked' AND state_time > $1
        ORDER BY 4
        "#,
        after,
    )
    .fetch_all(db)
    .await?;
    let revocation = |(subject, revoke_time)| Revocation {
        subject,
        revoke_time,
    };
    let subjects = rows.into_iter().filter_map(|row| {
        let subject = match (row.user_id, row.session_id, row.kid) {
            (Some(user_id), Some(id), _) if id == EVERY_SESSION => Subject::User(user_id),
            (_, Some(id), _) => Subject::Session(id),
            (_, _, kid) => Subject::Key(kid?),
        };
        Some((subject, row.revoke_time))
    });
    Ok(subjects.map(revocation).collect())
}

/// Returns the time until which all tokens of a user are revoked.
pub async fn of_user(db: impl PgExecutor<'_>, user_id: UserId) -> Result<Option<DateTime<Utc>>> {
    let revoke_time = sqlx::query_scalar!(
        "
        SELECT revoke_time
        FROM auth.revocations
        WHERE user_id = $1 AND session_id = $2
        ",
        user_id as UserId,
        EVERY_SESSION,
    )
    .fetch_optional(db)
    .await?;
    Ok(revoke_time)
}

/// Revokes every existing token of a user or a service account.
pub async fn insert_user(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.revocations AS r (user_id, session_id, revoke_time)
        VALUES ($1, $2, $3)
        ON CONFLICT (user_id, session_id) DO UPDATE
        SET revoke_time = GREATEST(r.revoke_time, excluded.revoke_time)
        ",
        user_id as UserId,
        EVERY_SESSION,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes up to `limit` revocations whose tokens have expired; returns how many.
pub async fn purge(db: impl PgExecutor<'_>, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM auth.revocations
        WHERE (user_id, session_id) IN (
            SELECT user_id, session_id
            FROM auth.revocations
            WHERE revoke_time < $1
            ORDER BY revoke_time
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        ",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
