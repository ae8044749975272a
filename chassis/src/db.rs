//! The database: connections, migrations, and what its errors mean.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::config::{DatabaseConfig, RolePasswords};
use crate::metrics::{Metrics, count};
use crate::pool::{Load, Pool};
use crate::secret_file;

/// Every migration of both services. One that is newer than this program does
/// not stop the others, so that an old replica's start survives an update.
pub static MIGRATOR: Migrator = Migrator {
    ignore_missing: true,
    ..sqlx::migrate!("../migrations")
};

/// Held while passwords are set: of two changes of a role at the same time one
/// fails, and the server's log gets to see its statement.
const PASSWORD_LOCK: i64 = 0x7061_7373_776f_7264;

/// Why a service cannot use its database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The setting is no PostgreSQL URL; it is not shown, since it can hold a
    /// password.
    #[error("DATABASE_URL is not a PostgreSQL URL")]
    UrlInvalid,
    /// No such user, or not with this password.
    #[error(
        "the database refuses the user of DATABASE_URL; \
         is the password right, and did the `migrate` sub-command run?"
    )]
    Denied(#[source] sqlx::Error),
    /// A password file cannot be read.
    #[error("cannot read the password file {path}: {cause}")]
    PasswordFile {
        /// The file.
        path: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Migrations are missing.
    #[error("the database lacks migration {0}: run the `migrate` sub-command first")]
    Unmigrated(i64),
    /// A migration was changed after it ran.
    #[error("migration {0} in the database is not the one that this program knows")]
    MigrationChanged(i64),
    /// A migration failed.
    #[error("cannot migrate the database")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database did not do what was asked.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// The connections of a service. Not to be printed: they know a password.
pub struct Database {
    background: Pool,
    calls: Pool,
    options: PgConnectOptions,
    /// The longest wait for the database at the start.
    patience: Duration,
}

impl Database {
    /// What a service does beside its calls takes two connections: one for the
    /// work, one to tell whether the database is there.
    const BACKGROUND: u32 = 2;

    /// Reads the settings. Connections are opened when they are needed, each with
    /// these settings of the server.
    pub fn new(
        config: &DatabaseConfig,
        settings: &[(&'static str, &'static str)],
    ) -> Result<Self, DbError> {
        let milliseconds = |time: Duration| time.as_millis().to_string();
        let options = connect_options(config)?
            .options([
                ("statement_timeout", milliseconds(config.database_statement)),
                ("lock_timeout", milliseconds(config.database_statement / 2)),
                ("idle_in_transaction_session_timeout", "10000".to_owned()),
            ])
            .options(settings.iter().copied());
        let calls = config.database_connections - Self::BACKGROUND;
        let pool = |size| Pool::new(options.clone(), size, config.database_acquire);
        Ok(Self {
            background: pool(Self::BACKGROUND),
            calls: pool(calls),
            options: options.clone(),
            patience: config.database_start,
        })
    }

    /// Refuses a database on which not every migration ran; newer ones than this
    /// program knows are fine, so that an update can migrate first.
    pub async fn ensure_migrated(&self) -> Result<(), DbError> {
        const APPLIED: &str = "SELECT version, checksum FROM public._sqlx_migrations WHERE success";
        let applied = patiently(self.patience, || {
            sqlx::query_as(APPLIED).fetch_all(&self.background)
        });
        let applied: Vec<(i64, Vec<u8>)> = match applied.await {
            // No table, or no right to see it: nothing was migrated here.
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

    /// Tells how busy the connections are.
    pub fn publish(&self, metrics: &Metrics) {
        let pools = [self.calls.clone(), self.background.clone()];
        let sum = move |number: fn(Load) -> usize| {
            let numbers = pools.iter().map(|pool| number(pool.load()));
            count(numbers.sum())
        };
        let name = "database_connections";
        let counts = sum.clone();
        metrics.gauges(name, "Connections to the database", "state", move || {
            let in_use = counts(|load| load.in_use);
            vec![("in_use", in_use), ("idle", counts(|load| load.idle))]
        });
        let help = "Who waits for a connection to the database";
        metrics.gauge("database_waiting", help, move || sum(|load| load.waiting));
    }

    /// For what a service does beside its calls.
    #[must_use]
    pub fn background(&self) -> Pool {
        self.background.clone()
    }

    /// For one listener to notifications, on a connection beside all others.
    #[must_use]
    pub fn listening(&self) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(1);
        pool.connect_lazy_with(self.options.clone())
    }

    /// For a thread that serves calls.
    #[must_use]
    pub fn calls(&self) -> Pool {
        self.calls.on_another_runtime()
    }
}

fn connect_options(config: &DatabaseConfig) -> Result<PgConnectOptions, DbError> {
    let url = config.database_url.expose_secret();
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(DbError::UrlInvalid);
    }
    let options = PgConnectOptions::from_str(url).map_err(|_| DbError::UrlInvalid)?;
    // Statements can hold what no log may: `ALTER ROLE` holds a password.
    let options = options.disable_statement_logging();
    Ok(match &config.database_password_file {
        Some(path) => options.password(read_password(path)?.expose_secret()),
        None => options,
    })
}

fn read_password(path: &Path) -> Result<SecretString, DbError> {
    secret_file::text(path).map_err(|cause| DbError::PasswordFile {
        path: path.display().to_string(),
        cause,
    })
}

/// Brings the database up to date, and sets the roles' passwords where files
/// are given. Needs an owner's rights; several at once wait for each other.
pub async fn migrate(config: &DatabaseConfig, passwords: &RolePasswords) -> Result<(), DbError> {
    let options = connect_options(config)?;
    let mut db = patiently(config.database_start, || options.connect()).await?;
    MIGRATOR.run(&mut db).await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(PASSWORD_LOCK)
        .execute(&mut db)
        .await?;
    for (role, file) in [
        ("auth_service", &passwords.auth_role_password_file),
        ("contacts_service", &passwords.contacts_role_password_file),
    ] {
        if let Some(path) = file {
            set_password(&mut db, role, &read_password(path)?).await?;
        }
    }
    // Gives the lock back, as does any other end.
    db.close().await?;
    Ok(())
}

async fn set_password(
    db: &mut PgConnection,
    role: &str,
    password: &SecretString,
) -> Result<(), DbError> {
    // ALTER ROLE takes no parameters; format() quotes.
    let statement: String =
        sqlx::query_scalar("SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)")
            .bind(role)
            .bind(password.expose_secret())
            .fetch_one(&mut *db)
            .await?;
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(db)
        .await?;
    Ok(())
}

/// Tries for a while, where the database is not there yet.
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
                tracing::warn!(%error, "waiting for the database");
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

/// Whether an error means that the database is away or too busy, and that the
/// same call can succeed later. Told by kind and SQLSTATE, never by text.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|state| {
            // Connection trouble, and being told to come back: serialization,
            // deadlock, lock timeout, too many connections, read-only standby,
            // cancelled statement, shutdown and start-up.
            state.starts_with("08")
                || matches!(
                    &*state,
                    "40001"
                        | "40P01"
                        | "55P03"
                        | "53300"
                        | "25006"
                        | "57014"
                        | "57P01"
                        | "57P02"
                        | "57P03"
                        | "57P05"
                )
        }),
        _ => false,
    }
}
