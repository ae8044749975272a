//! Notifications between replicas about written owners. Some may be lost, with a pooler
//! possibly all; the poller does not need them.

use std::sync::Arc;
use std::time::Duration;

use chassis::database::Listening;
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use tokio::time::sleep;
use uuid::Uuid;

use super::hub::Hub;
use crate::store::hints::notify;

const CHANNEL: &str = "contacts_written";
/// Writes within this time are sent together, because PostgreSQL commits one notifying
/// transaction at a time.
const PAUSE: Duration = Duration::from_millis(50);
/// The owners in one notification, which has at most 8000 bytes.
const OWNERS_MAX: usize = 200;
/// The pause before reconnecting.
const RETRY: Duration = Duration::from_secs(5);

/// Notifies other replicas of writes here, and receives their notifications, in an
/// endless loop.
pub async fn forever(db: Pool, listening: Listening, hub: Arc<Hub>) {
    // Identifies this replica, because it receives its own notifications, too.
    let replica = Uuid::new_v4();
    tokio::join!(send(db, &hub, replica), receive(listening, &hub, replica));
}

async fn send(db: Pool, hub: &Hub, replica: Uuid) {
    loop {
        hub.any_written().await;
        sleep(PAUSE).await;
        let owners: Vec<UserId> = hub.take_written().into_iter().collect();
        for owners in owners.chunks(OWNERS_MAX) {
            if let Err(error) = notify(&db, CHANNEL, &message(replica, owners)).await {
                tracing::debug!(%error, "cannot notify other replicas of writes");
                break;
            }
        }
    }
}

async fn receive(listening: Listening, hub: &Hub, replica: Uuid) {
    loop {
        if let Err(error) = listen(&listening, hub, replica).await {
            tracing::warn!(%error, "cannot receive notifications of other replicas; polling every second");
        }
        sleep(RETRY).await;
    }
}

async fn listen(listening: &Listening, hub: &Hub, replica: Uuid) -> sqlx::Result<()> {
    let mut listener = listening.listen(CHANNEL).await?;
    loop {
        // The poller finds writes whose notification was lost.
        let notification = listener.recv().await?;
        for owner in owners(replica, notification.payload()) {
            hub.wake(owner);
        }
    }
}

/// A notification: the sender, and the written owners.
fn message(replica: Uuid, owners: &[UserId]) -> String {
    let ids = owners.iter().map(|owner| owner.0.simple().to_string());
    let mut words = vec![replica.simple().to_string()];
    words.extend(ids);
    words.join(" ")
}

/// The owners of another replica's notification.
fn owners(replica: Uuid, message: &str) -> impl Iterator<Item = UserId> {
    let mut words = message.split(' ').filter_map(|id| Uuid::try_parse(id).ok());
    let is_own = words.next().is_none_or(|from| from == replica);
    words.filter(move |_| !is_own).map(UserId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_notification_is_read_by_other_replicas_only() {
        let replica = Uuid::from_u128(7);
        let ids: Vec<_> = (0..OWNERS_MAX).map(|_| UserId(Uuid::new_v4())).collect();
        let message = message(replica, &ids);

        assert!(message.len() < 8000);
        assert!(owners(Uuid::from_u128(8), &message).eq(ids));
        assert_eq!(owners(replica, &message).count(), 0);
    }

    #[test]
    fn a_malformed_notification_wakes_nobody() {
        for message in ["", " ", "x y", "7"] {
            assert_eq!(owners(Uuid::nil(), message).count(), 0, "{message}");
        }
    }
}
