//! Forgets sessions that ended long ago.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::pool::Pool;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;
use tokio::time::sleep;

use crate::error::Result;
use crate::store;

/// For how long an ended session is known, so that its tokens get an answer
/// that says why.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Sessions that one statement forgets: few enough to disturb nobody.
const BATCH: i64 = 500;
const PAUSE: Duration = Duration::from_hours(1);
const PAUSE_BETWEEN_BATCHES: Duration = Duration::from_millis(100);

/// Forgets for ever, now and then. Replicas can all do so.
pub async fn forever(db: Pool, clock: Clock) {
    loop {
        match batch(&db, clock.now()).await {
            Ok(0) => sleep(PAUSE).await,
            Ok(count) => {
                tracing::info!(count, "forgot sessions that ended long ago");
                sleep(PAUSE_BETWEEN_BATCHES).await;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot forget old sessions");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Forgets one batch; returns how many that were.
pub async fn batch(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64> {
    store::sessions::purge(db, now - KEPT, BATCH).await
}
