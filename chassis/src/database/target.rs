//! The hosts of the database, and the setup of each connection.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::{Instant, timeout_at};

use super::failure::is_unavailable;
use super::history::{self, History, Writable};
use crate::trace;

/// The time after which the same failure is logged again.
const TOLD_AGAIN: Duration = Duration::from_mins(1);
/// The maximum number of failures that are remembered.
const TROUBLES_MAX: usize = 16;

/// The longest wait for the host of the latest connection before all are asked.
const LATEST_MAX: Duration = Duration::from_secs(1);
/// The wait for further hosts when one accepts writes: another one may have replaced it.
const OTHERS_MAX: Duration = Duration::from_millis(500);

/// A database on one host or several, of which one accepts writes; clones share it.
#[derive(Clone)]
pub struct Target(Arc<Shared>);

struct Shared {
    hosts: Vec<PgConnectOptions>,
    /// The statements that set a new connection up.
    setup: String,
    known: Mutex<Known>,
    /// The number of failed attempts to connect.
    failed: AtomicUsize,
    /// Why there was no connection, and when that was logged.
    told: Mutex<HashMap<String, Instant>>,
}

/// What is known of the primary.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The host of the latest connection.
    latest: Option<usize>,
    /// The newest history that was seen.
    history: Option<History>,
}

impl Target {
    /// A database on these hosts, with these server settings for each connection.
    ///
    /// They are set with statements, not with parameters of the start-up message, because
    /// PgBouncer refuses or drops parameters that it does not know.
    #[must_use]
    pub fn new(hosts: Vec<PgConnectOptions>, settings: &[(&str, String)]) -> Self {
        let set = |(name, value): &(&str, String)| {
            let value = value.replace('\'', "''");
            format!("SET {name} = '{value}'; ")
        };
        let setup: String = settings.iter().map(set).collect();
        let ask = if hosts.len() > 1 {
            history::ASK
        } else {
            history::ASK_ONLY
        };
        let plain = |host: PgConnectOptions| {
            let host = host.extra_float_digits(None);
            if trace::tracer().is_some() {
                // Spans are made of the events; the log does not show them.
                return host;
            }
            // Statements can contain secrets: `ALTER ROLE` contains a password.
            host.disable_statement_logging()
        };
        Self(Arc::new(Shared {
            hosts: hosts.into_iter().map(plain).collect(),
            setup: setup + ask,
            known: Mutex::default(),
            failed: AtomicUsize::new(0),
            told: Mutex::default(),
        }))
    }

    /// Connects to a host that accepts writes: to that of the latest connection, and if
    /// that is not possible, to the primary among all hosts. The cause of a failure is
    /// logged once a minute.
    pub async fn connect(&self, within: Duration) -> sqlx::Result<PgConnection> {
        let connected = self.0.connect(Instant::now() + within).await;
        if let Err(error) = &connected {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
            self.0.tell(error);
        }
        connected
    }

    /// Asks all hosts, if there are several, and returns whether another one has become
    /// the primary.
    pub(super) async fn has_moved(&self, within: Duration) -> bool {
        let before = self.0.latest();
        self.0.hosts.len() > 1
            && before.is_some()
            && self.0.ask_all(Instant::now() + within).await.is_ok()
            && self.0.latest() != before
    }

    /// The number of failed attempts to connect.
    pub(super) fn failed(&self) -> usize {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The number of the host that accepts writes, as far as is known.
    pub(super) fn latest(&self) -> usize {
        self.0.latest().unwrap_or(0)
    }

    /// How to connect to a host.
    pub(super) fn options(&self, host: usize) -> &PgConnectOptions {
        &self.0.hosts[host]
    }
}

impl Shared {
    async fn connect(&self, until: Instant) -> sqlx::Result<PgConnection> {
        if self.hosts.len() == 1 {
            return self.connect_to(0, until).await.map(|server| server.db);
        }
        if let Some(host) = self.latest() {
            let soon = until.min(Instant::now() + LATEST_MAX);
            let connected = self.connect_to(host, soon).await;
            if let Ok(db) = connected.and_then(|server| self.learn(server)) {
                return Ok(db);
            }
        }
        self.ask_all(until).await
    }

    /// Connects to all hosts at the same time, and keeps the connection to the primary.
    async fn ask_all(&self, mut until: Instant) -> sqlx::Result<PgConnection> {
        let ask = |host| async move { (host, self.connect_to(host, until).await) };
        let mut asked: FuturesUnordered<_> = (0..self.hosts.len()).map(ask).collect();
        let mut found: Option<Writable> = None;
        let mut failed = BTreeMap::new();
        while let Ok(Some((host, connected))) = timeout_at(until, asked.next()).await {
            match connected {
                Ok(server) => {
                    until = until.min(Instant::now() + OTHERS_MAX);
                    if found.as_ref().is_none_or(|other| server.is_before(other)) {
                        found = Some(server);
                    }
                }
                Err(error) => {
                    failed.insert(host, error);
                }
            }
        }
        match found {
            Some(server) => self.learn(server),
            None => Err(self.cause(failed)),
        }
    }

    /// Why no host can be used: what only a change of the settings mends, or all causes.
    fn cause(&self, failed: BTreeMap<usize, sqlx::Error>) -> sqlx::Error {
        let mut causes = Vec::new();
        for (host, error) in failed {
            if !is_unavailable(&error) {
                return error;
            }
            causes.push(format!("{}: {error}", place(&self.hosts[host])));
        }
        unavailable(&causes.join("; "))
    }

    async fn connect_to(&self, host: usize, until: Instant) -> sqlx::Result<Writable> {
        let connect = async {
            let db = self.hosts[host].connect().await?;
            let server = history::set_up(db, host, &self.setup).await?;
            server.ok_or_else(|| unavailable("the server is read-only, as a standby is"))
        };
        let late = |_| unavailable("the server does not respond in time");
        timeout_at(until, connect).await.map_err(late)?
    }

    /// Refuses a primary that was replaced; connections to any other are the latest ones.
    fn learn(&self, server: Writable) -> sqlx::Result<PgConnection> {
        let mut known = self.known();
        if let (Some(history), Some(newest)) = (server.history, known.history)
            && history.is_replaced_by(newest)
        {
            let place = place(&self.hosts[server.host]);
            return Err(unavailable(&format!(
                "{place}: another server was promoted in the place of this one"
            )));
        }
        known.latest = Some(server.host);
        known.history = server.history.or(known.history);
        Ok(server.db)
    }

    fn latest(&self) -> Option<usize> {
        self.known().latest
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, error: &sqlx::Error) {
        let text = error.to_string();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| at.elapsed() < TOLD_AGAIN);
        if !told.contains_key(&text) && told.len() < TROUBLES_MAX {
            tracing::warn!(error = text, "cannot connect to the database");
            told.insert(text, Instant::now());
        }
    }
}

/// One host without settings, as for a test.
impl From<PgConnectOptions> for Target {
    fn from(host: PgConnectOptions) -> Self {
        Self::new(vec![host], &[])
    }
}

fn unavailable(problem: &str) -> sqlx::Error {
    sqlx::Error::Io(io::Error::other(problem.to_owned()))
}

/// The part of a host that may be logged.
fn place(host: &PgConnectOptions) -> String {
    match host.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", host.get_host(), host.get_port()),
    }
}
