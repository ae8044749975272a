//! Purges deleted contacts, when they expire or on request, and other expired data:
//! responses to calls with a `request_id`, old revisions, offers of shares, and photos that
//! nothing uses.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::start::chores;
use chassis::start::lag::Lag;
use chrono::{DateTime, Days, Utc};

use crate::book::creation::RESPONSES_KEPT;
use crate::book::purge::{BATCH, remove_batch};
use crate::contact::stored::DAYS_UNTIL_EXPIRED;
use crate::error::Result;
use crate::model::merge::UNDONE_WITHIN;
use crate::model::revision::REVISIONS_KEPT_FOR;
use crate::store::{merges, owners, photos, requests, revisions, shares, tombstones};

const PAUSE: Duration = Duration::from_mins(10);
/// Photos of one owner that one transaction looks at, each in up to 50 revisions.
const PHOTOS_AT_A_TIME: i64 = 100;
/// How long syncs report purged contacts.
const DAYS_REMEMBERED: Days = Days::new(90);

/// Purges periodically, in an endless loop, while the clocks of this machine and of the
/// database differ by at most `leeway`.
pub async fn forever(db: Pool, clock: Clock, leeway: Duration, lag: Lag) {
    let forget = async || {
        if clock.is_agreed(leeway) {
            let count = batch(&db, clock.now()).await;
            count.inspect(|count| lag.after(*count))
        } else {
            Ok(0)
        }
    };
    chores::forever(
        "deleted expired responses, offers, revisions, merges, contacts and photos",
        PAUSE,
        forget,
    )
    .await;
}

/// Purges a batch of each; returns the total number.
pub async fn batch(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let ago = |days| now.checked_sub_days(days).unwrap_or(now);
    let mut count = requests::delete_old(db, now - RESPONSES_KEPT).await?;
    count += merges::delete_old(db, now - UNDONE_WITHIN).await?;
    count += shares::delete_all_expired(db, now).await?;
    let old = revisions::delete_old(db, now - REVISIONS_KEPT_FOR).await?;
    count += old.unsigned_abs();
    let before = ago(DAYS_UNTIL_EXPIRED);
    for owner in tombstones::owners_with_expired(db, before).await? {
        let mut tx = db.begin().await?;
        let version = owners::begin_write(&mut tx, owner).await?.version;
        let removed = remove_batch(&mut tx, owner, before, version, now).await?;
        if removed > 0 {
            tx.commit().await?;
        }
        count += removed.unsigned_abs();
    }
    for owner in photos::owners_to_check(db, now).await? {
        let mut tx = db.begin().await?;
        owners::lock(&mut tx, owner).await?;
        let deleted = photos::delete_old(&mut tx, owner, now, PHOTOS_AT_A_TIME).await?;
        tx.commit().await?;
        count += deleted.unsigned_abs();
    }
    let before = ago(DAYS_REMEMBERED);
    for owner in tombstones::owners_with_old(db, before).await? {
        let mut tx = db.begin().await?;
        owners::lock(&mut tx, owner).await?;
        let deleted = tombstones::delete_old(&mut tx, owner, before, BATCH).await?;
        tx.commit().await?;
        count += deleted.unsigned_abs();
    }
    Ok(count)
}
