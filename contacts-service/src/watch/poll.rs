//! Polls for changes, for all streams of a replica.

use std::sync::Arc;
use std::time::Duration;

use chassis::database::pool::Pool;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::hub::Hub;
use crate::error::Result;
use crate::store::feed;

/// A change is sent within this time, with or without notifications.
const PAUSE: Duration = Duration::from_secs(1);

/// Polls every second while there are streams, with one statement.
pub async fn forever(db: Pool, hub: Arc<Hub>) {
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut works = true;
    loop {
        ticks.tick().await;
        let polled = poll(&db, &hub).await;
        if let Err(error) = &polled
            && works
        {
            tracing::warn!(%error, "cannot read changes");
        }
        works = polled.is_ok();
    }
}

async fn poll(db: &Pool, hub: &Hub) -> Result<()> {
    let owners = hub.watched();
    if owners.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = owners.iter().map(|owner| owner.0).collect();
    let versions = feed::versions(db, &ids).await?;
    let version = |owner| versions.get(&owner).copied().unwrap_or(0);
    hub.publish(owners.into_iter().map(|owner| (owner, version(owner))));
    Ok(())
}
