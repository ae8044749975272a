//! The labels of an owner. Callers of a write here must have locked the owner's row.

use std::collections::BTreeMap;

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::identity::label_key;
use crate::contact::keys::Keys;
use crate::error::{Error, LabelError, Result};
use crate::model::label::{LABELS_MAX, Label, LabelId, LabelName};
use crate::model::stamp::Stamp;

/// Creates the labels of the contacts that the owner lacks; of several spellings the
/// first is used. Returns the names of the labels that may be new to a contact, by key.
/// Runs no statement if no contact has any.
pub async fn ensure<'a>(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    contacts: impl Iterator<Item = &'a Keys>,
) -> Result<BTreeMap<String, String>> {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for name in contacts.flat_map(|keys| &keys.new_labels) {
        names.entry(label_key(name)).or_insert(name);
    }
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let labels = names.into_iter().map(|(key, name)| Label {
        id: LabelId::generate(),
        name_key: key,
        name: name.to_owned(),
        version: stamp.version,
        create_time: stamp.time,
        update_time: stamp.time,
    });
    insert(db, owner, &labels.collect::<Vec<_>>()).await
}

/// Inserts the labels whose names do not exist yet. Returns the names of all of them as
/// they are stored, by key.
pub async fn insert(
    db: &mut Connection,
    owner: UserId,
    labels: &[Label],
) -> Result<BTreeMap<String, String>> {
    let Some(first) = labels.first() else {
        return Ok(BTreeMap::new());
    };
    let ids: Vec<Uuid> = labels.iter().map(|label| label.id.0).collect();
    let keys: Vec<&str> = labels.iter().map(|label| &*label.name_key).collect();
    let names: Vec<&str> = labels.iter().map(|label| &*label.name).collect();
    // No other call can add any meanwhile, because the owner's row is locked.
    let row = sqlx::query!(
        r#"
        WITH added AS (
            INSERT INTO contacts.labels
                (owner_id, id, name_key, name, version, create_time, update_time)
            SELECT $1, id, name_key, name, $2, $3, $3
            FROM unnest($4::uuid[], $5::text[], $6::text[]) AS new (id, name_key, name)
            ON CONFLICT (owner_id, name_key) DO NOTHING
            RETURNING name_key, name
        ), known AS (
            SELECT name_key, name
            FROM contacts.labels
            WHERE owner_id = $1 AND name_key = ANY($5)
        )
        SELECT CASE WHEN EXISTS (SELECT FROM added) THEN
            (SELECT count(*) FROM added)
            + (SELECT count(*) FROM contacts.labels WHERE owner_id = $1)
        ELSE 0 END AS "count!",
        ARRAY(SELECT name_key FROM known ORDER BY name_key) AS "keys!",
        ARRAY(SELECT name FROM known ORDER BY name_key) AS "names!"
        "#,
        owner as UserId,
        first.version,
        first.create_time,
        &ids,
        &keys as &[&str],
        &names as &[&str],
    )
    .fetch_one(db)
    .await?;
    if row.count > LABELS_MAX {
        return Err(LabelError::QuotaExceeded.into());
    }
    // Those that are not known were inserted as they are here.
    let new = labels.iter();
    let new = new.map(|label| (label.name_key.clone(), label.name.clone()));
    let known = row.keys.into_iter().zip(row.names);
    Ok(new.chain(known).collect())
}

/// A label that was written or deleted.
#[derive(Clone, Debug)]
pub struct LabelChange {
    /// Its id.
    pub id: LabelId,
    /// `None` if it is deleted.
    pub label: Option<Label>,
}

/// The maximum number of deleted labels that a sync catches up with: all changes to labels
/// stand on one page.
const GONE_MAX: usize = 2000;

/// The owner's labels that were written after the version `after` and up to `last`, in the
/// order of versions, and those deleted since `start`; or of the former those with these
/// ids. Fails if more labels were deleted than fit a page: a new sync does not need them.
pub async fn changes(
    db: impl PgExecutor<'_>,
    owner: UserId,
    (after, last): (i64, i64),
    start: i64,
    ids: Option<Vec<Uuid>>,
) -> Result<Vec<LabelChange>> {
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id!: LabelId", name_key AS "name_key!", name AS "name!",
               version AS "version!", create_time AS "create_time!",
               update_time AS "update_time!", is_deleted AS "is_deleted!"
        FROM (
            SELECT id, name_key, name, version, create_time, update_time, FALSE AS is_deleted
            FROM contacts.labels
            WHERE owner_id = $1 AND version > $2 AND version <= $3
              AND ($5::uuid[] IS NULL OR id = ANY($5))
            UNION ALL
            (
                SELECT id, '', '', version, purge_time, purge_time, TRUE
                FROM contacts.tombstones
                WHERE owner_id = $1 AND version > $2 AND version <= $3 AND version > $4
                  AND is_label AND $5::uuid[] IS NULL
                ORDER BY version
                LIMIT $6
            )
        ) AS changed
        ORDER BY version, id
        "#,
        owner as UserId,
        after,
        last,
        start,
        ids as Option<Vec<Uuid>>,
        i64::try_from(GONE_MAX + 1).unwrap_or(i64::MAX),
    )
    .fetch_all(db)
    .await?;
    if rows.iter().filter(|row| row.is_deleted).count() > GONE_MAX {
        return Err(Error::SyncTokenExpired);
    }
    let changes = rows.into_iter().map(|row| LabelChange {
        id: row.id,
        label: (!row.is_deleted).then_some(Label {
            id: row.id,
            name_key: row.name_key,
            name: row.name,
            version: row.version,
            create_time: row.create_time,
            update_time: row.update_time,
        }),
    });
    Ok(changes.collect())
}

/// Returns the owner's label. By a range, as in [`super::contacts`].
pub async fn get(db: impl PgExecutor<'_>, owner: UserId, id: LabelId) -> Result<Option<Label>> {
    Ok(sqlx::query_as!(
        Label,
        r#"
        SELECT id AS "id: LabelId", name_key, name, version, create_time, update_time
        FROM contacts.labels
        WHERE owner_id = $1 AND id >= $2 AND id <= $2
        ORDER BY id
        "#,
        owner as UserId,
        id as LabelId,
    )
    .fetch_optional(db)
    .await?)
}

/// Returns the owner's label whose name has this key.
pub async fn by_name(db: impl PgExecutor<'_>, owner: UserId, key: &str) -> Result<Option<Label>> {
    Ok(sqlx::query_as!(
        Label,
        r#"
        SELECT id AS "id: LabelId", name_key, name, version, create_time, update_time
        FROM contacts.labels
        WHERE owner_id = $1 AND name_key = $2
        "#,
        owner as UserId,
        key,
    )
    .fetch_optional(db)
    .await?)
}

/// All of the owner's labels, or those with these ids, by key.
pub async fn list(
    db: impl PgExecutor<'_>,
    owner: UserId,
    ids: Option<Vec<Uuid>>,
) -> Result<Vec<Label>> {
    Ok(sqlx::query_as!(
        Label,
        r#"
        SELECT id AS "id: LabelId", name_key, name, version, create_time, update_time
        FROM contacts.labels
        WHERE owner_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2))
        ORDER BY name_key
        "#,
        owner as UserId,
        ids as Option<Vec<Uuid>>,
    )
    .fetch_all(db)
    .await?)
}

/// Sets the label's name, which must be unique.
pub async fn rename(
    db: &mut Connection,
    owner: UserId,
    stamp: Stamp,
    id: LabelId,
    name: &LabelName,
) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.labels
        SET name_key = $3, name = $4, version = $5, update_time = $6
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        id as LabelId,
        name.key,
        name.name,
        stamp.version,
        stamp.time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the owner's label.
pub async fn delete(db: &mut Connection, owner: UserId, id: LabelId) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM contacts.labels
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        id as LabelId,
    )
    .execute(db)
    .await?;
    Ok(())
}
