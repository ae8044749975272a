//! Photos, each stored once per owner, and the contacts that have or had them.
//!
//! A contact has the photo that its body names, and had those that its revisions name. Each
//! such pair has a row in `photo_uses`, which is written under the lock on the owner's row, as
//! are photos: a photo that nothing uses can be deleted under this lock, because whoever wants
//! to use it again waits, and then stores it again.

use std::collections::HashSet;

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::photo::{Photo, PhotoHash};
use crate::error::Result;

/// When the purge looks again at a photo that its contact has. Only a program of the version
/// before removes one without saying so.
const CURRENT_KEPT_FOR: TimeDelta = TimeDelta::days(30);
/// The same for a photo that only revisions have.
const EARLIER_KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// Which of these photos the owner has.
pub async fn stored(
    db: impl PgExecutor<'_>,
    owner: UserId,
    hashes: &[PhotoHash],
) -> Result<HashSet<PhotoHash>> {
    let found = sqlx::query_scalar!(
        r#"
        SELECT hash AS "hash: PhotoHash"
        FROM contacts.photos
        WHERE owner_id = $1 AND hash = ANY($2)
        "#,
        owner as UserId,
        &bytes_of(hashes) as &[&[u8]],
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().collect())
}

/// Stores photos that the owner does not have, each once, and counts their bytes. The caller
/// must hold the lock on the owner's row.
pub async fn insert(db: impl PgExecutor<'_>, owner: UserId, photos: &[&Photo]) -> Result<()> {
    let hashes: Vec<&[u8]> = photos.iter().map(|photo| &photo.hash.0[..]).collect();
    let types: Vec<&str> = photos.iter().map(|photo| photo.kind.media_type()).collect();
    let files: Vec<&[u8]> = photos.iter().map(|photo| &*photo.bytes).collect();
    let size: i64 = photos.iter().map(|photo| photo.size()).sum();
    sqlx::query!(
        r#"
        WITH stored AS (
            INSERT INTO contacts.photos (owner_id, hash, media_type, bytes)
            SELECT $1, hash, media_type, bytes
            FROM unnest($2::bytea[], $3::text[], $4::bytea[]) AS new (hash, media_type, bytes)
        )
        UPDATE contacts.owner_state
        SET byte_count = byte_count + $5
        WHERE owner_id = $1
        "#,
        owner as UserId,
        &hashes as &[&[u8]],
        &types as &[&str],
        &files as &[&[u8]],
        size,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that contacts, each named once, have a photo, which must be done before their
/// bodies name it. The purge looks at their other photos the next time. The caller must hold
/// the lock on the owner's row.
pub async fn refer(
    db: impl PgExecutor<'_>,
    owner: UserId,
    uses: &[(ContactId, PhotoHash)],
    now: DateTime<Utc>,
) -> Result<()> {
    let contacts: Vec<Uuid> = uses.iter().map(|(contact, _)| contact.0).collect();
    let hashes: Vec<&[u8]> = uses.iter().map(|(_, hash)| &hash.0[..]).collect();
    sqlx::query!(
        r#"
        WITH new AS (
            SELECT contact_id, hash
            FROM unnest($2::uuid[], $3::bytea[]) AS new (contact_id, hash)
        ), replaced AS (
            UPDATE contacts.photo_uses AS u
            SET check_time = $4
            FROM new
            WHERE u.owner_id = $1 AND u.contact_id = new.contact_id AND u.hash <> new.hash
        )
        INSERT INTO contacts.photo_uses (owner_id, contact_id, hash, check_time)
        SELECT $1, contact_id, hash, $5
        FROM new
        ON CONFLICT (owner_id, contact_id, hash) DO NOTHING
        "#,
        owner as UserId,
        &contacts,
        &hashes as &[&[u8]],
        now,
        now + CURRENT_KEPT_FOR,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn bytes_of(hashes: &[PhotoHash]) -> Vec<&[u8]> {
    hashes.iter().map(|hash| &hash.0[..]).collect()
}

/// Lets the purge look at the photos of a contact the next time.
pub async fn look_again(
    db: impl PgExecutor<'_>,
    owner: UserId,
    contact: ContactId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.photo_uses
        SET check_time = $3
        WHERE owner_id = $1 AND contact_id = $2
        "#,
        owner as UserId,
        contact as ContactId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns `length` bytes of the owner's photo from the byte `start` on, fewer at its end;
/// `None` if it does not exist.
pub async fn part(
    db: impl PgExecutor<'_>,
    owner: UserId,
    hash: PhotoHash,
    start: i32,
    length: i32,
) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT substr(bytes, $3::int4 + 1, $4::int4) AS "part!"
        FROM contacts.photos
        WHERE owner_id = $1 AND hash = $2
        "#,
        owner as UserId,
        hash as PhotoHash,
        start,
        length,
    )
    .fetch_optional(db)
    .await?)
}

/// A stored photo, with its media type.
#[derive(Clone, Debug)]
pub struct StoredPhoto {
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// The file, at most 2 MiB.
    pub bytes: Vec<u8>,
}

/// Returns the owner's photo as a whole, for an export.
pub async fn whole(
    db: impl PgExecutor<'_>,
    owner: UserId,
    hash: PhotoHash,
) -> Result<Option<StoredPhoto>> {
    Ok(sqlx::query_as!(
        StoredPhoto,
        r#"
        SELECT media_type, bytes
        FROM contacts.photos
        WHERE owner_id = $1 AND hash = $2
        "#,
        owner as UserId,
        hash as PhotoHash,
    )
    .fetch_optional(db)
    .await?)
}

/// Deletes the photos of purged contacts that no other contact uses. The caller must hold the
/// lock on the owner's row, and have deleted the contacts and their revisions.
pub async fn delete_of(db: &mut Connection, owner: UserId, contacts: &[Uuid]) -> Result<()> {
    let unused = sqlx::query_scalar!(
        r#"
        DELETE FROM contacts.photo_uses
        WHERE owner_id = $1 AND contact_id = ANY($2)
        RETURNING hash AS "hash: PhotoHash"
        "#,
        owner as UserId,
        contacts,
    )
    .fetch_all(&mut *db)
    .await?;
    if !unused.is_empty() {
        delete_unused(db, owner, &unused).await?;
    }
    Ok(())
}

/// Deletes those of the owner's photos that nothing uses; returns how many. The caller must
/// hold the lock on the owner's row. A statement of its own, so that it finds which uses the
/// statements before it have deleted.
async fn delete_unused(db: &mut Connection, owner: UserId, hashes: &[PhotoHash]) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"
        WITH gone AS (
            DELETE FROM contacts.photos AS p
            WHERE owner_id = $1 AND hash = ANY($2) AND NOT EXISTS (
                SELECT
                FROM contacts.photo_uses
                WHERE owner_id = $1 AND hash = p.hash
            )
            RETURNING octet_length(bytes) AS bytes
        ), counted AS (
            UPDATE contacts.owner_state
            SET byte_count = byte_count - (SELECT COALESCE(sum(bytes), 0) FROM gone)
            WHERE owner_id = $1
        )
        SELECT count(*) AS "count!" FROM gone
        "#,
        owner as UserId,
        &bytes_of(hashes) as &[&[u8]],
    )
    .fetch_one(db)
    .await?)
}

/// At most 100 owners whose photos the purge has to look at.
pub async fn owners_to_check(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT DISTINCT owner_id AS "owner_id: UserId"
        FROM contacts.photo_uses
        WHERE check_time < $1
        LIMIT 100
        "#,
        now,
    )
    .fetch_all(db)
    .await?)
}

/// Looks at `limit` uses at most of the owner's photos, deletes those that neither the
/// contact nor a revision of it has any longer, and the photos that are then unused. Returns
/// how many photos were deleted. The caller must hold the lock on the owner's row.
pub async fn delete_old(
    db: &mut Connection,
    owner: UserId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<i64> {
    let unused = sqlx::query_scalar!(
        r#"
        WITH due AS (
            SELECT contact_id, hash, convert_to('"' || encode(hash, 'hex') || '"', 'UTF8') AS etag
            FROM contacts.photo_uses
            WHERE owner_id = $1 AND check_time < $2
            LIMIT $3
        ), seen AS (
            SELECT contact_id, hash, EXISTS (
                SELECT
                FROM contacts.contacts
                WHERE owner_id = $1 AND id = due.contact_id AND position(etag IN body) > 0
            ) AS is_current, EXISTS (
                SELECT
                FROM contacts.revisions
                WHERE owner_id = $1 AND contact_id = due.contact_id AND position(etag IN body) > 0
            ) AS is_earlier
            FROM due
        ), kept AS (
            UPDATE contacts.photo_uses AS u
            SET check_time = CASE WHEN is_current THEN $4::timestamptz ELSE $5 END
            FROM seen
            WHERE owner_id = $1 AND u.contact_id = seen.contact_id AND u.hash = seen.hash
              AND (is_current OR is_earlier)
        )
        DELETE FROM contacts.photo_uses AS u
        USING seen
        WHERE owner_id = $1 AND u.contact_id = seen.contact_id AND u.hash = seen.hash
          AND NOT is_current AND NOT is_earlier
        RETURNING u.hash AS "hash: PhotoHash"
        "#,
        owner as UserId,
        now,
        limit,
        now + CURRENT_KEPT_FOR,
        now + EARLIER_KEPT_FOR,
    )
    .fetch_all(&mut *db)
    .await?;
    if unused.is_empty() {
        return Ok(0);
    }
    delete_unused(db, owner, &unused).await
}
