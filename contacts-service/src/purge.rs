//! Forgets what was kept for a while: the answers to calls with a `request_id`,
//! and deleted contacts.

use std::time::Duration;

use chassis::chores;
use chassis::clock::Clock;
use chassis::pool::Pool;
use chrono::{DateTime, Utc};

use crate::contact::stored::DAYS_UNTIL_GONE;
use crate::creation::ANSWERS_KEPT;
use crate::error::Result;
use crate::store::{contacts, owners, requests};

const PAUSE: Duration = Duration::from_mins(10);

/// Forgets for ever, now and then.
pub async fn forever(db: Pool, clock: Clock) {
    let forget = || batch(&db, clock.now());
    chores::forever("forgot old answers and deleted contacts", PAUSE, forget).await;
}

/// Forgets a batch of each; returns how many of both.
pub async fn batch(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let mut count = requests::forget(db, now - ANSWERS_KEPT).await?;
    let before = now.checked_sub_days(DAYS_UNTIL_GONE).unwrap_or(now);
    for owner in contacts::owners_of_gone(db, before).await? {
        let mut tx = db.begin().await?;
        owners::take(&mut tx, owner).await?;
        count += contacts::purge(&mut tx, owner, before)
            .await?
            .unsigned_abs();
        tx.commit().await?;
    }
    Ok(count)
}
