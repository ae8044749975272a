//! The statistics of an owner.

use chassis::user_id::UserId;
use sqlx::PgExecutor;

use crate::error::Result;

/// The numbers of contacts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// The number of contacts, without deleted ones.
    pub live: i64,
    /// Deleted contacts.
    pub deleted: i64,
    /// Contacts with a birthday, without deleted ones.
    pub with_birthday: i64,
    /// The bytes of all.
    pub bytes: i64,
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

/// The number of the owner's contacts per label name, without deleted ones. Reads all of
/// these.
pub async fn by_label(db: impl PgExecutor<'_>, owner: UserId) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        WITH counted AS (
            SELECT key, count(*) AS count
            FROM contacts.contacts
            CROSS JOIN LATERAL (SELECT DISTINCT unnest(label_keys) AS key) AS label
            WHERE owner_id = $1 AND delete_time IS NULL
            GROUP BY key
        )
        SELECT name, count AS "count!"
        FROM contacts.labels JOIN counted ON key = name_key
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.count)).collect())
}
