//! What goes for good: deleted contacts after a while or when their owner says so,
//! and what was kept for a while: the answers to calls with a `request_id`, and what
//! contacts were long ago.

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
/// For how long those who sync are told of what went.
const DAYS_REMEMBERED: Days = Days::new(90);
/// The most contacts of one owner that go at a time: a write of that owner waits.
const BATCH: i64 = 1000;

/// Forgets for ever, now and then, while the clocks of this machine and of the database
/// differ by no more than `leeway`.
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

/// Forgets a batch of each; returns how many of all.
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

/// Removes a batch of what the owner deleted before `before`, under the version taken.
async fn purge(
    mut tx: Transaction,
    owner: UserId,
    taken: Taken,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i64> {
    let gone = tombstones::gone(&mut *tx, owner, before, BATCH).await?;
    if gone.is_empty() {
        // Another replica was faster; the version is not used up.
        return Ok(0);
    }
    let ids: Vec<Uuid> = gone.iter().map(|id| id.0).collect();
    let count = remove(&mut tx, owner, &ids, taken, now).await?;
    tx.commit().await?;
    Ok(count)
}

/// Removes deleted contacts and all that hangs on them, under the version taken.
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
    /// Removes these deleted contacts for good, all or none; returns how many they
    /// are.
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

    /// Removes every deleted contact for good, batch by batch; returns how many they
    /// were.
    pub async fn purge_deleted(&self) -> Result<i64> {
        let mut count = 0;
        loop {
            let (tx, taken, rights) = self.begin().await?;
            rights.ensure_all()?;
            // Whatever the clock says that a contact was deleted by.
            let ever = DateTime::<Utc>::MAX_UTC;
            let purged = purge(tx, self.owner, taken, ever, self.now).await?;
            count += purged;
            if purged < BATCH {
                return Ok(count);
            }
        }
    }
}
