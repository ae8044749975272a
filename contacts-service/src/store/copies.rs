//! Reads for the copies of address books in memory.

use chassis::user_id::UserId;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::{Error, Result};

/// The owner's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The version of the last write.
    pub version: i64,
    /// Up to this version, purged contacts may be forgotten.
    pub min_version: i64,
    /// Different for each history of versions.
    pub epoch: Uuid,
    /// The number of contacts, without deleted ones.
    pub live_count: i64,
}

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
    /// The version of that write.
    pub version: i64,
    /// The contact's id.
    pub id: ContactId,
    /// `None` if it is deleted or purged.
    pub line: Option<Line>,
}

/// Returns the owner's row; `None` if the owner never wrote.
pub async fn state(db: impl PgExecutor<'_>, owner: UserId) -> Result<Option<State>> {
    Ok(sqlx::query_as!(
        State,
        r#"
        SELECT version, min_version, epoch, live_count
        FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .fetch_optional(db)
    .await?)
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

/// At most `limit` of the owner's contacts that were written or purged after `version`, in
/// the order of versions, and the owner's row at the same moment.
pub async fn changes(
    db: impl PgExecutor<'_>,
    owner: UserId,
    version: i64,
    limit: i64,
) -> Result<Option<(State, Vec<Change>)>> {
    let rows = sqlx::query!(
        r#"
        SELECT o.version AS now_version, o.min_version, o.epoch, o.live_count,
               changed.version AS "version?", changed.id AS "id?: ContactId",
               changed.family_key AS "family_key?", changed.starred AS "starred?",
               changed.labels AS "labels?", changed.search_text AS "search_text?"
        FROM contacts.owner_state AS o
        LEFT JOIN LATERAL (
            (
                SELECT owner_id, version, id, family_key, starred,
                       CASE WHEN label_keys = '{}' THEN ''
                            ELSE array_to_string(label_keys, chr(10)) || chr(10) END AS labels,
                       CASE WHEN delete_time IS NULL THEN search_text END AS search_text
                FROM contacts.contacts
                WHERE owner_id = $1 AND version > $2
                ORDER BY version
                LIMIT $3
            )
            UNION ALL
            (
                SELECT owner_id, version, id, NULL, NULL, NULL, NULL
                FROM contacts.tombstones
                WHERE owner_id = $1 AND version > $2
                ORDER BY version
                LIMIT $3
            )
            ORDER BY version
            LIMIT $3
        ) AS changed ON TRUE
        WHERE o.owner_id = $1
        ORDER BY changed.version
        "#,
        owner as UserId,
        version,
        limit,
    )
    .fetch_all(db)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let state = State {
        version: first.now_version,
        min_version: first.min_version,
        epoch: first.epoch,
        live_count: first.live_count,
    };
    let changes = rows.into_iter().filter_map(|row| {
        let (version, id) = (row.version?, row.id?);
        let keys = row.family_key.zip(row.starred).zip(row.labels);
        let line = keys.zip(row.search_text);
        let line = line.map(|(((family_key, starred), labels), search_text)| Line {
            id,
            family_key,
            starred,
            labels,
            search_text,
        });
        Some(Change { version, id, line })
    });
    Ok(Some((state, changes.collect())))
}
