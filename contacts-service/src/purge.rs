//! Forgets what was kept for a while: the answers to calls with a `request_id`,
//! deleted contacts, and what contacts were long ago.

use std::time::Duration;

use chassis::chores;
use chassis::clock::Clock;
use chassis::pool::Pool;
use chrono::{DateTime, Utc};

use crate::contact::stored::DAYS_UNTIL_GONE;
use crate::creation::ANSWERS_KEPT;
use crate::error::Result;
use crate::revision::REVISIONS_KEPT_FOR;
use crate::store::{contacts, owners, requests, revisions};

const PAUSE: Duration = Duration::from_mins(10);

/// Forgets for ever, now and then.
pub async fn forever(db: Pool, clock: Clock) {
    let forget = || batch(&db, clock.now());
    chores::forever(
        "forgot old answers, revisions and deleted contacts",
        PAUSE,
        forget,
    )
    .await;
}

/// Forgets a batch of each; returns how many of all.
pub async fn batch(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let mut count = requests::forget(db, now - ANSWERS_KEPT).await?;
    count += revisions::forget_old(db, now - REVISIONS_KEPT_FOR).await?;
    let before = now.checked_sub_days(DAYS_UNTIL_GONE).unwrap_or(now);
    for owner in contacts::owners_of_gone(db, before).await? {
        let mut tx = db.begin().await?;
        owners::take(&mut tx, owner).await?;
        let gone = contacts::purge(&mut tx, owner, before).await?;
        revisions::forget(&mut tx, owner, &gone).await?;
        count += u64::try_from(gone.len()).unwrap_or(u64::MAX);
        tx.commit().await?;
    }
    Ok(count)
}
