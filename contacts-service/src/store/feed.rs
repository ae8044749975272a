//! The feed of an owner's contacts, in the order of versions.

use std::collections::HashMap;

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;

/// The part to read: after a version and, within that version, an id.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The version that was read last.
    pub version: i64,
    /// The last id read of it.
    pub id: Uuid,
    /// The reader never received contacts that were deleted up to this version; up to the
    /// current one if `None`.
    pub start: Option<i64>,
    /// The maximum number of entries.
    pub count_max: i64,
    /// The size of contacts after which no further one is added.
    pub bytes_max: i64,
}

/// The owner's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The version of the last write.
    pub version: i64,
    /// Up to this version, purged contacts may be forgotten.
    pub min_version: i64,
    /// Different for each history of versions.
    pub epoch: Uuid,
}

/// One contact in its current state.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The version of its last write, or of its purge.
    pub version: i64,
    /// The contact's id.
    pub id: ContactId,
    /// `None` if it is deleted or purged.
    pub contact: Option<Stored>,
}

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct Page {
    /// None where the owner never wrote.
    pub state: Option<State>,
    /// In order of version and id.
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub more: bool,
}

/// Reads a page of the feed, and the owner's row with it: one statement sees the
/// same moment of both, so that a page without more is all up to the row's version.
pub async fn read(db: impl PgExecutor<'_>, owner: UserId, range: &Range) -> Result<Page> {
    // The limits of both halves are what the index is read to, not a filter on it.
    // Of contacts beyond the bytes, no body is read.
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT o.version AS now_version, o.min_version, o.epoch, feed.found AS "found?",
               feed.version AS "version?", feed.id AS "id?: ContactId", feed.uid AS "uid?",
               feed.create_time AS "create_time?", feed.update_time AS "update_time?",
               feed.body AS "body?"
        FROM contacts.owner_state AS o
        LEFT JOIN LATERAL (
            SELECT *
            FROM (
                SELECT *, count(*) OVER () AS found, sum(size) OVER (ORDER BY version, id) AS total
                FROM (
                    (
                        SELECT owner_id, version, id, uid, create_time, update_time,
                               CASE WHEN delete_time IS NULL THEN body END AS body,
                               CASE WHEN delete_time IS NULL THEN octet_length(body) ELSE 0 END
                                   AS size
                        FROM contacts.contacts
                        WHERE owner_id = $1 AND (version, id) > ($2, $3)
                          AND (delete_time IS NULL OR version > COALESCE($4, o.version))
                        ORDER BY version, id
                        LIMIT $5
                    )
                    UNION ALL
                    (
                        SELECT owner_id, version, id, NULL, NULL, NULL, NULL, 0
                        FROM contacts.tombstones
                        WHERE owner_id = $1 AND (version, id) > ($2, $3)
                          AND version > COALESCE($4, o.version)
                        ORDER BY version, id
                        LIMIT $5
                    )
                    ORDER BY version, id
                    LIMIT $5
                ) AS either
            ) AS counted
            WHERE owner_id = $1 AND total - size < $6
        ) AS feed ON TRUE
        WHERE o.owner_id = $1
        ORDER BY feed.version, feed.id
        "#,
        owner as UserId,
        range.version,
        range.id,
        range.start as Option<i64>,
        // One more shows whether there is more.
        range.count_max + 1,
        range.bytes_max,
    )
    .fetch_all(db)
    .await?;

    Ok(Page::of(rows, range.count_max))
}

/// The owner's row, and an entry if there is one.
struct Row {
    now_version: i64,
    min_version: i64,
    epoch: Uuid,
    /// The number of entries before the limit of bytes.
    found: Option<i64>,
    version: Option<i64>,
    id: Option<ContactId>,
    uid: Option<String>,
    create_time: Option<DateTime<Utc>>,
    update_time: Option<DateTime<Utc>>,
    body: Option<Vec<u8>>,
}

impl Page {
    fn of(rows: Vec<Row>, count_max: i64) -> Self {
        let state = rows.first().map(|row| State {
            version: row.now_version,
            min_version: row.min_version,
            epoch: row.epoch,
        });
        let found = rows.first().and_then(|row| row.found).unwrap_or(0);
        let most = usize::try_from(count_max).unwrap_or(usize::MAX);
        let entries = rows.into_iter().filter_map(Row::entry).take(most);
        let entries: Vec<_> = entries.collect();
        let shown = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        Self {
            state,
            entries,
            more: found > shown,
        }
    }
}

impl Row {
    fn entry(self) -> Option<Entry> {
        let (version, id) = (self.version?, self.id?);
        let text = self.uid.zip(self.body);
        let contact = text.zip(self.create_time.zip(self.update_time));
        let contact = contact.map(|((uid, body), (create_time, update_time))| Stored {
            id,
            uid,
            version,
            create_time,
            update_time,
            delete_time: None,
            merged_into: None,
            body,
        });
        Some(Entry {
            version,
            id,
            contact,
        })
    }
}

/// The current versions of these owners, without those who never wrote.
pub async fn versions(db: impl PgExecutor<'_>, owners: &[Uuid]) -> Result<HashMap<UserId, i64>> {
    let rows = sqlx::query!(
        r#"
        SELECT owner_id AS "owner_id: UserId", version
        FROM contacts.owner_state
        WHERE owner_id = ANY($1)
        "#,
        owners,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.owner_id, row.version))
        .collect())
}
