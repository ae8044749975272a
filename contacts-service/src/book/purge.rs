//! Permanently removes deleted contacts.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::book::Book;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::error::{Error, Result, ShareError};
use crate::store::{ignored_pairs, photos, revisions, tombstones};

/// The maximum number of contacts of one owner that are removed in one transaction,
/// because other writes of that owner wait for it.
pub const BATCH: i64 = 1000;

/// Permanently removes a batch of the contacts that the owner deleted before `before`;
/// returns how many. The caller has locked the owner's row and taken `version`, and need
/// not commit if the result is zero.
pub async fn remove_batch(
    db: &mut Connection,
    owner: UserId,
    before: DateTime<Utc>,
    version: i64,
    now: DateTime<Utc>,
) -> Result<i64> {
    let expired = tombstones::expired(&mut *db, owner, before, BATCH).await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = expired.iter().map(|id| id.0).collect();
    remove(db, owner, &ids, version, now).await
}

/// Removes deleted contacts with their revisions, photos and ignored pairs.
async fn remove(
    db: &mut Connection,
    owner: UserId,
    ids: &[Uuid],
    version: i64,
    now: DateTime<Utc>,
) -> Result<i64> {
    let count = tombstones::purge(db, owner, ids, version, now).await?;
    revisions::delete(db, owner, ids).await?;
    photos::delete_of(db, owner, ids).await?;
    ignored_pairs::delete_of(db, owner, ids).await?;
    Ok(count)
}

impl Book<'_> {
    /// Permanently removes these deleted contacts of the caller, all or none; returns how
    /// many.
    pub async fn purge(&self, ids: &[ContactId]) -> Result<i64> {
        self.ensure_own()?;
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let mut write = Write::begin(self).await?;
        let mut found = write.contacts(&wanted).await?;
        for id in ids {
            match found.remove(id) {
                Some(contact) if contact.delete_time.is_some() => {}
                Some(_) => return Err(Error::StillLive(*id)),
                None => return Err(Error::NotFound(*id)),
            }
        }
        let version = write.version();
        let count = remove(&mut write, self.owner, &wanted, version, self.now).await?;
        write.commit().await?;
        Ok(count)
    }

    /// Permanently removes every deleted contact of the caller, in batches; returns how many.
    pub async fn purge_deleted(&self) -> Result<i64> {
        self.ensure_own()?;
        // The latest possible time, because a clock that was ahead may have set a time in
        // the future.
        let ever = DateTime::<Utc>::MAX_UTC;
        let mut count = 0;
        loop {
            let mut write = Write::begin(self).await?;
            let version = write.version();
            let removed = remove_batch(&mut write, self.owner, ever, version, self.now).await?;
            if removed > 0 {
                write.commit().await?;
            }
            count += removed;
            if removed < BATCH {
                return Ok(count);
            }
        }
    }

    /// Refuses a recipient of a share: what an editor deletes, the owner can undelete.
    fn ensure_own(&self) -> Result<()> {
        if self.is_shared() {
            return Err(ShareError::NotOwner.into());
        }
        Ok(())
    }
}
