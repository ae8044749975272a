//! A database of its own for each test.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::binaries::{Binaries, Search};
use crate::cluster::{self, Cluster, SUPERUSER};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::process::at_exit;

/// A copy of a template. All databases of a process are on one private server, which
/// stops and is removed with the process.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    socket_dir: PathBuf,
    name: String,
}

impl TestDatabase {
    /// Copies the template `template` (lower-case letters, digits, `_`). The first caller
    /// in the process creates it: `prepare` gets an empty database as superuser, and must
    /// close its connections. Roles belong to the server, so templates share them.
    pub async fn create<F, E>(template: &str, prepare: F) -> Result<Self>
    where
        F: AsyncFnOnce(PgConnectOptions) -> Result<(), E>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let server = server().await?;
        template_cell(template)
            .get_or_try_init(|| server.prepare(template, prepare))
            .await?;

        let name = format!("{template}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let sql = format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log"#);
        server.execute(&[sql]).await?;
        Ok(Self {
            socket_dir: server.socket_dir.clone(),
            name,
        })
    }

    /// How to connect as `user`; no password is needed.
    #[must_use]
    pub fn connect_options(&self, user: &str) -> PgConnectOptions {
        cluster::connect_options(&self.socket_dir, &self.name, user)
    }

    /// Like `connect_options`, as a URL for another program.
    #[must_use]
    pub fn url(&self, user: &str) -> String {
        cluster::url(&self.socket_dir, &self.name, user)
    }

    /// How to connect as superuser.
    #[must_use]
    pub fn admin(&self) -> PgConnectOptions {
        self.connect_options(SUPERUSER)
    }
}

/// How to connect to the server of this process; another thread owns it until the process
/// ends.
#[derive(Debug)]
struct Server {
    socket_dir: PathBuf,
}

static CLUSTER: Mutex<Option<Cluster>> = Mutex::new(None);

async fn server() -> Result<&'static Server> {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async {
            spawn_blocking(start)
                .await
                .map_err(|error| Error::Prepare(error.into()))?
        })
        .await
}

fn start() -> Result<Server> {
    let binaries = Binaries::find(&Search::from_environment())?;
    let cluster = Cluster::start(binaries, Folder::ephemeral()?)?;
    let socket_dir = cluster.socket_dir().to_owned();
    let earlier = CLUSTER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(cluster);
    if earlier.is_none() {
        at_exit(finish);
    }
    Ok(Server { socket_dir })
}

extern "C" fn finish() {
    if let Ok(mut cluster) = CLUSTER.try_lock() {
        drop(cluster.take());
    }
}

/// One cell for each template; later callers wait for the first.
fn template_cell(template: &str) -> Arc<OnceCell<()>> {
    static CELLS: Mutex<Option<HashMap<String, Arc<OnceCell<()>>>>> = Mutex::new(None);
    let mut cells = CELLS.lock().unwrap_or_else(PoisonError::into_inner);
    let cell = cells
        .get_or_insert_default()
        .entry(template.to_owned())
        .or_default();
    Arc::clone(cell)
}

impl Server {
    async fn prepare<F, E>(&self, template: &str, prepare: F) -> Result<()>
    where
        F: AsyncFnOnce(PgConnectOptions) -> Result<(), E>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // A test that failed while creating it leaves an incomplete template.
        self.execute(&[
            format!(r#"DROP DATABASE IF EXISTS "{template}" WITH (FORCE)"#),
            format!(r#"CREATE DATABASE "{template}""#),
        ])
        .await?;
        prepare(cluster::connect_options(
            &self.socket_dir,
            template,
            SUPERUSER,
        ))
        .await
        .map_err(|error| Error::Prepare(error.into()))?;
        // A template is copied only while nobody is connected to it.
        self.execute(&[
            format!(r#"ALTER DATABASE "{template}" ALLOW_CONNECTIONS false"#),
            format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                 WHERE datname = '{template}'"
            ),
        ])
        .await
    }

    async fn execute(&self, statements: &[String]) -> Result<()> {
        let options = cluster::connect_options(&self.socket_dir, SUPERUSER, SUPERUSER);
        let mut admin: PgConnection = options.connect().await?;
        for sql in statements {
            sqlx::raw_sql(AssertSqlSafe(sql.as_str()))
                .execute(&mut admin)
                .await?;
        }
        admin.close().await?;
        Ok(())
    }
}
