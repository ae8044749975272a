//! Reads for the copies of address books in memory.

use chassis::user_id::UserId;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::PgExecutor;

use crate::contact::ContactId;
use crate::contact::keys::KEYS_VERSION;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::store::feed::State;

/// What a search compares of a contact.
#[derive(Clone, Debug)]
pub struct Line {
    /// The contact's id.
    pub id: ContactId,
    /// The key of family and given name.
    pub family_key: String,
    /// Whether it is a favourite.
    pub starred: bool,
    /// The keys of its labels, each followed by a line break.
    pub labels: String,
    /// The folded lines.
    pub search_text: String,
}

/// A contact that was written or purged.
#[derive(Clone, Debug)]
pub struct Change {
    /// The contact's id.
    pub id: ContactId,
    /// `None` if it is deleted or purged.
    pub line: Option<Line>,
}

/// Returns the state of the owner's contacts and their number and size; `None` if the owner
/// never wrote.
pub async fn state(db: impl PgExecutor<'_>, owner: UserId) -> Result<Option<(State, Quota)>> {
    let row = sqlx::query!(
        r#"
        SELECT version, min_version, epoch, live_count, byte_count,
               keyed_version * (keys_version >= $2)::int AS "keyed_version!"
        FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        owner as UserId,
        KEYS_VERSION,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let state = State {
            version: row.version,
            min_version: row.min_version,
            epoch: row.epoch,
            keyed_version: row.keyed_version,
        };
        let used = Quota {
            contacts: row.live_count,
            bytes: row.byte_count,
        };
        (state, used)
    }))
}

/// Every contact of the owner, without deleted ones, by id.
pub fn lines<'a>(db: impl PgExecutor<'a> + 'a, owner: UserId) -> BoxStream<'a, Result<Line>> {
    let stream = sqlx::query_as!(
        Line,
        r#"
        SELECT id AS "id: ContactId", family_key, starred, search_text,
               CASE WHEN label_keys = '{}' THEN ''
                    ELSE array_to_string(label_keys, chr(10)) || chr(10) END AS "labels!"
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
        ORDER BY id
        "#,
        owner as UserId,
    )
    .fetch(db);
    Box::pin(stream.map_err(Error::from))
}

/// The owner's contacts that were written or purged after `version`, in the order of
/// versions, and the owner's row at the same moment; `None` if there are more than `limit`,
/// or if their texts take more than `bytes_max`, or if there is no row. With those whose
/// keys were made again after `keyed_version`.
pub async fn changes(
    db: impl PgExecutor<'_>,
    owner: UserId,
    (version, keyed_version): (i64, i64),
    limit: i64,
    bytes_max: i64,
) -> Result<Option<(State, Vec<Change>)>> {
    // No text is read of those that are too many or too large.
    let rows = sqlx::query!(
        r#"
        SELECT o.version, o.min_version, o.epoch, o.keyed_version AS "keyed_version!", changed.total AS "total?",
               changed.id AS "id?: ContactId", changed.family_key AS "family_key?",
               changed.starred AS "starred?", changed.labels AS "labels?",
               CASE WHEN total <= $4 THEN changed.search_text END AS search_text
        FROM (SELECT *, CASE WHEN keyed_version = $5 THEN $2 ELSE LEAST($2, $5) END AS seen
              FROM (SELECT version, min_version, epoch,
                           keyed_version * (keys_version >= $6)::int AS keyed_version
                    FROM contacts.owner_state WHERE owner_id = $1) AS state) AS o
        LEFT JOIN LATERAL (
            SELECT *, sum(COALESCE(octet_length(search_text), 0)) OVER (ORDER BY version) AS total
            FROM (
                (
                    SELECT owner_id, version, id, family_key, starred,
                           CASE WHEN label_keys = '{}' THEN ''
                                ELSE array_to_string(label_keys, chr(10)) || chr(10) END AS labels,
                           CASE WHEN delete_time IS NULL THEN search_text END AS search_text
                    FROM contacts.contacts
                    WHERE owner_id = $1 AND version > seen ORDER BY version LIMIT $3
                )
                UNION ALL
                (
                    SELECT owner_id, version, id, NULL, NULL, NULL, NULL FROM contacts.tombstones
                    WHERE owner_id = $1 AND version > seen ORDER BY version LIMIT $3
                )
                ORDER BY version LIMIT $3
            ) AS either
        ) AS changed ON TRUE
        ORDER BY changed.version
        "#,
        owner as UserId,
        version,
        // One more shows whether there are too many.
        limit + 1,
        bytes_max,
        keyed_version,
        KEYS_VERSION,
    )
    .fetch_all(db)
    .await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(None);
    };
    let is_too_long = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
    if is_too_long || last.total.is_some_and(|total| total > bytes_max) {
        return Ok(None);
    }
    let state = State {
        version: first.version,
        min_version: first.min_version,
        epoch: first.epoch,
        keyed_version: first.keyed_version,
    };
    let changes = rows.into_iter().filter_map(|row| {
        let id = row.id?;
        let keys = row.family_key.zip(row.starred).zip(row.labels);
        let line =
            keys.zip(row.search_text)
                .map(|(((family_key, starred), labels), search_text)| Line {
                    id,
                    family_key,
                    starred,
                    labels,
                    search_text,
                });
        Some(Change { id, line })
    });
    Ok(Some((state, changes.collect())))
}
