//! Deletes all rows of one owner, in every table.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use sqlx::PgExecutor;

use crate::error::Result;

/// Runs statements that each delete up to `limit` rows of the owner; returns the numbers.
macro_rules! each {
    ($db:expr, $owner:expr, $limit:expr, [$($sql:literal),* $(,)?]) => {
        [$(
            sqlx::query!($sql, $owner as UserId, $limit)
                .execute(&mut *$db)
                .await?
                .rows_affected()
        ),*]
    };
}

/// Deletes up to `limit` rows of each table; returns how many, and whether none remain.
/// The caller must hold the lock on the owner's row. Every table with an `owner_id` is
/// listed here.
pub async fn remove_batch(db: &mut Connection, owner: UserId, limit: i64) -> Result<(u64, bool)> {
    let removed = each!(db, owner, limit, [
        "DELETE FROM contacts.contacts WHERE owner_id = $1 AND id IN
         (SELECT id FROM contacts.contacts WHERE owner_id = $1 ORDER BY id LIMIT $2)",
        "DELETE FROM contacts.ignored_duplicates WHERE owner_id = $1 AND (low_id, high_id) IN
         (SELECT low_id, high_id FROM contacts.ignored_duplicates WHERE owner_id = $1
          ORDER BY low_id, high_id LIMIT $2)",
        "DELETE FROM contacts.labels WHERE owner_id = $1 AND id IN
         (SELECT id FROM contacts.labels WHERE owner_id = $1 ORDER BY id LIMIT $2)",
        "DELETE FROM contacts.merges WHERE owner_id = $1 AND id IN
         (SELECT id FROM contacts.merges WHERE owner_id = $1 ORDER BY id LIMIT $2)",
        "DELETE FROM contacts.photo_uses WHERE owner_id = $1 AND (contact_id, hash) IN
         (SELECT contact_id, hash FROM contacts.photo_uses WHERE owner_id = $1
          ORDER BY contact_id, hash LIMIT $2)",
        "DELETE FROM contacts.photos WHERE owner_id = $1 AND hash IN
         (SELECT hash FROM contacts.photos WHERE owner_id = $1 ORDER BY hash LIMIT $2)",
        "DELETE FROM contacts.requests WHERE owner_id = $1 AND request_id IN
         (SELECT request_id FROM contacts.requests WHERE owner_id = $1 ORDER BY request_id LIMIT $2)",
        "DELETE FROM contacts.revisions WHERE owner_id = $1 AND (contact_id, version) IN
         (SELECT contact_id, version FROM contacts.revisions WHERE owner_id = $1
          ORDER BY contact_id, version LIMIT $2)",
        "DELETE FROM contacts.shares WHERE owner_id = $1 AND id IN
         (SELECT id FROM contacts.shares WHERE owner_id = $1 ORDER BY id LIMIT $2)",
        "DELETE FROM contacts.tombstones WHERE owner_id = $1 AND (version, id) IN
         (SELECT version, id FROM contacts.tombstones WHERE owner_id = $1
          ORDER BY version, id LIMIT $2)",
    ]);
    let is_all = removed.iter().all(|count| *count < limit.unsigned_abs());
    Ok((removed.iter().sum(), is_all))
}

/// Deletes the owner's own row, at the end.
pub async fn remove_owner(db: impl PgExecutor<'_>, owner: UserId) -> Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
