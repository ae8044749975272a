//! Whether the database is there.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::pool::Pool;

/// Tells whether the database can be reached, asked once a second.
#[must_use]
pub fn ping_every_second(pool: Pool) -> watch::Receiver<bool> {
    let (up, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !up.is_closed() {
            ticks.tick().await;
            let ping = sqlx::query("SELECT 1").execute(&pool);
            let alive = matches!(timeout(Duration::from_secs(2), ping).await, Ok(Ok(_)));
            if up.send_replace(alive) != alive {
                tracing::info!(alive, "database");
            }
        }
    });
    receiver
}
