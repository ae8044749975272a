//! The feed of an owner's contacts, in the order of versions.

use std::collections::HashMap;

use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::store::packed::{columns, packed, packing};

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
    /// Up to this version all contacts have current keys.
    pub keyed_version: i64,
}

impl State {
    /// Whether `version` was a version of this history: not after a backup was restored.
    #[must_use]
    pub fn had(&self, epoch: Uuid, version: i64) -> bool {
        self.epoch == epoch && version <= self.version
    }

    /// Whether every purge after `version` is still known.
    #[must_use]
    pub fn knows_purges_since(&self, version: i64) -> bool {
        self.min_version <= version
    }
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
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// `None` if the owner never wrote.
    pub state: Option<State>,
    /// In order of version and id.
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub more: bool,
}

/// Reads a page of the feed, and the owner's row in the same statement, so that both are
/// from the same moment: a page with no more after it is complete up to the row's
/// version.
pub async fn read(db: impl PgExecutor<'_>, owner: UserId, range: &Range) -> Result<Page> {
    // The limits of both halves end the scan of the index; they do not filter its result.
    // The bodies of contacts beyond the limit of bytes are not read.
    let row = columns!(packing!(
        "SELECT o.version AS now_version, o.min_version, o.epoch, o.keyed_version, page.*
        FROM (SELECT * FROM contacts.owner_state WHERE owner_id = $1) AS o
        CROSS JOIN LATERAL (
            SELECT max(found) AS found, ",
        " FROM (
                SELECT *
                FROM (
                    SELECT *, count(*) OVER () AS found,
                           sum(size) OVER (ORDER BY version, id) AS total
                    FROM (
                        (
                            SELECT owner_id, version, id, uid, create_time, update_time,
                                   delete_time, delete_version, merged_into,
                                   CASE WHEN delete_time IS NULL THEN body ELSE '' END AS body,
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
                            SELECT owner_id, version, id, '', purge_time, purge_time, purge_time,
                                   NULL, NULL, '', 0
                            FROM contacts.tombstones
                            WHERE owner_id = $1 AND (version, id) > ($2, $3)
                              AND version > COALESCE($4, o.version) AND NOT is_label
                            ORDER BY version, id
                            LIMIT $5
                        )
                        ORDER BY version, id
                        LIMIT $5
                    ) AS either
                ) AS counted
                WHERE owner_id = $1 AND total - size < $6
                ORDER BY version, id
            ) AS feed
        ) AS page",
        owner as UserId,
        range.version,
        range.id,
        range.start as Option<i64>,
        // Reads one more, to find out whether there are more.
        range.count_max + 1,
        range.bytes_max,
    ))
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Ok(Page::default());
    };
    let state = State {
        version: row.now_version,
        min_version: row.min_version,
        epoch: row.epoch,
        keyed_version: row.keyed_version,
    };
    let found = row.found.unwrap_or(0);
    let most = usize::try_from(range.count_max).unwrap_or(usize::MAX);
    Ok(Page::of(state, packed!(row).contacts()?, found, most))
}

impl Page {
    /// A page of at most `most` of the entries that were read, of `found` in all.
    fn of(state: State, read: Vec<Stored>, found: i64, most: usize) -> Self {
        let entries: Vec<_> = read.into_iter().take(most).map(Entry::from).collect();
        let shown = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        Self {
            state: Some(state),
            entries,
            more: found > shown,
        }
    }
}

impl From<Stored> for Entry {
    fn from(contact: Stored) -> Self {
        Self {
            version: contact.version,
            id: contact.id,
            contact: Some(contact).filter(|contact| contact.delete_time.is_none()),
        }
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
