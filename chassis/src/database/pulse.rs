//! Whether the database responds, accepts writes, and agrees on the time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::clock::Clock;
use crate::database::Target;
use crate::database::pool::Pool;

/// The time between two checks.
const PAUSE: Duration = Duration::from_secs(1);
/// The time between two checks of all hosts.
const HOSTS_PAUSE: Duration = Duration::from_secs(4);
/// The longest wait for a response.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The state of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It works.
    Good,
    /// It does not respond.
    Away,
    /// It does not accept writes.
    ReadOnly,
    /// Its clock and that of this machine differ by more than the leeway.
    ClocksDiffer,
}

impl State {
    pub(super) const ALL: [Self; 4] = [Self::Good, Self::Away, Self::ReadOnly, Self::ClocksDiffer];

    /// The name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Away => "away",
            Self::ReadOnly => "read_only",
            Self::ClocksDiffer => "clocks_differ",
        }
    }
}

/// What is checked once a second.
pub(super) struct Pulse {
    /// The first one's connections are used.
    pub(super) pools: [Pool; 2],
    pub(super) target: Target,
    /// Learns the time of each response.
    pub(super) clock: Clock,
    /// The largest difference of the clocks.
    pub(super) leeway: Duration,
}

impl Pulse {
    /// Checks in an endless loop. True while the database works and the machine's clock
    /// differs by at most the leeway; `told` learns the state.
    pub(super) fn follow(self, told: watch::Sender<State>) -> watch::Receiver<bool> {
        let (good, receiver) = watch::channel(false);
        tokio::spawn(async move {
            let mut ticks = interval(PAUSE);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut before, mut hosts_asked) = (None, Instant::now());
            while !good.is_closed() {
                ticks.tick().await;
                if hosts_asked.elapsed() > HOSTS_PAUSE {
                    self.follow_primary().await;
                    hosts_asked = Instant::now();
                }
                let state = self.state().await;
                if before.replace(state) != Some(state) {
                    tell(state, &self.clock);
                }
                told.send_replace(state);
                good.send_replace(state == State::Good);
            }
        });
        receiver
    }

    /// Leaves a primary that was replaced and does not know it, because connections to it
    /// work as before.
    async fn follow_primary(&self) {
        if self.target.has_moved(ANSWER_MAX).await {
            tracing::warn!("another host of the database has become the primary");
            self.pools.iter().for_each(Pool::renew);
        }
    }

    async fn state(&self) -> State {
        match timeout(ANSWER_MAX, ask(&self.pools[0], &self.clock)).await {
            Ok(Ok(true)) if self.clock.is_agreed(self.leeway) => State::Good,
            Ok(Ok(true)) => State::ClocksDiffer,
            Ok(Ok(false)) => {
                // All connections lead to this server, so all are replaced.
                self.pools.iter().for_each(Pool::renew);
                State::ReadOnly
            }
            Ok(Err(_)) | Err(_) => State::Away,
        }
    }
}

/// Reads the time; returns whether the server accepts writes.
pub(super) async fn ask(pool: &Pool, clock: &Clock) -> sqlx::Result<bool> {
    const ASK: &str = "SELECT clock_timestamp(), current_setting('transaction_read_only') = 'off'";
    let asked = Instant::now();
    let (told, takes_writes): (DateTime<Utc>, bool) = sqlx::query_as(ASK).fetch_one(pool).await?;
    clock.learn(told, asked);
    Ok(takes_writes)
}

fn tell(state: State, clock: &Clock) {
    match state {
        State::Good => tracing::info!(alive = true, "database"),
        State::Away => tracing::warn!(alive = false, "database"),
        State::ReadOnly => tracing::error!("the database is read-only"),
        State::ClocksDiffer => {
            let ahead = clock.machine_ahead().num_milliseconds();
            tracing::error!(
                ahead_milliseconds = ahead,
                "the clock of this machine differs from that of the database"
            );
        }
    }
}
