//! The contacts themselves, by their ids.
//!
//! The condition on an id is a range of one, sorted by id. Only the primary key has this
//! order, and connections avoid sorts where an index has the order (`DATABASE_SETTINGS`).
//! With a condition `id = $2`, the planner could choose any index that contains ids:
//! while the table is empty they cost the same, and a connection keeps its plan.

use std::collections::HashMap;

use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::store::packed::{columns, numbers, packed, packing};

/// Returns the owner's contact, deleted or not.
pub async fn get(db: impl PgExecutor<'_>, owner: UserId, id: ContactId) -> Result<Option<Stored>> {
    Ok(sqlx::query_as!(
        Stored,
        r#"
        SELECT id AS "id: ContactId", uid, version, create_time, update_time,
               delete_time, delete_version, merged_into, body
        FROM contacts.contacts
        WHERE owner_id = $1 AND id >= $2 AND id <= $2
        ORDER BY id
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
    let row = columns!(packing!(
        "SELECT ",
        " FROM unnest($2::uuid[]) AS asked (by_id)
        CROSS JOIN LATERAL (
            SELECT id, uid, version, create_time, update_time, delete_time,
                   delete_version, merged_into, body
            FROM contacts.contacts
            WHERE owner_id = $1 AND id >= by_id AND id <= by_id
            ORDER BY id
            LIMIT 1
        ) AS contact",
        owner as UserId,
        ids,
    ))
    .fetch_one(db)
    .await?;
    let contacts = packed!(row).contacts()?.into_iter();
    Ok(contacts.map(|contact| (contact.id, contact)).collect())
}

/// Returns the existing contacts for pairs of an owner and an id, each with the number of
/// its pair, from 0.
pub async fn get_each(
    db: impl PgExecutor<'_>,
    owners: &[Uuid],
    ids: &[Uuid],
) -> Result<Vec<(usize, Stored)>> {
    // LIMIT makes the planner use one index lookup per pair.
    let row = columns!(packing!(
        "SELECT string_agg(int8send(number), '') AS numbers, ",
        " FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (by_owner, by_id, number)
        CROSS JOIN LATERAL (
            SELECT id, uid, version, create_time, update_time, delete_time,
                   delete_version, merged_into, body
            FROM contacts.contacts
            WHERE owner_id = by_owner AND id >= by_id AND id <= by_id
            ORDER BY id
            LIMIT 1
        ) AS contact",
        owners,
        ids,
    ))
    .fetch_one(db)
    .await?;
    let numbers = numbers(row.numbers.as_deref());
    let numbers = numbers.map(|number| usize::try_from(number - 1).unwrap_or(usize::MAX));
    Ok(numbers.zip(packed!(row).contacts()?).collect())
}

/// A contact with a uid that a new one wants.
#[derive(Clone, Debug)]
pub struct UidHolder {
    /// The uid.
    pub uid: String,
    /// The contact.
    pub id: ContactId,
    /// Whether it is deleted, so that it gives up the uid.
    pub is_deleted: bool,
}

/// The owner's contacts that have one of these uids, deleted or not.
pub async fn uid_holders(
    db: impl PgExecutor<'_>,
    owner: UserId,
    uids: &[&str],
) -> Result<Vec<UidHolder>> {
    Ok(sqlx::query_as!(
        UidHolder,
        r#"
        SELECT uid, id AS "id: ContactId", is_deleted AS "is_deleted!"
        FROM unnest($2::text[]) AS asked (by_uid)
        CROSS JOIN LATERAL (
            SELECT uid, id, delete_time IS NOT NULL AS is_deleted
            FROM contacts.contacts
            WHERE owner_id = $1 AND uid >= by_uid AND uid <= by_uid
            ORDER BY uid
            LIMIT 1
        ) AS holder
        "#,
        owner as UserId,
        uids as &[&str],
    )
    .fetch_all(db)
    .await?)
}

/// Gives the owner's deleted contacts with these ids new uids. Their versions stay: nobody
/// sees the uid of a deleted contact change, except on its return.
pub async fn renew_uids(db: impl PgExecutor<'_>, owner: UserId, deleted: &[Uuid]) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.contacts
        SET uid = 'urn:uuid:' || gen_random_uuid()
        WHERE owner_id = $1 AND id = ANY($2) AND delete_time IS NOT NULL
        "#,
        owner as UserId,
        deleted,
    )
    .execute(db)
    .await?;
    Ok(())
}
