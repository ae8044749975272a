//! The contacts themselves, by their ids.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::keys::Keys;
use crate::contact::stored::Stored;
use crate::error::Result;

/// Returns the owner's contact, deleted or not.
pub async fn get(db: impl PgExecutor<'_>, owner: UserId, id: ContactId) -> Result<Option<Stored>> {
    Ok(sqlx::query_as!(
        Stored,
        r#"
        SELECT id AS "id: ContactId", uid, version, create_time, update_time,
               delete_time, merged_into, body
        FROM contacts.contacts
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        id as ContactId,
    )
    .fetch_optional(db)
    .await?)
}

/// Returns those of the owner's contacts that have one of the ids, in no order.
pub async fn get_many(db: impl PgExecutor<'_>, owner: UserId, ids: &[Uuid]) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as!(
        Stored,
        r#"
        SELECT id AS "id: ContactId", uid, version, create_time, update_time,
               delete_time, merged_into, body
        FROM contacts.contacts
        WHERE owner_id = $1 AND id = ANY($2)
        "#,
        owner as UserId,
        ids,
    )
    .fetch_all(db)
    .await?)
}

/// Returns those contacts that are there of the pairs of an owner and an id, each
/// with the number of its pair, from 0.
pub async fn get_each(
    db: impl PgExecutor<'_>,
    owners: &[Uuid],
    ids: &[Uuid],
) -> Result<Vec<(usize, Stored)>> {
    // LIMIT keeps the planner to one look into the index for each pair.
    let rows = sqlx::query!(
        r#"
        SELECT number AS "number!", id AS "id: ContactId", uid, version, create_time,
               update_time, delete_time, merged_into, body
        FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (by_owner, by_id, number)
        CROSS JOIN LATERAL (
            SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body
            FROM contacts.contacts
            WHERE owner_id = by_owner AND id = by_id
            LIMIT 1
        ) AS contact
        "#,
        owners,
        ids,
    )
    .fetch_all(db)
    .await?;
    let numbered = rows.into_iter().map(|row| {
        let contact = Stored {
            id: row.id,
            uid: row.uid,
            version: row.version,
            create_time: row.create_time,
            update_time: row.update_time,
            delete_time: row.delete_time,
            merged_into: row.merged_into,
            body: row.body,
        };
        (
            usize::try_from(row.number - 1).unwrap_or(usize::MAX),
            contact,
        )
    });
    Ok(numbered.collect())
}

/// Those of the uids that contacts of the owner have.
pub async fn taken_uids(
    db: impl PgExecutor<'_>,
    owner: UserId,
    uids: &[&str],
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT uid
        FROM contacts.contacts
        WHERE owner_id = $1 AND uid = ANY($2)
        "#,
        owner as UserId,
        uids as &[&str],
    )
    .fetch_all(db)
    .await?)
}

/// Writes what a contact is now over what it was.
pub async fn update(
    db: &mut PgConnection,
    owner: UserId,
    contact: &Stored,
    keys: &Keys,
    bytes_added: i64,
) -> Result<()> {
    sqlx::query!(
        r#"
        WITH counted AS (
            UPDATE contacts.owner_state
            SET byte_count = byte_count + $16
            WHERE owner_id = $1
        )
        UPDATE contacts.contacts
        SET version = $3, update_time = $4, body = $5, family_key = $6, given_key = $7,
            display_key = $8, birth_md = $9, starred = $10, label_keys = $11, email_keys = $12,
            phone_keys = $13, organization_key = $14, search_text = $15
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        contact.id as ContactId,
        contact.version,
        contact.update_time,
        contact.body,
        keys.family,
        keys.given,
        keys.display,
        keys.birth_md,
        keys.starred,
        &keys.labels,
        &keys.emails,
        &keys.phones,
        keys.organizations,
        keys.search_text,
        bytes_added,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a contact as deleted, or as live again, and counts that.
pub async fn set_delete_time(
    db: &mut PgConnection,
    owner: UserId,
    id: ContactId,
    version: i64,
    now: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
) -> Result<Stored> {
    let live_added: i64 = if delete_time.is_some() { -1 } else { 1 };
    Ok(sqlx::query_as!(
        Stored,
        r#"
        WITH counted AS (
            UPDATE contacts.owner_state
            SET live_count = live_count + $6
            WHERE owner_id = $1
        )
        UPDATE contacts.contacts
        SET version = $3, update_time = $4, delete_time = $5
        WHERE owner_id = $1 AND id = $2
        RETURNING id AS "id: ContactId", uid, version, create_time, update_time,
                  delete_time, merged_into, body
        "#,
        owner as UserId,
        id as ContactId,
        version,
        now,
        delete_time,
        live_added,
    )
    .fetch_one(db)
    .await?)
}

/// At most 100 owners of contacts that were deleted before `before`.
pub async fn owners_of_gone(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<Vec<UserId>> {
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

/// Removes for good what the owner deleted before `before`; returns how many
/// contacts that were.
pub async fn purge(db: &mut PgConnection, owner: UserId, before: DateTime<Utc>) -> Result<i64> {
    let purged = sqlx::query_scalar!(
        r#"
        WITH gone AS (
            DELETE FROM contacts.contacts
            WHERE owner_id = $1 AND delete_time < $2
            RETURNING octet_length(body) AS bytes
        ), counted AS (
            UPDATE contacts.owner_state
            SET byte_count = byte_count - (SELECT COALESCE(sum(bytes), 0) FROM gone)
            WHERE owner_id = $1
        )
        SELECT count(*) AS "count!" FROM gone
        "#,
        owner as UserId,
        before,
    )
    .fetch_one(db)
    .await?;
    Ok(purged)
}
