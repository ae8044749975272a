//! Reads and writes of keys that are made again. No row gets another version by them, except
//! through [`super::members`].

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::columns::Columns;
use crate::contact::ContactId;
use crate::contact::keys::KEYS_VERSION;
use crate::contact::row::ContactRow;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::label::{Label, LabelId};

/// An owner, of any.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The owner.
    pub id: UserId,
    /// Whether there are contacts with keys of an earlier version.
    pub is_outdated: bool,
}

/// At most `limit` owners after this one, by id.
pub async fn owners(db: impl PgExecutor<'_>, after: Uuid, limit: i64) -> Result<Vec<Owner>> {
    Ok(sqlx::query_as!(
        Owner,
        r#"
        SELECT owner_id AS "id: UserId",
               keys_version < $3 OR (keys_version = $3 AND keyed_version < version)
                   AS "is_outdated!"
        FROM contacts.owner_state
        WHERE owner_id > $1
        ORDER BY owner_id
        LIMIT $2
        "#,
        after,
        limit,
        KEYS_VERSION,
    )
    .fetch_all(db)
    .await?)
}

/// Locks the row of an outdated owner until the transaction ends. Returns the version up to
/// which all contacts have current keys; `None` if there is nothing to do, or if another
/// call has the row.
pub async fn take(db: &mut Connection, owner: UserId) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT CASE WHEN keys_version = $2 THEN keyed_version ELSE 0 END AS "keyed!"
        FROM contacts.owner_state
        WHERE owner_id = $1
          AND (keys_version < $2 OR (keys_version = $2 AND keyed_version < version))
        FOR UPDATE SKIP LOCKED
        "#,
        owner as UserId,
        KEYS_VERSION,
    )
    .fetch_optional(db)
    .await?)
}

/// At most `limit` of the owner's contacts after this version and id, in that order, deleted
/// or not.
pub async fn contacts(
    db: impl PgExecutor<'_>,
    owner: UserId,
    after: (i64, Uuid),
    limit: i64,
) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as!(
        Stored,
        r#"
        SELECT id AS "id: ContactId", uid, version, create_time, update_time,
               delete_time, delete_version, merged_into, body
        FROM contacts.contacts
        WHERE owner_id = $1 AND (version, id) > ($2, $3)
        ORDER BY version, id
        LIMIT $4
        "#,
        owner as UserId,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Stores the keys of contacts, and nothing else of them.
pub async fn store_keys(
    db: impl PgExecutor<'_>,
    owner: UserId,
    contacts: &[ContactRow],
) -> Result<()> {
    let columns = Columns::of(contacts);
    sqlx::query!(
        r#"
        UPDATE contacts.contacts AS c
        SET family_key = new.family_key, given_key = new.given_key,
            display_key = new.display_key,
            label_keys = string_to_array(labels, chr(10)),
            email_keys = string_to_array(emails, chr(10)),
            phone_keys = string_to_array(phones, chr(10)),
            name_keys = string_to_array(names, chr(10)),
            organization_key = new.organization_key, search_text = new.search_text,
            match_keys = new.match_keys, deceased = new.deceased,
            event_mds = string_to_array(events, chr(10))::smallint[]
        FROM unnest(
            $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::bytea[], $13::boolean[], $14::text[]
        ) AS new (id, family_key, given_key, display_key, labels, emails, phones, names,
                  organization_key, search_text, match_keys, deceased, events)
        WHERE owner_id = $1 AND c.id = new.id
        "#,
        owner as UserId,
        &columns.id,
        &columns.family as &[&str],
        &columns.given as &[&str],
        &columns.display as &[&str],
        &columns.labels,
        &columns.emails,
        &columns.phones,
        &columns.names,
        &columns.organizations as &[&str],
        &columns.search_text as &[&str],
        &columns.matches as &[&[u8]],
        &columns.deceased,
        &columns.event_mds as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stores that all contacts up to this version have current keys, or all if `None`.
pub async fn set_keyed(db: impl PgExecutor<'_>, owner: UserId, version: Option<i64>) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.owner_state AS o
        SET keys_version = $2, keyed_version = COALESCE($3, o.version)
        WHERE owner_id = $1
        "#,
        owner as UserId,
        KEYS_VERSION,
        version,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A contact with its labels.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The contact.
    pub id: ContactId,
    /// Its body.
    pub body: Vec<u8>,
    /// The stored keys of the labels, in the order of the body.
    pub label_keys: Vec<String>,
}

/// At most `limit` of the owner's contacts after this one with one of these labels, by id,
/// deleted or not.
pub async fn labelled(
    db: impl PgExecutor<'_>,
    owner: UserId,
    label_keys: &[&str],
    after: Uuid,
    limit: i64,
) -> Result<Vec<Labelled>> {
    Ok(sqlx::query_as!(
        Labelled,
        r#"
        SELECT id AS "id: ContactId", body, label_keys
        FROM contacts.contacts
        WHERE owner_id = $1 AND id > $3 AND label_keys && $2
        ORDER BY id
        LIMIT $4
        "#,
        owner as UserId,
        label_keys as &[&str],
        after,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// The contacts of one statement, so that none exceeds its time, however large the book.
const LABELLED_MAX: usize = 1000;

/// Stores the keys of the labels of contacts.
pub async fn store_label_keys(
    db: &mut Connection,
    owner: UserId,
    keys: &[(ContactId, Vec<String>)],
) -> Result<()> {
    for part in keys.chunks(LABELLED_MAX) {
        store_part(&mut *db, owner, part).await?;
    }
    Ok(())
}

async fn store_part(
    db: &mut Connection,
    owner: UserId,
    keys: &[(ContactId, Vec<String>)],
) -> Result<()> {
    let ids: Vec<Uuid> = keys.iter().map(|(id, _)| id.0).collect();
    let labels: Vec<String> = keys.iter().map(|(_, keys)| keys.join("\n")).collect();
    sqlx::query!(
        r#"
        UPDATE contacts.contacts AS c
        SET label_keys = string_to_array(labels, chr(10))
        FROM unnest($2::uuid[], $3::text[]) AS new (id, labels)
        WHERE owner_id = $1 AND c.id = new.id
        "#,
        owner as UserId,
        &ids,
        &labels,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives labels the keys of their names, which no other label has, without a new version.
pub async fn rename_keys(
    db: &mut Connection,
    owner: UserId,
    labels: &[(LabelId, String)],
) -> Result<()> {
    let ids: Vec<Uuid> = labels.iter().map(|(id, _)| id.0).collect();
    let keys: Vec<&str> = labels.iter().map(|(_, key)| &**key).collect();
    // First out of the way: one may get the key that another one loses.
    sqlx::query!(
        r#"
        UPDATE contacts.labels
        SET name_key = chr(1) || id
        WHERE owner_id = $1 AND id = ANY($2)
        "#,
        owner as UserId,
        &ids,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        UPDATE contacts.labels AS l
        SET name_key = new.name_key
        FROM unnest($2::uuid[], $3::text[]) AS new (id, name_key)
        WHERE owner_id = $1 AND l.id = new.id
        "#,
        owner as UserId,
        &ids,
        &keys as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Shares one label instead of another one, which is deleted.
pub async fn replace_label(
    db: &mut Connection,
    owner: UserId,
    gone: LabelId,
    kept: LabelId,
) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.shares AS s
        SET label_id = $3
        WHERE owner_id = $1 AND label_id = $2 AND NOT EXISTS (
            SELECT
            FROM contacts.shares
            WHERE owner_id = $1 AND recipient_email = s.recipient_email AND label_id = $3
        )
        "#,
        owner as UserId,
        gone as LabelId,
        kept as LabelId,
    )
    .execute(&mut *db)
    .await?;
    super::shares::delete_of_label(&mut *db, owner, gone).await?;
    super::labels::delete(db, owner, gone).await
}

/// Creates the labels that do not exist, however many the owner has.
pub async fn create_labels(db: impl PgExecutor<'_>, owner: UserId, labels: &[Label]) -> Result<()> {
    let ids: Vec<Uuid> = labels.iter().map(|label| label.id.0).collect();
    let keys: Vec<&str> = labels.iter().map(|label| &*label.name_key).collect();
    let names: Vec<&str> = labels.iter().map(|label| &*label.name).collect();
    let Some(first) = labels.first() else {
        return Ok(());
    };
    sqlx::query!(
        r#"
        INSERT INTO contacts.labels
            (owner_id, id, name_key, name, version, create_time, update_time)
        SELECT $1, id, name_key, name, $2, $3, $3
        FROM unnest($4::uuid[], $5::text[], $6::text[]) AS new (id, name_key, name)
        ON CONFLICT (owner_id, name_key) DO NOTHING
        "#,
        owner as UserId,
        first.version,
        first.create_time,
        &ids,
        &keys as &[&str],
        &names as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}
