//! The hosts of the database, and the setup of each connection.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row, raw_sql};
use tokio::time::{Instant, timeout};

use super::failure::is_unavailable;

/// The time after which the same failure is logged again.
const TOLD_AGAIN: Duration = Duration::from_mins(1);
/// The maximum number of failures that are remembered.
const TROUBLES_MAX: usize = 16;

/// A database on one host or several, of which one accepts writes; clones share it.
#[derive(Clone)]
pub struct Target(Arc<Shared>);

struct Shared {
    hosts: Vec<PgConnectOptions>,
    /// The statements that set a new connection up.
    setup: String,
    /// The host of the latest connection.
    latest: AtomicUsize,
    /// The number of failed attempts to connect.
    failed: AtomicUsize,
    /// Why there was no connection, and when that was logged.
    told: Mutex<HashMap<String, Instant>>,
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
        let plain = |host: PgConnectOptions| {
            // Statements can contain secrets: `ALTER ROLE` contains a password.
            host.disable_statement_logging().extra_float_digits(None)
        };
        Self(Arc::new(Shared {
            hosts: hosts.into_iter().map(plain).collect(),
            setup: setup + "SHOW transaction_read_only",
            latest: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            told: Mutex::default(),
        }))
    }

    /// Connects to a host that accepts writes, the latest one first. Each host gets an
    /// equal share of the time `within`. The cause of a failure is logged once a minute.
    pub async fn connect(&self, within: Duration) -> sqlx::Result<PgConnection> {
        let connected = self.0.connect_to_any(within).await;
        if let Err(error) = &connected {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
            self.0.tell(error);
        }
        connected
    }

    /// The number of failed attempts to connect.
    pub(super) fn failed(&self) -> usize {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The host that currently accepts writes, as far as is known.
    pub(super) fn latest(&self) -> &PgConnectOptions {
        &self.0.hosts[self.0.latest.load(Ordering::Relaxed)]
    }
}

impl Shared {
    async fn connect_to_any(&self, within: Duration) -> sqlx::Result<PgConnection> {
        let first = self.latest.load(Ordering::Relaxed);
        let count = self.hosts.len();
        let mut away = Vec::new();
        for number in (first..first + count).map(|number| number % count) {
            let host = &self.hosts[number];
            let share = within / u32::try_from(count).unwrap_or(u32::MAX);
            let connected = timeout(share, self.connect_to(host)).await;
            match connected
                .unwrap_or_else(|_| Err(unavailable("the server does not respond in time")))
            {
                Ok(db) => {
                    self.latest.store(number, Ordering::Relaxed);
                    return Ok(db);
                }
                Err(error) if count > 1 && is_unavailable(&error) => {
                    away.push(format!("{}: {error}", place(host)));
                }
                Err(error) => return Err(error),
            }
        }
        Err(unavailable(&away.join("; ")))
    }

    async fn connect_to(&self, host: &PgConnectOptions) -> sqlx::Result<PgConnection> {
        let mut db = host.connect().await?;
        let setup = raw_sql(AssertSqlSafe(self.setup.as_str()));
        let row = setup.fetch_one(&mut db).await?;
        if row.try_get::<&str, _>(0)? == "off" {
            Ok(db)
        } else {
            Err(unavailable("the server is read-only, as a standby is"))
        }
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
