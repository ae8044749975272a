//! Writes to existing contacts. Each stores the previous state as the newest earlier
//! revision.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::columns::Columns;
use super::parts;
use super::revisions::code;
use crate::contact::ContactId;
use crate::contact::row::ContactRow;
use crate::error::Result;
use crate::model::revision::REVISIONS_MAX;
use crate::model::stamp::Stamp;

/// The maximum number of a contact's revisions in the table before one more is added; the
/// contact's own row is the last one. Zero for an owner whose revisions take too many
/// bytes: then the contact's oldest one is deleted, and one added if it is not larger.
pub(super) fn kept_before(stamp: Stamp) -> i64 {
    if stamp.has_room { REVISIONS_MAX - 2 } else { 0 }
}

/// Overwrites a contact that is not deleted, and updates the owner's totals.
pub async fn replace(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    ContactRow { contact, keys, .. }: &ContactRow,
    live_added: i64,
    bytes_added: i64,
) -> Result<()> {
    sqlx::query!(
        r#"
        WITH dropped AS (
            DELETE FROM contacts.revisions
            WHERE owner_id = $1 AND contact_id = $2 AND version <= CASE WHEN $8::int8 > 0 THEN (
                SELECT version
                FROM contacts.revisions
                WHERE owner_id = $1 AND contact_id = $2
                ORDER BY version DESC
                OFFSET $8 LIMIT 1
            ) ELSE (
                SELECT min(version) FROM contacts.revisions WHERE owner_id = $1 AND contact_id = $2
            ) END
            RETURNING octet_length(body) AS bytes
        ), kept AS (
            INSERT INTO contacts.revisions
                (owner_id, contact_id, version, change, writer_id, revision_time, delete_time,
                 delete_version, merged_into, body, replace_time)
            SELECT owner_id, id, version, change, writer_id, update_time, delete_time,
                   delete_version, merged_into, body, $6
            FROM contacts.contacts
            WHERE owner_id = $1 AND id = $2
              AND ($8 > 0 OR octet_length(body) <= (SELECT sum(bytes) FROM dropped))
            RETURNING octet_length(body) AS bytes
        ), counted AS (
            UPDATE contacts.owner_state
            SET live_count = live_count + $3, byte_count = byte_count + $4,
                revision_bytes = revision_bytes
                    + (SELECT COALESCE(sum(bytes), 0) FROM kept)
                    - (SELECT COALESCE(sum(bytes), 0) FROM dropped)
            WHERE owner_id = $1
        )
        UPDATE contacts.contacts
        SET version = $5, update_time = $6, change = $7, writer_id = $24, delete_time = NULL,
            delete_version = NULL, merged_into = NULL, body = $9, family_key = $10,
            given_key = $11, display_key = $12, birth_md = $13, starred = $14, label_keys = $15,
            email_keys = $16, phone_keys = $17, organization_key = $18, search_text = $19,
            name_keys = $20, match_keys = $21, deceased = $22, event_mds = NULLIF($23::smallint[], '{}')
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        contact.id as ContactId,
        live_added,
        bytes_added,
        stamp.version,
        stamp.time,
        code(stamp.change),
        kept_before(stamp),
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
        &keys.names,
        &keys.matches,
        keys.deceased,
        &keys.event_mds,
        stamp.writer as Option<UserId>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Runs a statement that overwrites contacts, after storing their previous state: its
/// common table expressions need $1 for the owner, $2 for the ids, $3 for the time and $4
/// for [`kept_before`]. The statement adds the bytes of `grown` to those of the owner's
/// revisions. A macro, because `query!` accepts literals only.
macro_rules! keeping {
    ($write:literal, $owner:expr, $ids:expr, $stamp:expr $(, $value:expr)* $(,)?) => {
        sqlx::query!(
            r#"
            WITH dropped AS (
                DELETE FROM contacts.revisions AS oldest
                WHERE owner_id = $1 AND contact_id = ANY(ARRAY(
                    SELECT contact_id
                    FROM contacts.revisions
                    WHERE owner_id = $1 AND contact_id = ANY($2)
                    GROUP BY contact_id
                    HAVING count(*) > $4::int8
                )) AND version = (
                    SELECT min(version)
                    FROM contacts.revisions
                    WHERE owner_id = $1 AND contact_id = oldest.contact_id
                )
                RETURNING owner_id, contact_id, octet_length(body) AS bytes
            ), kept AS (
                INSERT INTO contacts.revisions
                    (owner_id, contact_id, version, change, writer_id, revision_time,
                     delete_time, delete_version, merged_into, body, replace_time)
                SELECT owner_id, id, version, change, writer_id, update_time, delete_time,
                       delete_version, merged_into, body, $3
                FROM contacts.contacts
                WHERE owner_id = $1 AND id = ANY($2) AND ($4 > 0 OR octet_length(body) <= (
                    SELECT bytes
                    FROM dropped
                    WHERE owner_id = $1 AND contact_id = id
                ))
                RETURNING octet_length(body) AS bytes
            ), grown AS (
                SELECT (SELECT COALESCE(sum(bytes), 0) FROM kept)
                     - (SELECT COALESCE(sum(bytes), 0) FROM dropped) AS bytes
            ), "# + $write,
            $owner as UserId,
            $ids,
            $stamp.time,
            $crate::store::changes::kept_before($stamp),
            $($value),*
        )
    };
}
pub(super) use keeping;

/// Overwrites contacts that are not deleted. For one contact the statement above costs a
/// fifth less.
pub async fn replace_many(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    contacts: &[ContactRow],
    bytes_added: i64,
) -> Result<()> {
    // The whole growth is added to the owner's totals with the first part.
    let mut bytes_added = bytes_added;
    for part in parts::split(contacts, |row| row.contact.body.len()) {
        replace_part(db, owner, stamp, part, bytes_added).await?;
        bytes_added = 0;
    }
    Ok(())
}

async fn replace_part(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    contacts: &[ContactRow],
    bytes_added: i64,
) -> Result<()> {
    let columns = Columns::of(contacts);
    keeping!(
        r#"counted AS (
            UPDATE contacts.owner_state
            SET byte_count = byte_count + $5,
                revision_bytes = revision_bytes + (SELECT bytes FROM grown)
            WHERE owner_id = $1
        )
        UPDATE contacts.contacts AS c
        SET version = $6, update_time = $3, change = $7, writer_id = $23, body = new.body,
            family_key = new.family_key, given_key = new.given_key,
            display_key = new.display_key, birth_md = new.birth_md, starred = new.starred,
            label_keys = string_to_array(labels, chr(10)),
            email_keys = string_to_array(emails, chr(10)),
            phone_keys = string_to_array(phones, chr(10)),
            organization_key = new.organization_key, search_text = new.search_text,
            name_keys = string_to_array(names, chr(10)), match_keys = new.match_keys,
            deceased = new.deceased, event_mds = string_to_array(events, chr(10))::smallint[]
        FROM unnest(
            $2::uuid[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::smallint[],
            $13::boolean[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
            $19::text[], $20::bytea[], $21::boolean[], $22::text[]
        ) AS new (id, body, family_key, given_key, display_key, birth_md, starred, labels, emails,
                  phones, organization_key, search_text, names, match_keys, deceased, events)
        WHERE owner_id = $1 AND c.id = new.id
        "#,
        owner,
        &columns.id,
        stamp,
        bytes_added,
        stamp.version,
        code(stamp.change),
        &columns.body as &[&[u8]],
        &columns.family as &[&str],
        &columns.given as &[&str],
        &columns.display as &[&str],
        &columns.birth_md as &[Option<i16>],
        &columns.starred,
        &columns.labels,
        &columns.emails,
        &columns.phones,
        &columns.organizations as &[&str],
        &columns.search_text as &[&str],
        &columns.names,
        &columns.matches as &[&[u8]],
        &columns.deceased,
        &columns.event_mds as &[Option<String>],
        stamp.writer as Option<UserId>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks contacts as deleted or undeleted, and updates the counts.
pub async fn set_delete_time(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    ids: &[Uuid],
    delete_time: Option<DateTime<Utc>>,
) -> Result<()> {
    set_deletion(db, owner, stamp, ids, delete_time, None).await
}

/// Marks contacts as deleted because they were merged into another one.
pub async fn set_merged_into(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    ids: &[Uuid],
    primary: ContactId,
) -> Result<()> {
    set_deletion(db, owner, stamp, ids, Some(stamp.time), Some(primary)).await
}

async fn set_deletion(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    ids: &[Uuid],
    delete_time: Option<DateTime<Utc>>,
    merged_into: Option<ContactId>,
) -> Result<()> {
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let live_added = if delete_time.is_some() { -count } else { count };
    keeping!(
        r#"counted AS (
            UPDATE contacts.owner_state
            SET live_count = live_count + $5,
                revision_bytes = revision_bytes + (SELECT bytes FROM grown)
            WHERE owner_id = $1
        )
        UPDATE contacts.contacts
        SET version = $6, update_time = $3, change = $7, writer_id = $10, delete_time = $8,
            delete_version = CASE WHEN $8::timestamptz IS NOT NULL THEN $6::int8 END, merged_into = $9
        WHERE owner_id = $1 AND id = ANY($2)
        "#,
        owner,
        ids,
        stamp,
        live_added,
        stamp.version,
        code(stamp.change),
        delete_time,
        merged_into as Option<ContactId>,
        stamp.writer as Option<UserId>,
    )
    .execute(db)
    .await?;
    Ok(())
}
