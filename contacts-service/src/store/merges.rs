//! Merges, as long as they can be undone.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::Result;

/// A merge.
#[derive(Clone, Debug)]
pub struct MergeRecord {
    /// The id of the merge.
    pub id: Uuid,
    /// The owner's version of the merge.
    pub version: i64,
    /// The primary contact.
    pub primary: ContactId,
    /// The primary contact's previous version.
    pub primary_version: i64,
    /// The contacts merged into it, in order.
    pub others: Vec<Uuid>,
}

/// Stores a merge of the owner.
pub async fn insert(
    db: &mut Connection,
    owner: UserId,
    merged: &MergeRecord,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO contacts.merges
            (owner_id, id, version, primary_id, primary_version, other_ids, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        "#,
        owner as UserId,
        merged.id,
        merged.version,
        merged.primary as ContactId,
        merged.primary_version,
        &merged.others,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a merge of the owner, and returns it, if it was made at `since` or later.
pub async fn remove(
    db: impl PgExecutor<'_>,
    owner: UserId,
    id: Uuid,
    since: DateTime<Utc>,
) -> Result<Option<MergeRecord>> {
    Ok(sqlx::query_as!(
        MergeRecord,
        r#"
        DELETE FROM contacts.merges
        WHERE owner_id = $1 AND id = $2 AND create_time >= $3
        RETURNING id, version, primary_id AS "primary: ContactId", primary_version,
                  other_ids AS others
        "#,
        owner as UserId,
        id,
        since,
    )
    .fetch_optional(db)
    .await?)
}

/// Deletes at most 1000 merges of any owners from before `before`; returns how many.
/// Concurrent replicas skip each other's rows.
pub async fn delete_old(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM contacts.merges
        WHERE (owner_id, id) IN (
            SELECT owner_id, id
            FROM contacts.merges
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
