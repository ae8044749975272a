//! An owner's figures.

use chassis::user_id::UserId;
use sqlx::PgExecutor;

use crate::contact::ContactId;
use crate::error::Result;

/// How many contacts there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Live ones.
    pub live: i64,
    /// Deleted ones.
    pub deleted: i64,
    /// Live ones with a birthday.
    pub with_birthday: i64,
    /// The bytes of all.
    pub bytes: i64,
}

/// A label of live contacts.
#[derive(Clone, Debug)]
pub struct Label {
    /// Folded.
    pub key: String,
    /// How many contacts have it.
    pub count: i64,
    /// One of them.
    pub sample: ContactId,
}

/// Counts the owner's contacts, from the owner's row and two small indexes.
pub async fn counts(db: impl PgExecutor<'_>, owner: UserId) -> Result<Counts> {
    let counts = sqlx::query_as!(
        Counts,
        r#"
        SELECT live_count AS live, byte_count AS bytes,
               (
                   SELECT count(*)
                   FROM contacts.contacts
                   WHERE owner_id = $1 AND delete_time IS NOT NULL
               ) AS "deleted!",
               (
                   SELECT count(*)
                   FROM contacts.contacts
                   WHERE owner_id = $1 AND delete_time IS NULL AND birth_md IS NOT NULL
               ) AS "with_birthday!"
        FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(counts.unwrap_or_default())
}

/// The `limit` labels that most of the owner's live contacts have. Reads all of
/// these.
pub async fn labels(db: impl PgExecutor<'_>, owner: UserId, limit: i64) -> Result<Vec<Label>> {
    // The smallest of uuids is something that PostgreSQL 15 does not know.
    Ok(sqlx::query_as!(
        Label,
        r#"
        SELECT key AS "key!", count(*) AS "count!",
               min(id::text COLLATE "C")::uuid AS "sample!: ContactId"
        FROM contacts.contacts
        CROSS JOIN LATERAL (SELECT DISTINCT unnest(label_keys) AS key) AS label
        WHERE owner_id = $1 AND delete_time IS NULL
        GROUP BY key
        ORDER BY count(*) DESC, key
        LIMIT $2
        "#,
        owner as UserId,
        limit,
    )
    .fetch_all(db)
    .await?)
}
