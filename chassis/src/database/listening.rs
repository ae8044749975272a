//! Notifications, on a connection of their own.

use std::fmt;
use std::io;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use sqlx::raw_sql;
use tokio::time::timeout;

use super::target::Target;

/// After this time without notifications the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest wait for its response.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Connects listeners.
pub struct Listening(Target);

impl Listening {
    pub(super) fn new(target: Target) -> Self {
        Self(target)
    }

    /// Connects to the server that calls use.
    pub async fn listen(&self, channel: &str) -> sqlx::Result<Listener> {
        let host = self.0.latest();
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect_lazy_with(self.0.options(host).clone());
        let mut notifications = PgListener::connect_with(&pool).await?;
        notifications.listen(channel).await?;
        let target = self.0.clone();
        Ok(Listener {
            notifications,
            target,
            host,
        })
    }
}

/// Receives notifications. After an error it has to be replaced.
pub struct Listener {
    notifications: PgListener,
    target: Target,
    /// The number of its host.
    host: usize,
}

impl Listener {
    /// Waits for the next notification. Some may have been lost before it.
    pub async fn recv(&mut self) -> sqlx::Result<PgNotification> {
        loop {
            match timeout(SILENCE, self.notifications.try_recv()).await {
                // `None` means a restored connection.
                Ok(received) => {
                    if let Some(notification) = received? {
                        return Ok(notification);
                    }
                }
                Err(_) => self.ensure_alive().await?,
            }
        }
    }

    /// A host that has vanished, or was replaced, is as silent as one without writes.
    async fn ensure_alive(&mut self) -> sqlx::Result<()> {
        if self.host != self.target.latest() {
            let moved = io::Error::other("another host of the database is used now");
            return Err(moved.into());
        }
        let answer = raw_sql("").execute(&mut self.notifications);
        let answer = timeout(ANSWER_MAX, answer).await;
        answer.map_err(io::Error::from)?.map(drop)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
