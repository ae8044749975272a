//! The database: connections, migrations, and what its errors mean.

pub mod pool;

mod failure;
mod history;
mod listening;
mod migrate;
mod pulse;
mod sessions;
mod target;
mod url;

use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

pub use self::failure::{Failure, is_unavailable};
pub use self::listening::{Listener, Listening};
pub use self::migrate::migrate;
pub use self::target::Target;
use crate::clock::Clock;
use crate::database::pool::{Load, Pool};
use crate::database::pulse::{Pulse, State};
use crate::metrics::{Metrics, count};
use crate::settings::config::DatabaseConfig;
use crate::settings::secret_file;

/// Every migration of both services. A migration newer than this program does not prevent
/// the others, so that an old replica can start after an update.
pub static MIGRATOR: Migrator = Migrator {
    ignore_missing: true,
    ..sqlx::migrate!("../migrations")
};

/// Why a service cannot use its database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The setting is not a PostgreSQL URL; it is not shown, because it can contain a
    /// password.
    #[error("DATABASE_URL is not a PostgreSQL URL")]
    UrlInvalid,
    /// The numbers of hosts and ports do not match.
    #[error("DATABASE_URL names {hosts} hosts, but {ports} ports; name one port, or one for each")]
    UrlPorts {
        /// Hosts.
        hosts: usize,
        /// Ports.
        ports: usize,
    },
    /// The setting selects servers that do not accept writes.
    #[error(
        "target_session_attrs in DATABASE_URL must be read-write, primary or any, \
         because the services write"
    )]
    UrlSession,
    /// A pooler uses different connections for transactions or statements.
    #[error(
        "DATABASE_URL leads to a pooler that does not pool by session, which breaks timeouts and \
         prepared statements; use session mode (PgBouncer: pool_mode = session), or connect \
         without the pooler"
    )]
    Pooled,
    /// The user is unknown or the password wrong.
    #[error(
        "the database refuses the user of DATABASE_URL; \
         check the password, and run the `migrate` sub-command"
    )]
    Denied(#[source] sqlx::Error),
    /// A password file cannot be read.
    #[error("cannot read the password file {path}: {cause}")]
    PasswordFile {
        /// The file.
        path: String,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// Migrations are missing.
    #[error("the database lacks migration {0}: run the `migrate` sub-command first")]
    Unmigrated(i64),
    /// A migration was changed after it ran.
    #[error("migration {0} in the database is not the one of this program")]
    MigrationChanged(i64),
    /// A migration failed.
    #[error("cannot migrate the database")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A database call failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// The connections of a service. No `Debug`, because they contain a password.
pub struct Database {
    background: Pool,
    calls: Pool,
    target: Target,
    state: watch::Sender<State>,
    /// The longest wait for the database at the start.
    patience: Duration,
    /// The longest wait for one connection.
    within: Duration,
}

impl Database {
    /// Background work needs two connections: one for the work, one for the database's
    /// health.
    const BACKGROUND: u32 = 2;
    /// The time for a response to arrive after the server has ended a statement that took
    /// too long.
    const ANSWER_LATE: Duration = Duration::from_secs(2);

    /// Reads the settings. Connections are opened when they are needed, each with
    /// these settings of the server.
    pub fn new(
        config: &DatabaseConfig,
        settings: &[(&'static str, &'static str)],
    ) -> Result<Self, DbError> {
        let milliseconds = |time: Duration| time.as_millis().to_string();
        let mut all = vec![
            ("statement_timeout", milliseconds(config.database_statement)),
            ("lock_timeout", milliseconds(config.database_statement / 2)),
            ("idle_in_transaction_session_timeout", "10000".to_owned()),
        ];
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let target = Target::new(hosts(config)?, &all);
        let calls = config.database_connections - Self::BACKGROUND;
        let (within, patience) = (
            config.database_acquire,
            config.database_statement + Self::ANSWER_LATE,
        );
        let pool = |size| Pool::with_patience(target.clone(), size, within, patience);
        Ok(Self {
            background: pool(Self::BACKGROUND),
            calls: pool(calls),
            target: target.clone(),
            state: watch::Sender::new(State::Away),
            patience: config.database_start,
            within: config.database_acquire,
        })
    }

    /// Refuses a database that this program cannot use: a pooler that does not keep
    /// sessions, or missing migrations. Newer migrations are accepted, so that an update
    /// can migrate first. `clock` learns the database's time.
    pub async fn ensure_usable(&self, clock: &Clock) -> Result<(), DbError> {
        ensure_sessions(&self.target, self.patience, self.within).await?;
        pulse::ask(&self.background, clock).await?;
        self.ensure_migrated().await
    }

    async fn ensure_migrated(&self) -> Result<(), DbError> {
        const APPLIED: &str = "SELECT version, checksum FROM public._sqlx_migrations WHERE success";
        let applied = patiently(self.patience, || {
            sqlx::query_as(APPLIED).fetch_all(&self.background)
        });
        let applied: Vec<(i64, Vec<u8>)> = match applied.await {
            // No table, or no right to read it: nothing was migrated here.
            Err(DbError::Database(sqlx::Error::Database(error)))
                if matches!(error.code().as_deref(), Some("42P01" | "42501")) =>
            {
                Vec::new()
            }
            applied => applied?,
        };
        for known in MIGRATOR.iter() {
            match applied
                .iter()
                .find(|(version, _)| *version == known.version)
            {
                None => return Err(DbError::Unmigrated(known.version)),
                Some((version, checksum)) if *checksum != *known.checksum => {
                    return Err(DbError::MigrationChanged(*version));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Queries the database once a second; `clock` learns its time. True while it
    /// responds, accepts writes, and its clock differs from the machine's by at most
    /// `leeway`.
    #[must_use]
    pub fn watch(&self, clock: &Clock, leeway: Duration) -> watch::Receiver<bool> {
        let pools = [self.background.clone(), self.calls.clone()];
        let pulse = Pulse {
            pools,
            target: self.target.clone(),
            clock: clock.clone(),
            leeway,
        };
        pulse.follow(self.state.clone())
    }

    /// Registers metrics of the connections and of the clocks' difference.
    pub fn publish(&self, metrics: &Metrics, clock: &Clock) {
        let pools = [self.calls.clone(), self.background.clone()];
        let sum = move |number: fn(Load) -> usize| {
            let numbers = pools.iter().map(|pool| number(pool.load()));
            count(numbers.sum())
        };
        let name = "database_connections";
        let counts = sum.clone();
        metrics.gauges(name, "Connections to the database", "state", move || {
            let in_use = counts(|load| load.in_use);
            let idle = counts(|load| load.idle);
            vec![("in_use".into(), in_use), ("idle".into(), idle)]
        });
        let help = "Calls that wait for a connection to the database";
        metrics.gauge("database_waiting", help, move || sum(|load| load.waiting));
        let state = self.state.subscribe();
        let help = "1 for the state in which the database is";
        metrics.gauges("database_state", help, "state", move || {
            let now = *state.borrow();
            let told = State::ALL.map(|state| {
                let is_now = u8::from(state == now);
                (state.name().into(), is_now.into())
            });
            told.into()
        });
        let help = "Attempts to connect to the database that failed";
        let target = self.target.clone();
        metrics.counter("database_connects_failed", help, move || {
            count(target.failed())
        });
        let help = "Calls that failed because of the database, by its SQLSTATE";
        metrics.counters("database_errors", help, "sqlstate", failure::counted);
        let help = "How far the machine's clock is ahead of the database's";
        let clock = clock.clone();
        metrics.gauge("clock_ahead_seconds", help, move || {
            clock.machine_ahead().as_seconds_f64()
        });
    }

    /// The pool for background work.
    #[must_use]
    pub fn background(&self) -> Pool {
        self.background.clone()
    }

    /// Connects one listener to notifications, on an additional connection.
    #[must_use]
    pub fn listening(&self) -> Listening {
        Listening::new(self.target.clone())
    }

    /// The pool for a thread that serves calls.
    #[must_use]
    pub fn calls(&self) -> Pool {
        self.calls.on_another_runtime()
    }
}

/// How to connect to each host of `DATABASE_URL`.
fn hosts(config: &DatabaseConfig) -> Result<Vec<PgConnectOptions>, DbError> {
    let hosts = url::parse(config.database_url.expose_secret())?;
    Ok(match &config.database_password_file {
        Some(path) => {
            let password = read_password(path)?;
            let with_it = |host: PgConnectOptions| host.password(password.expose_secret());
            hosts.into_iter().map(with_it).collect()
        }
        None => hosts,
    })
}

fn read_password(path: &Path) -> Result<SecretString, DbError> {
    secret_file::text(path).map_err(|cause| DbError::PasswordFile {
        path: path.display().to_string(),
        cause,
    })
}

/// Refuses a pooler that does not keep sessions.
async fn ensure_sessions(
    target: &Target,
    patience: Duration,
    within: Duration,
) -> Result<(), DbError> {
    if patiently(patience, || sessions::are_kept(target, within)).await? {
        Ok(())
    } else {
        Err(DbError::Pooled)
    }
}

/// Retries for a while if the database is not available yet.
async fn patiently<T, Attempt>(
    patience: Duration,
    attempt: impl Fn() -> Attempt,
) -> Result<T, DbError>
where
    Attempt: Future<Output = sqlx::Result<T>>,
{
    let until = Instant::now() + patience;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) if is_unavailable(&error) && Instant::now() < until => {
                tracing::info!(%error, "waiting for the database");
                sleep(Duration::from_millis(500)).await;
            }
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("28000" | "28P01")) =>
            {
                return Err(DbError::Denied(sqlx::Error::Database(error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
