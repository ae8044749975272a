//! Earlier revisions of contacts. The last revision of a contact is its own row; each
//! write stores the previous one in the table of revisions (`store/changes.rs`).

use std::collections::HashMap;

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::revision::{Revision, State};

/// How a change is stored.
pub(super) fn code(change: ContactChange) -> i16 {
    i16::try_from(i32::from(change)).unwrap_or_default()
}

/// Rows from before revisions existed have no code.
fn change(code: Option<i16>) -> ContactChange {
    code.and_then(|code| ContactChange::try_from(i32::from(code)).ok())
        .unwrap_or_default()
}

/// The last revision of the owner's contact, deleted or not.
pub async fn newest(
    db: impl PgExecutor<'_>,
    owner: UserId,
    id: ContactId,
) -> Result<Option<Revision>> {
    let row = sqlx::query!(
        r#"
        SELECT uid, version, create_time, update_time, delete_time, delete_version, merged_into,
               body, change, writer_id AS "writer: UserId"
        FROM contacts.contacts
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        id as ContactId,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Revision {
        contact: Stored {
            id,
            uid: row.uid,
            version: row.version,
            create_time: row.create_time,
            update_time: row.update_time,
            delete_time: row.delete_time,
            delete_version: row.delete_version,
            merged_into: row.merged_into,
            body: row.body,
        },
        change: change(row.change),
        writer: row.writer,
        state: State::Current,
    }))
}

/// The row of an earlier revision.
struct Row {
    version: i64,
    change: Option<i16>,
    writer: Option<UserId>,
    revision_time: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
    delete_version: Option<i64>,
    merged_into: Option<Uuid>,
    body: Vec<u8>,
}

impl Row {
    /// The revision of a contact that the version `end` replaced. The contact's own row has
    /// the fields that never change.
    fn of(self, last: &Stored, end: i64) -> Revision {
        Revision {
            contact: Stored {
                id: last.id,
                uid: last.uid.clone(),
                version: self.version,
                create_time: last.create_time,
                update_time: self.revision_time,
                delete_time: self.delete_time,
                delete_version: self.delete_version,
                merged_into: self.merged_into,
                body: self.body,
            },
            change: change(self.change),
            writer: self.writer,
            state: State::Until(end),
        }
    }
}

/// At most `limit` revisions of the owner's contact from before the revision `version`, the
/// latest first.
pub async fn before(
    db: impl PgExecutor<'_>,
    owner: UserId,
    last: &Stored,
    version: i64,
    limit: i64,
) -> Result<Vec<Revision>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT version, change, writer_id AS "writer: UserId", revision_time, delete_time,
               delete_version, merged_into, body
        FROM contacts.revisions
        WHERE owner_id = $1 AND contact_id = $2 AND version < $3
        ORDER BY version DESC
        LIMIT $4
        "#,
        owner as UserId,
        last.id as ContactId,
        version,
        limit,
    )
    .fetch_all(db)
    .await?;
    let mut end = version;
    let revisions = rows.into_iter().map(|row| {
        let next = std::mem::replace(&mut end, row.version);
        row.of(last, next)
    });
    Ok(revisions.collect())
}

/// An earlier revision of the owner's contact.
pub async fn get(
    db: impl PgExecutor<'_>,
    owner: UserId,
    last: &Stored,
    version: i64,
) -> Result<Option<Revision>> {
    let row = sqlx::query!(
        r#"
        SELECT version, change, writer_id AS "writer: UserId", revision_time, delete_time,
               delete_version, merged_into, body,
               (
                   SELECT version
                   FROM contacts.revisions
                   WHERE owner_id = $1 AND contact_id = $2 AND version > $3
                   ORDER BY version
                   LIMIT 1
               ) AS next
        FROM contacts.revisions
        WHERE owner_id = $1 AND contact_id = $2 AND version = $3
        "#,
        owner as UserId,
        last.id as ContactId,
        version,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let earlier = Row {
            version: row.version,
            change: row.change,
            writer: row.writer,
            revision_time: row.revision_time,
            delete_time: row.delete_time,
            delete_version: row.delete_version,
            merged_into: row.merged_into,
            body: row.body,
        };
        earlier.of(last, row.next.unwrap_or(last.version))
    }))
}

/// The row of an earlier revision, found for one of several contacts.
struct Found {
    /// The number of the contact, from 1.
    place: i64,
    version: i64,
    revision_time: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
    delete_version: Option<i64>,
    merged_into: Option<Uuid>,
    body: Vec<u8>,
}

/// The contacts as they were in the revisions found.
fn as_found(contacts: &[(&Stored, i64)], found: Vec<Found>) -> HashMap<ContactId, Stored> {
    let earlier = found.into_iter().filter_map(|row| {
        let place = usize::try_from(row.place - 1).ok()?;
        let (last, _) = contacts.get(place)?;
        let contact = Stored {
            id: last.id,
            uid: last.uid.clone(),
            version: row.version,
            create_time: last.create_time,
            update_time: row.revision_time,
            delete_time: row.delete_time,
            delete_version: row.delete_version,
            merged_into: row.merged_into,
            body: row.body,
        };
        Some((last.id, contact))
    });
    earlier.collect()
}

/// Returns what the last write of each of the owner's contacts replaced, if that had the
/// given version.
pub async fn replaced(
    db: impl PgExecutor<'_>,
    owner: UserId,
    writes: &[(&Stored, i64)],
) -> Result<HashMap<ContactId, Stored>> {
    let ids: Vec<Uuid> = writes.iter().map(|(current, _)| current.id.0).collect();
    let versions: Vec<i64> = writes.iter().map(|(_, version)| *version).collect();
    let found = sqlx::query_as!(
        Found,
        r#"
        SELECT
            a.place AS "place!", r.version, r.revision_time, r.delete_time, r.delete_version,
            r.merged_into, r.body
        FROM unnest($2::uuid[], $3::int8[]) WITH ORDINALITY AS a (id, version, place)
        CROSS JOIN LATERAL (
            SELECT version, revision_time, delete_time, delete_version, merged_into, body
            FROM contacts.revisions
            WHERE owner_id = $1 AND contact_id = a.id
            ORDER BY version DESC
            LIMIT 1
        ) AS r
        WHERE r.version = a.version
        "#,
        owner as UserId,
        &ids,
        &versions,
    )
    .fetch_all(db)
    .await?;
    Ok(as_found(writes, found))
}

/// Returns the earlier revisions of the owner's contacts that have the given versions.
pub async fn at_versions(
    db: impl PgExecutor<'_>,
    owner: UserId,
    contacts: &[(&Stored, i64)],
) -> Result<HashMap<ContactId, Stored>> {
    let ids: Vec<Uuid> = contacts.iter().map(|(current, _)| current.id.0).collect();
    let versions: Vec<i64> = contacts.iter().map(|(_, version)| *version).collect();
    let found = sqlx::query_as!(
        Found,
        r#"
        SELECT
            a.place AS "place!", r.version, r.revision_time, r.delete_time, r.delete_version,
            r.merged_into, r.body
        FROM unnest($2::uuid[], $3::int8[]) WITH ORDINALITY AS a (id, version, place)
        CROSS JOIN LATERAL (
            SELECT version, revision_time, delete_time, delete_version, merged_into, body
            FROM contacts.revisions
            WHERE owner_id = $1 AND contact_id = a.id AND version = a.version
            ORDER BY version
            LIMIT 1
        ) AS r
        "#,
        owner as UserId,
        &ids,
        &versions,
    )
    .fetch_all(db)
    .await?;
    Ok(as_found(contacts, found))
}

/// The body of the owner's contact in an earlier revision.
pub async fn body(
    db: impl PgExecutor<'_>,
    owner: UserId,
    id: ContactId,
    version: i64,
) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT body
        FROM contacts.revisions
        WHERE owner_id = $1 AND contact_id = $2 AND version = $3
        "#,
        owner as UserId,
        id as ContactId,
        version,
    )
    .fetch_optional(db)
    .await?)
}

/// Deletes all revisions of the owner's purged contacts with these ids. The caller must
/// hold the lock on the owner's row.
pub async fn delete(db: &mut Connection, owner: UserId, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        r#"
        WITH gone AS (
            DELETE FROM contacts.revisions
            WHERE owner_id = $1 AND contact_id = ANY($2)
            RETURNING octet_length(body) AS bytes
        )
        UPDATE contacts.owner_state
        SET revision_bytes = revision_bytes - (SELECT COALESCE(sum(bytes), 0) FROM gone)
        WHERE owner_id = $1
        "#,
        owner as UserId,
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes at most 1000 revisions that were replaced before `before`, of owners for whom
/// nobody writes at the moment; returns how many. Those of other owners are passed over
/// before they count.
pub async fn delete_old(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"
        WITH old AS (
            SELECT r.owner_id, r.contact_id, r.version
            FROM contacts.revisions AS r
            JOIN contacts.owner_state AS o ON o.owner_id = r.owner_id
            WHERE r.replace_time < $1
            LIMIT 1000
            FOR UPDATE OF o SKIP LOCKED
        ), gone AS (
            DELETE FROM contacts.revisions AS r
            USING old
            WHERE r.owner_id = old.owner_id AND r.contact_id = old.contact_id
              AND r.version = old.version
            RETURNING r.owner_id, octet_length(r.body) AS bytes
        ), counted AS (
            UPDATE contacts.owner_state AS o
            SET revision_bytes = o.revision_bytes - freed.bytes
            FROM (SELECT owner_id, sum(bytes) AS bytes FROM gone GROUP BY owner_id) AS freed
            WHERE o.owner_id = freed.owner_id
        )
        SELECT count(*) AS "count!" FROM gone
        "#,
        before,
    )
    .fetch_one(db)
    .await?)
}
