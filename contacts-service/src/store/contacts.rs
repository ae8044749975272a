//! The contacts themselves, by their ids.

use std::collections::HashMap;

use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
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

/// Returns the owner's contacts that have one of these ids, deleted or not.
pub async fn get_many(
    db: impl PgExecutor<'_>,
    owner: UserId,
    ids: &[Uuid],
) -> Result<HashMap<ContactId, Stored>> {
    let contacts = sqlx::query_as!(
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
    .await?;
    let contacts = contacts.into_iter().map(|contact| (contact.id, contact));
    Ok(contacts.collect())
}

/// Returns the existing contacts for pairs of an owner and an id, each with the number of
/// its pair, from 0.
pub async fn get_each(
    db: impl PgExecutor<'_>,
    owners: &[Uuid],
    ids: &[Uuid],
) -> Result<Vec<(usize, Stored)>> {
    // LIMIT makes the planner use one index lookup per pair.
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

/// The uids that contacts of the owner already have.
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
