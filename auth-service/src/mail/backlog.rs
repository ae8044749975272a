//! How much mail waits in the outbox, for operators.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::metrics::Metrics;
use sqlx::PgExecutor;
use tokio::time::sleep;

use crate::error::Result;
use crate::store;
use crate::store::outbox::Waiting;

/// The time between two counts.
const PAUSE: Duration = Duration::from_secs(15);

/// The mail that waits, as last counted; clones share it.
#[derive(Clone, Default)]
pub struct Backlog(Arc<Mutex<Waiting>>);

impl Backlog {
    /// Registers its metrics.
    pub fn publish(&self, metrics: &Metrics, clock: &Clock) {
        let (counted, help) = (self.clone(), "Mails in the outbox");
        metrics.gauge("outbox_mails", help, move || f64::from(counted.get().mails));
        let (counted, clock) = (self.clone(), clock.clone());
        let help = "The age of the oldest mail in the outbox; 0 without mail";
        metrics.gauge("outbox_oldest_seconds", help, move || {
            let oldest = counted.get().oldest;
            oldest.map_or(0.0, |time| (clock.now() - time).as_seconds_f64())
        });
    }

    /// Counts periodically, in an endless loop. Without a database the last count stays.
    pub async fn follow(self, db: Pool) {
        loop {
            let _ = self.count(&db).await;
            sleep(PAUSE).await;
        }
    }

    /// Counts once.
    pub async fn count(&self, db: impl PgExecutor<'_>) -> Result<()> {
        let waiting = store::outbox::waiting(db).await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
        Ok(())
    }

    fn get(&self) -> Waiting {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
