//! The contacts that have a label.

use std::collections::HashMap;

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::changes::keeping;
use super::parts;
use super::revisions::code;
use crate::contact::ContactId;
use crate::error::Result;
use crate::model::label::Label;
use crate::model::stamp::Stamp;

/// A contact with changed labels.
#[derive(Clone, Debug)]
pub struct Relabelled {
    /// The contact.
    pub id: ContactId,
    /// Its new body.
    pub body: Vec<u8>,
    /// The growth of its size.
    pub bytes_added: i64,
    /// Its labels, folded.
    pub label_keys: Vec<String>,
    /// The lines of its labels in its search text.
    pub label_lines: String,
}

/// At most `limit` ids of the owner's contacts with this label, deleted or not.
/// Reads all of the owner's contacts.
pub async fn ids(
    db: impl PgExecutor<'_>,
    owner: UserId,
    label_key: &str,
    limit: i64,
) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT id
        FROM contacts.contacts
        WHERE owner_id = $1 AND label_keys @> ARRAY[$2::text]
        LIMIT $3
        "#,
        owner as UserId,
        label_key,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// How many of the owner's live contacts have this label.
pub async fn count(db: impl PgExecutor<'_>, owner: UserId, label: &Label) -> Result<i64> {
    let counts = counts(db, owner, &[&label.name_key]).await?;
    Ok(counts.get(&label.name_key).copied().unwrap_or(0))
}

/// How many of the owner's live contacts have each of these labels; none has one
/// that is omitted. Reads all of the owner's contacts.
pub async fn counts(
    db: impl PgExecutor<'_>,
    owner: UserId,
    label_keys: &[&str],
) -> Result<HashMap<String, i64>> {
    let rows = sqlx::query!(
        r#"
        SELECT key AS "key!", count(DISTINCT id) AS "count!"
        FROM contacts.contacts
        CROSS JOIN LATERAL unnest(label_keys) AS key
        WHERE owner_id = $1 AND delete_time IS NULL AND label_keys && $2 AND key = ANY($2)
        GROUP BY key
        "#,
        owner as UserId,
        label_keys as &[&str],
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.count)).collect())
}

/// Overwrites contacts with changed labels, deleted or not, and counts their bytes.
/// Stores their previous state as the newest earlier revision.
pub async fn relabel(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    contacts: &[Relabelled],
    bytes_added: i64,
) -> Result<()> {
    // The owner's totals are updated with the first part.
    let mut bytes_added = bytes_added;
    for part in parts::split(contacts, |contact| contact.body.len()) {
        relabel_part(db, owner, stamp, part, bytes_added).await?;
        bytes_added = 0;
    }
    Ok(())
}

async fn relabel_part(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    contacts: &[Relabelled],
    bytes_added: i64,
) -> Result<()> {
    let ids: Vec<Uuid> = contacts.iter().map(|contact| contact.id.0).collect();
    let bodies: Vec<&[u8]> = contacts.iter().map(|contact| &*contact.body).collect();
    let labels = contacts.iter().map(|contact| contact.label_keys.join("\n"));
    let lines = contacts.iter().map(|contact| &*contact.label_lines);
    keeping!(
        r#"counted AS (
            UPDATE contacts.owner_state
            SET byte_count = byte_count + $5,
                revision_bytes = revision_bytes + (SELECT bytes FROM grown)
            WHERE owner_id = $1
        )
        UPDATE contacts.contacts AS c
        SET version = $6, update_time = $3, change = $7, writer_id = $10, body = new.body,
            delete_version = COALESCE(
                delete_version, CASE WHEN delete_time IS NOT NULL THEN c.version END
            ),
            label_keys = string_to_array(labels, chr(10)),
            search_text = regexp_replace(search_text, E'\n\x16[^\n]*', '', 'g') || label_lines
        FROM unnest($2::uuid[], $8::bytea[], $9::text[], $11::text[])
            AS new (id, body, labels, label_lines)
        WHERE owner_id = $1 AND c.id = new.id
        "#,
        owner,
        &ids,
        stamp,
        bytes_added,
        stamp.version,
        code(stamp.change),
        &bodies as &[&[u8]],
        &labels.collect::<Vec<_>>(),
        stamp.writer as Option<UserId>,
        &lines.collect::<Vec<_>>() as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}
