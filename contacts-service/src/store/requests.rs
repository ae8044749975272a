//! The stored responses to calls with a `request_id`, for a day.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// The response to an earlier call.
#[derive(Debug)]
pub struct StoredResponse {
    /// SHA-256 of the request.
    pub body_hash: Vec<u8>,
    /// The encoded contact of the response.
    pub response: Vec<u8>,
}

/// The owner's call with this id, made at `since` or later. By a range, as in
/// [`super::contacts`]: the index of times has everybody's calls.
pub async fn find(
    db: impl PgExecutor<'_>,
    owner: UserId,
    request_id: &str,
    since: DateTime<Utc>,
) -> Result<Option<StoredResponse>> {
    Ok(sqlx::query_as!(
        StoredResponse,
        r#"
        SELECT body_hash, response
        FROM contacts.requests
        WHERE owner_id = $1 AND request_id >= $2 AND request_id <= $2 AND create_time >= $3
        ORDER BY request_id
        "#,
        owner as UserId,
        request_id,
        since,
    )
    .fetch_optional(db)
    .await?)
}

/// Stores a response, replacing one from before `since`; false if there is a later one,
/// and the transaction must not be committed.
pub async fn insert(
    db: &mut Connection,
    owner: UserId,
    request_id: &str,
    stored: &StoredResponse,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let inserted = sqlx::query!(
        r#"
        INSERT INTO contacts.requests AS r
            (owner_id, request_id, body_hash, response, create_time)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (owner_id, request_id) DO UPDATE
        SET body_hash = EXCLUDED.body_hash, response = EXCLUDED.response,
            create_time = EXCLUDED.create_time
        WHERE r.create_time < $6
        "#,
        owner as UserId,
        request_id,
        stored.body_hash,
        stored.response,
        now,
        since,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Deletes at most 1000 responses of any owners that are older than `before`; returns how
/// many. Concurrent replicas skip each other's rows.
pub async fn delete_old(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM contacts.requests
        WHERE (owner_id, request_id) IN (
            SELECT owner_id, request_id
            FROM contacts.requests
            WHERE create_time < $1
            LIMIT 1000
            FOR UPDATE SKIP LOCKED
        )
        "#,
        before,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
