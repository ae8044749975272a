//! Forgets sessions that ended long ago, and attempts that failed long ago.

use std::time::Duration;

use chassis::chores;
use chassis::clock::Clock;
use chassis::pool::Pool;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::store;
use crate::throttle::MEMORY;

/// For how long an ended session is known, so that its tokens get an answer
/// that says why.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Sessions that one statement forgets: few enough to disturb nobody.
const BATCH: i64 = 500;
const PAUSE: Duration = Duration::from_hours(1);

/// Forgets for ever, now and then.
pub async fn forever(db: Pool, clock: Clock) {
    let forget = || batch(&db, clock.now());
    chores::forever("forgot old sessions and attempts", PAUSE, forget).await;
}

/// Forgets one batch; returns how many that were.
pub async fn batch(db: impl PgExecutor<'_> + Copy, now: DateTime<Utc>) -> Result<u64> {
    let sessions = store::sessions::purge(db, now - KEPT, BATCH).await?;
    Ok(sessions + store::throttles::purge(db, now - MEMORY, BATCH).await?)
}
