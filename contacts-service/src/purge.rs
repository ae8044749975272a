//! Purges deleted contacts, when they expire or on request, and other expired data:
//! responses to calls with a `request_id`, and old revisions.

use std::collections::HashMap;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::{Pool, Transaction};
use chassis::start::chores;
use chassis::user_id::UserId;
use chrono::{DateTime, Days, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::book::Book;
use crate::book::creation::ANSWERS_KEPT;
use crate::book::merge::UNDONE_WITHIN;
use crate::book::revision::REVISIONS_KEPT_FOR;
use crate::contact::ContactId;
use crate::contact::stored::{DAYS_UNTIL_GONE, Stored};
use crate::error::{Error, Result};
use crate::store::owners::Taken;
use crate::store::{contacts, duplicates, merges, owners, requests, revisions, tombstones};

const PAUSE: Duration = Duration::from_mins(10);
/// How long syncs report purged contacts.
const DAYS_REMEMBERED: Days = Days::new(90);
/// The maximum number of one owner's contacts that are purged at a time, because writes
/// of that owner wait.
const BATCH: i64 = 1000;

/// Purges periodically, in an endless loop, while the clocks of this machine and of the
/// database differ by at most `leeway`.
pub async fn forever(db: Pool, clock: Clock, leeway: Duration) {
    let forget = async || {
        if clock.is_agreed(leeway) {
            batch(&db, clock.now()).await
        } else {
            Ok(0)
        }
    };
    chores::forever(
        "deleted expired responses, revisions, merges and contacts",
        PAUSE,
        forget,
    )
    .await;
}

/// Purges a batch of each; returns the total number.
pub async fn batch(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let ago = |days| now.checked_sub_days(days).unwrap_or(now);
    let mut count = requests::forget(db, now - ANSWERS_KEPT).await?;
    count += merges::forget(db, now - UNDONE_WITHIN).await?;
    count += revisions::forget_old(db, now - REVISIONS_KEPT_FOR).await?;
    let before = ago(DAYS_UNTIL_GONE);
    for owner in tombstones::owners_of_gone(db, before).await? {
        let mut tx = db.begin().await?;
        let taken = owners::take(&mut tx, owner).await?;
        count += purge(tx, owner, taken, before, now).await?.unsigned_abs();
    }
    let before = ago(DAYS_REMEMBERED);
    for owner in tombstones::owners_of_forgotten(db, before).await? {
        let mut tx = db.begin().await?;
        owners::hold(&mut tx, owner).await?;
        let forgotten = tombstones::forget(&mut tx, owner, before, BATCH).await?;
        tx.commit().await?;
        count += forgotten.unsigned_abs();
    }
    Ok(count)
}

/// Purges a batch of the owner's contacts that were deleted before `before`, under the
/// given version.
async fn purge(
    mut tx: Transaction,
    owner: UserId,
    taken: Taken,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i64> {
    let gone = tombstones::gone(&mut *tx, owner, before, BATCH).await?;
    if gone.is_empty() {
        // Another replica was faster; the version is not used.
        return Ok(0);
    }
    let ids: Vec<Uuid> = gone.iter().map(|id| id.0).collect();
    let count = remove(&mut tx, owner, &ids, taken, now).await?;
    tx.commit().await?;
    Ok(count)
}

/// Purges deleted contacts and everything that belongs to them, under the given version.
async fn remove(
    tx: &mut PgConnection,
    owner: UserId,
    ids: &[Uuid],
    taken: Taken,
    now: DateTime<Utc>,
) -> Result<i64> {
    let count = tombstones::purge(tx, owner, ids, taken.version, now).await?;
    revisions::forget(tx, owner, ids).await?;
    duplicates::forget(tx, owner, ids).await?;
    Ok(count)
}

impl Book<'_> {
    /// Purges these deleted contacts, all or none; returns how many.
    pub async fn purge(&self, ids: &[ContactId]) -> Result<i64> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let (mut tx, taken, rights) = self.begin().await?;
        let found = contacts::get_many(&mut *tx, self.owner, &wanted).await?;
        let mut found: HashMap<ContactId, Stored> = found
            .into_iter()
            .map(|contact| (contact.id, contact))
            .collect();
        for id in ids {
            match rights.open(found.remove(id))? {
                Some(contact) if contact.delete_time.is_some() => {}
                Some(_) => return Err(Error::StillLive(*id)),
                None => return Err(Error::NotFound(*id)),
            }
        }
        let count = remove(&mut tx, self.owner, &wanted, taken, self.now).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Purges every deleted contact in batches; returns how many.
    pub async fn purge_deleted(&self) -> Result<i64> {
        let mut count = 0;
        loop {
            let (tx, taken, rights) = self.begin().await?;
            rights.ensure_all()?;
            // Regardless of the recorded time of deletion.
            let ever = DateTime::<Utc>::MAX_UTC;
            let purged = purge(tx, self.owner, taken, ever, self.now).await?;
            count += purged;
            if purged < BATCH {
                return Ok(count);
            }
        }
    }
}
