//! Chores: periodic background work in small batches. All replicas can run them.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::sleep;

/// The pause between two batches while there is work.
const BREATH: Duration = Duration::from_millis(100);

/// Runs batches in an endless loop: one after the other while there is work, then again
/// after `pause`. A batch returns how much it did.
pub async fn forever<F, E>(what: &str, pause: Duration, mut batch: impl FnMut() -> F)
where
    F: Future<Output = Result<u64, E>>,
    E: Display,
{
    loop {
        match batch().await {
            Ok(0) => sleep(pause).await,
            Ok(count) => {
                tracing::info!(count, "{what}");
                sleep(BREATH).await;
            }
            Err(error) => {
                tracing::warn!(%error, "{what} failed");
                sleep(pause).await;
            }
        }
    }
}
