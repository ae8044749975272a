//! The subjects: our services, and what they are compared with.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::cpu::Processes;
use super::drive::{self, Load, Seen};
use super::peer_calls;
use super::peers::{Peer, Peers};
use super::pgbench::{self, Pgbench};
use super::report::Run;
use super::scenario::{self, Scenario};
use super::world::World;
use crate::error::Result;

/// One measured function.
pub(super) enum Subject {
    /// A pair of our services.
    Pair(Pair),
    /// The database alone.
    Pgbench(Pgbench, Processes),
    /// Another stack.
    Peer(Arc<Peers>, Peer, Processes),
}

/// A pair of our services with its users.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) world: Arc<World>,
    pub(super) auth: Processes,
    pub(super) contacts: Processes,
}

impl Subject {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Pair(pair) => pair.name.clone(),
            Self::Pgbench(..) => "pgbench".to_owned(),
            Self::Peer(_, peer, _) => peer.stack.name(),
        }
    }

    /// Runs a scenario; returns `None` if the subject does not support it.
    pub(super) async fn run(&self, scenario: Scenario, load: Load) -> Result<Option<Run>> {
        let load = self.load(load);
        let seen = match self {
            Self::Pair(pair) => Some(pair.run(scenario, load).await?),
            Self::Pgbench(pgbench, processes) => {
                pgbench
                    .run(scenario, load.connections, load, processes)
                    .await?
            }
            Self::Peer(peers, peer, processes) if peer_calls::serves(scenario) => {
                let (peers, processes) = (Arc::clone(peers), processes.clone());
                let at = (peer.stack, peer.address);
                let drive = move || {
                    drive::run(load, &processes, async |load| {
                        peer_calls::callers(&peers, at, scenario, load).await
                    })
                };
                Some(blocking(drive).await?)
            }
            Self::Peer(..) => None,
        };
        Ok(seen.map(|seen| Run::of(&self.name(), scenario, load, seen)))
    }

    /// The load that this subject can run. A client of pgbench waits for each response,
    /// so it gets a client for each call in flight, up to a limit.
    fn load(&self, load: Load) -> Load {
        match self {
            Self::Pgbench(..) => Load {
                connections: pgbench::CLIENTS.min(load.connections * load.in_flight),
                in_flight: 1,
                rate: None,
                ..load
            },
            // With more connections than its threads and its pool can serve, calls would
            // only time out.
            Self::Peer(_, peer, _) if peer.stack.is_http() => Load {
                in_flight: load.in_flight.min(4),
                ..load
            },
            _ => load,
        }
    }
}

impl Pair {
    pub(super) async fn run(&self, scenario: Scenario, load: Load) -> Result<Seen> {
        let processes = if scenario.is_auth() {
            self.auth.clone()
        } else {
            self.contacts.clone()
        };
        let world = Arc::clone(&self.world);
        let drive = move || {
            drive::run(load, &processes, async |load| {
                scenario::workers(&world, scenario, load).await
            })
        };
        blocking(drive).await
    }
}

/// Runs a load on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
