//! For how long periodic work has had something left to do.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::metrics::Metrics;

/// The metric of the work that deletes expired data.
pub const PURGE_LAG: &str = "purge_lag_seconds";

/// When periodic work last had nothing left to do; clones share it.
#[derive(Clone, Debug)]
pub struct Lag(Arc<Mutex<Instant>>);

impl Lag {
    /// Counts from now on, as a metric of this name.
    #[must_use]
    pub fn new(metrics: &Metrics, name: &'static str) -> Self {
        let since = Arc::new(Mutex::new(Instant::now()));
        let lag = Self(Arc::clone(&since));
        let help = "The time since nothing was left to delete";
        metrics.gauge(name, help, move || {
            let since = since.lock().unwrap_or_else(PoisonError::into_inner);
            since.elapsed().as_secs_f64()
        });
        lag
    }

    /// Learns how much a batch did.
    pub fn after(&self, count: u64) {
        if count == 0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_grows_until_a_batch_has_nothing_to_do() {
        let metrics = Metrics::default();
        let lag = Lag::new(&metrics, PURGE_LAG);
        let told = || {
            let text = metrics.text();
            let mut lines = text.lines();
            let line = lines.find_map(|line| line.strip_prefix("addressbook_purge_lag_seconds "));
            line.unwrap().to_owned()
        };

        advance(Duration::from_mins(1)).await;
        assert_eq!(told(), "60.0");
        lag.after(7);
        assert_eq!(told(), "60.0");
        lag.after(0);
        assert_eq!(told(), "0.0");
    }
}
