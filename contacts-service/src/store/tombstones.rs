//! Purged contacts, and their tombstones and those of labels.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::Result;
use crate::model::label::LabelId;

/// At most 100 owners of contacts that were deleted before `before`.
pub async fn owners_with_expired(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT DISTINCT owner_id AS "owner_id: UserId"
        FROM contacts.contacts
        WHERE delete_time < $1
        LIMIT 100
        "#,
        before,
    )
    .fetch_all(db)
    .await?)
}

/// At most `limit` contacts that the owner deleted before `before`.
pub async fn expired(
    db: impl PgExecutor<'_>,
    owner: UserId,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ContactId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT id AS "id: ContactId"
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time < $2
        ORDER BY delete_time
        LIMIT $3
        "#,
        owner as UserId,
        before,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Purges the owner's deleted contacts with these ids, and stores tombstones under
/// `version`; returns how many.
pub async fn purge(
    db: &mut Connection,
    owner: UserId,
    ids: &[Uuid],
    version: i64,
    now: DateTime<Utc>,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"
        WITH gone AS (
            DELETE FROM contacts.contacts
            WHERE owner_id = $1 AND id = ANY($2) AND delete_time IS NOT NULL
            RETURNING id, octet_length(body) AS bytes
        ), remembered AS (
            INSERT INTO contacts.tombstones (owner_id, version, id, purge_time)
            SELECT $1, $3, id, $4
            FROM gone
        ), counted AS (
            UPDATE contacts.owner_state
            SET byte_count = byte_count - (SELECT COALESCE(sum(bytes), 0) FROM gone)
            WHERE owner_id = $1
        )
        SELECT count(*) AS "count!" FROM gone
        "#,
        owner as UserId,
        ids,
        version,
        now,
    )
    .fetch_one(db)
    .await?)
}

/// Stores the tombstone of a label under `version`.
pub async fn bury_label(
    db: impl PgExecutor<'_>,
    owner: UserId,
    label: LabelId,
    version: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO contacts.tombstones (owner_id, version, id, purge_time, is_label)
        VALUES ($1, $2, $3, $4, TRUE)
        "#,
        owner as UserId,
        version,
        label as LabelId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// At most 100 owners of tombstones from before `before`.
pub async fn owners_with_old(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT DISTINCT owner_id AS "owner_id: UserId"
        FROM contacts.tombstones
        WHERE purge_time < $1
        LIMIT 100
        "#,
        before,
    )
    .fetch_all(db)
    .await?)
}

/// Deletes at most `limit` of the owner's tombstones from before `before`, the oldest
/// first, and raises the minimum version; returns how many.
pub async fn delete_old(
    db: &mut Connection,
    owner: UserId,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"
        WITH forgotten AS (
            DELETE FROM contacts.tombstones
            WHERE owner_id = $1 AND (version, id) IN (
                SELECT version, id
                FROM contacts.tombstones
                WHERE owner_id = $1 AND purge_time < $2
                ORDER BY version, id
                LIMIT $3
            )
            RETURNING version
        ), raised AS (
            UPDATE contacts.owner_state
            SET min_version = GREATEST(min_version, (SELECT max(version) FROM forgotten))
            WHERE owner_id = $1
        )
        SELECT count(*) AS "count!" FROM forgotten
        "#,
        owner as UserId,
        before,
        limit,
    )
    .fetch_one(db)
    .await?)
}
