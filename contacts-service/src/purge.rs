//! Forgets the answers to calls with a `request_id` after their day.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::pool::Pool;
use tokio::time::sleep;

use crate::book::ANSWERS_KEPT;
use crate::store::requests;

const PAUSE: Duration = Duration::from_mins(10);
const PAUSE_BETWEEN_BATCHES: Duration = Duration::from_millis(100);

/// Forgets for ever, now and then. Replicas can all do so.
pub async fn forever(db: Pool, clock: Clock) {
    loop {
        match requests::forget(&db, clock.now() - ANSWERS_KEPT).await {
            Ok(0) => sleep(PAUSE).await,
            Ok(_) => sleep(PAUSE_BETWEEN_BATCHES).await,
            Err(error) => {
                tracing::warn!(%error, "cannot forget old requests");
                sleep(PAUSE).await;
            }
        }
    }
}
