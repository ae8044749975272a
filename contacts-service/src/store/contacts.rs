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

/// Stores a new contact and counts it; false when its id or uid is taken, and
/// the transaction must not be committed.
pub async fn insert(
    db: &mut PgConnection,
    owner: UserId,
    contact: &Stored,
    keys: &Keys,
) -> Result<bool> {
    let inserted = sqlx::query!(
        r#"
        WITH counted AS (
            UPDATE contacts.owner_state
            SET live_count = live_count + 1,
                byte_count = byte_count + octet_length($7::bytea)
            WHERE owner_id = $1
        )
        INSERT INTO contacts.contacts
            (owner_id, id, uid, version, create_time, update_time, body, family_key, given_key,
             display_key, birth_md, starred, label_keys, email_keys, phone_keys,
             organization_key, search_text)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT DO NOTHING
        "#,
        owner as UserId,
        contact.id as ContactId,
        contact.uid,
        contact.version,
        contact.create_time,
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
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
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
