//! New contacts, and the owner's row with them, in one statement.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::columns::Columns;
use super::revisions::code;
use crate::contact::keys::KEYS_VERSION;
use crate::contact::row::ContactRow;
use crate::error::{Error, Result};
use crate::model::quota::Quota;

/// The SQLSTATE of a unique violation.
const UNIQUE_VIOLATION: &str = "23505";

/// Where the version of new contacts comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertVersion {
    /// The statement takes the owner's next version.
    Next,
    /// The transaction has taken the version and locked the owner's row.
    Taken,
}

/// Locks the owner's row until the transaction ends, stores the contacts under one
/// version, and counts them. `writer` is who calls. Returns the version. Nothing is stored if the quota does not
/// allow all.
pub async fn insert(
    db: impl PgExecutor<'_>,
    owner: UserId,
    writer: UserId,
    new: &[ContactRow],
    quota: Quota,
    now: DateTime<Utc>,
    version: InsertVersion,
) -> Result<i64> {
    let columns = Columns::of(new);
    let added = Quota {
        contacts: i64::try_from(new.len()).unwrap_or(i64::MAX),
        bytes: columns.bytes,
    };
    // If the owner has no row yet, nothing below checks the quota.
    if let Some(exceeded) = quota.exceeded_limit(Quota::default(), added) {
        return Err(exceeded.into());
    }
    let row = match store(db, owner, writer, &columns, quota, now, version).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNIQUE_VIOLATION) => {
            return Err(Error::uid_taken(None));
        }
        inserted => inserted?,
    };
    row.version.ok_or_else(|| {
        // These totals can be older than a write that this one waited for.
        let used = Quota {
            contacts: row.contacts.unwrap_or(0),
            bytes: row.bytes.unwrap_or(0),
        };
        let exceeded = quota.exceeded_limit(used, added);
        exceeded.unwrap_or_else(|| quota.nearest_limit(used)).into()
    })
}

/// The result of the statement. Without a version nothing was stored; then these are the
/// owner's totals.
struct Inserted {
    version: Option<i64>,
    contacts: Option<i64>,
    bytes: Option<i64>,
}

async fn store(
    db: impl PgExecutor<'_>,
    owner: UserId,
    writer: UserId,
    columns: &Columns<'_>,
    quota: Quota,
    now: DateTime<Utc>,
    version: InsertVersion,
) -> sqlx::Result<Inserted> {
    sqlx::query_as!(
        Inserted,
        r#"
        WITH taken AS (
            INSERT INTO contacts.owner_state AS o
                (owner_id, version, min_version, epoch, live_count, byte_count, revision_bytes,
                 keys_version, keyed_version)
            VALUES ($1, 1, 0, $2, $3, $4, 0, $24, 1)
            ON CONFLICT (owner_id) DO UPDATE SET version = o.version + $20,
                keyed_version = o.keyed_version + $20
                    * (o.keyed_version = o.version AND o.keys_version = $24)::int,
                live_count = o.live_count + $3, byte_count = o.byte_count + $4
            WHERE o.owner_id = $1 AND o.live_count + $3 <= $5 AND o.byte_count + $4 <= $22
            RETURNING version
        ), stored AS (
            INSERT INTO contacts.contacts
                (owner_id, id, uid, version, create_time, update_time, body, family_key, given_key,
                 display_key, birth_md, starred, deceased, organization_key, search_text, name_keys,
                 match_keys, email_keys, phone_keys, change, writer_id, label_keys, event_mds)
            SELECT $1, id, uid, version, $6, $6, body, family_key, given_key, display_key, birth_md,
                starred, deceased, organization_key, search_text, string_to_array(names, chr(10)),
                match_keys, string_to_array(emails, chr(10)), string_to_array(phones, chr(10)),
                $21, $28, string_to_array(labels, chr(10)), string_to_array(events, chr(10))::smallint[]
            FROM taken, unnest(
                $7::uuid[], $8::text[], $9::bytea[], $10::text[], $11::text[], $12::text[],
                $13::smallint[], $14::boolean[], $15::text[], $16::text[], $17::text[],
                $18::text[], $19::text[], $23::text[], $25::bytea[], $26::boolean[], $27::text[]
            ) AS new (id, uid, body, family_key, given_key, display_key, birth_md, starred, labels,
                emails, phones, organization_key, search_text, names, match_keys, deceased, events)
        )
        SELECT taken.version AS "version?",
            CASE WHEN taken.version IS NULL THEN
                (SELECT live_count FROM contacts.owner_state WHERE owner_id = $1) END AS contacts,
            CASE WHEN taken.version IS NULL THEN
                (SELECT byte_count FROM contacts.owner_state WHERE owner_id = $1) END AS bytes
        FROM (VALUES (1)) AS one (row) LEFT JOIN taken ON TRUE
        "#,
        owner as UserId,
        Uuid::new_v4(),
        i64::try_from(columns.id.len()).unwrap_or(i64::MAX),
        columns.bytes,
        quota.contacts,
        now,
        &columns.id,
        &columns.uid as &[&str],
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
        i64::from(version == InsertVersion::Next),
        code(ContactChange::Created),
        quota.bytes,
        &columns.names,
        KEYS_VERSION,
        &columns.matches as &[&[u8]],
        &columns.deceased,
        &columns.event_mds as &[Option<String>],
        writer as UserId,
    )
    .fetch_one(db)
    .await
}
