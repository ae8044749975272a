//! The statistics of the contacts that a caller sees.

use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;
use crate::model::share::visible::View;

/// The numbers of contacts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// The number of contacts, without deleted ones.
    pub live: i64,
    /// Deleted contacts.
    pub deleted: i64,
    /// Contacts with a birthday, without deleted ones.
    pub with_birthday: i64,
    /// The bytes of all contacts of the owner; 0 for whoever sees only some.
    pub bytes: i64,
}

/// Counts all contacts of the owner, from the owner's row and two small indexes; of the
/// deleted ones, those that the reader sees.
pub async fn counts(db: impl PgExecutor<'_>, view: &View) -> Result<Counts> {
    let trash = view.visible.trash();
    let counts = sqlx::query_as!(
        Counts,
        r#"
        SELECT live_count AS live, byte_count AS bytes,
               (
                   SELECT count(*)
                   FROM contacts.contacts
                   WHERE owner_id = $1 AND delete_time IS NOT NULL AND (
                       COALESCE(delete_version, version) > $2 OR EXISTS (
                           SELECT
                           FROM unnest($3::text[], $4::int8[]) AS shared (key, since)
                           WHERE owner_id = $1 AND label_keys @> ARRAY[key]
                             AND COALESCE(delete_version, version) > since
                       )
                   )
               ) AS "deleted!",
               (
                   SELECT count(*)
                   FROM contacts.contacts
                   WHERE owner_id = $1 AND delete_time IS NULL AND birth_md IS NOT NULL
               ) AS "with_birthday!"
        FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        view.owner as UserId,
        trash.since,
        &trash.label_keys,
        &trash.label_since,
    )
    .fetch_optional(db)
    .await?;
    Ok(counts.unwrap_or_default())
}

/// Counts the contacts with the labels that the reader sees. Reads all contacts of the owner.
pub async fn labelled(db: impl PgExecutor<'_>, view: &View) -> Result<Counts> {
    let trash = view.visible.trash();
    Ok(sqlx::query_as!(
        Counts,
        r#"
        SELECT count(CASE WHEN delete_time IS NULL THEN 1 END) AS "live!",
               count(CASE WHEN delete_time IS NULL AND birth_md IS NOT NULL THEN 1 END)
                   AS "with_birthday!",
               count(CASE WHEN delete_time IS NOT NULL AND EXISTS (
                   SELECT
                   FROM unnest($2::text[], $3::int8[]) AS shared (key, since)
                   WHERE owner_id = $1 AND label_keys @> ARRAY[key]
                     AND COALESCE(delete_version, version) > since
               ) THEN 1 END) AS "deleted!",
               0::bigint AS "bytes!"
        FROM contacts.contacts
        WHERE owner_id = $1 AND label_keys && $2
        "#,
        view.owner as UserId,
        &trash.label_keys,
        &trash.label_since,
    )
    .fetch_one(db)
    .await?)
}

/// The number of the owner's contacts per name of the labels that the reader sees, without
/// deleted ones. Reads all of these.
pub async fn by_label(db: impl PgExecutor<'_>, view: &View) -> Result<Vec<(String, i64)>> {
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
        WHERE owner_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2))
        "#,
        view.owner as UserId,
        view.visible.label_ids() as Option<Vec<Uuid>>,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.count)).collect())
}
