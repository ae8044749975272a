//! The database: our own server, or an existing one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search, Signal, spawn_tied_async};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};
use tokio::task::spawn_blocking;

use crate::config::UpConfig;
use crate::error::{Error, OrPath, Result};
use crate::print;

/// The database's name in our own server.
pub(crate) const NAME: &str = "addressbook";

/// The role of the auth service.
pub(crate) const AUTH_ROLE: &str = "auth_service";

/// How often the server is checked.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// The longest pause between two attempts to start the server again.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Where the data is.
#[derive(Debug)]
pub(crate) enum Database {
    /// A private server, supervised by its own thread.
    Own(Keeper),
    /// An existing database; the folder contains only the keys.
    Existing {
        /// The URL as given.
        url: String,
        /// The folder of the keys.
        folder: Folder,
    },
}

impl Database {
    /// Starts the server, unless the configuration names a database.
    pub(crate) async fn start(config: &UpConfig, folder: Folder) -> Result<Self> {
        if let Some(url) = config.place.existing_database() {
            print::say("PostgreSQL: the database of DATABASE_URL");
            return Ok(Self::Existing {
                url: url.to_owned(),
                folder,
            });
        }
        let mut search = Search::from_environment();
        if config.postgres_bin_dir.is_some() {
            search.bin_dir.clone_from(&config.postgres_bin_dir);
        }
        let start = move || Cluster::start(Binaries::find(&search)?, folder);
        let cluster = match spawn_blocking(start).await {
            Ok(cluster) => cluster?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        create_database(&cluster).await?;
        print::say(format_args!(
            "PostgreSQL {}: psql --host {} --username {SUPERUSER} {NAME}",
            cluster.binaries().major(),
            cluster.socket_dir().display(),
        ));
        Ok(Self::Own(Keeper::new(cluster)))
    }

    /// The folder of keys and other small files.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Own(keeper) => &keeper.folder,
            Self::Existing { folder, .. } => folder.path(),
        }
    }

    /// The own server's process.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Own(keeper) => {
                let file = fs::read_to_string(keeper.folder.join("pg/postmaster.pid")).ok()?;
                file.lines().next()?.parse().ok()
            }
            Self::Existing { .. } => None,
        }
    }

    /// How the superuser reaches the database `name` of the own server, and the
    /// folder of its socket.
    pub(crate) fn own_as(&self, name: &str) -> Option<(String, PathBuf)> {
        match self {
            Self::Own(keeper) => {
                let url = keeper
                    .url
                    .replacen(&format!("/{NAME}"), &format!("/{name}"), 1);
                Some((url, keeper.socket_dir.clone()))
            }
            Self::Existing { .. } => None,
        }
    }

    /// A program of the own server's folder.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Own(keeper) => Some(keeper.programs.join(name)),
            Self::Existing { .. } => None,
        }
    }

    /// Creates another database, as the superuser.
    pub(crate) async fn create(&self, name: &str) -> Result<()> {
        let mut admin = PgConnection::connect(self.admin_url()).await?;
        let sql = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        Ok(())
    }

    fn admin_url(&self) -> &str {
        match self {
            Self::Own(keeper) => &keeper.url,
            Self::Existing { url, .. } => url,
        }
    }

    /// The URL of the own server for a service's role, without a password.
    pub(crate) fn own_url_for(&self, role: &str) -> Option<String> {
        match self {
            Self::Own(keeper) => {
                let user = format!("//{role}@");
                Some(keeper.url.replacen(SUPERUSER_AT, &user, 1))
            }
            Self::Existing { .. } => None,
        }
    }

    /// The URL for a service, with only its own role's rights.
    pub(crate) fn url_for(&self, role: &str) -> String {
        if let Some(url) = self.own_url_for(role) {
            return url;
        }
        with_role(self.admin_url(), role)
    }

    /// Brings the schema up to date, with the auth service's own command.
    pub(crate) async fn migrate(&self, auth_service: &Path) -> Result<()> {
        let mut command = StdCommand::new(auth_service);
        command
            .arg("migrate")
            .env("DATABASE_URL", self.admin_url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = spawn_tied_async(command, Signal::SIGTERM).or_path("run", auth_service)?;
        let output = child
            .wait_with_output()
            .await
            .or_path("run", auth_service)?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            return Err(Error::Failed {
                program: "auth-service migrate",
                status: output.status,
                output: String::from_utf8_lossy(&text).trim().to_owned(),
            });
        }
        if let Self::Existing { url, .. } = self {
            allow_roles(url).await;
        }
        Ok(())
    }

    /// Updates the planner's statistics, as autovacuum does within a minute.
    pub(crate) async fn analyze(&self) -> Result<()> {
        let mut db = PgConnection::connect(self.admin_url()).await?;
        sqlx::raw_sql("ANALYZE").execute(&mut db).await?;
        db.close().await?;
        Ok(())
    }

    /// Runs vacuum and a checkpoint now, so that they do not run during a measurement.
    pub(crate) async fn settle(&self) -> Result<()> {
        let mut db = PgConnection::connect(self.admin_url()).await?;
        for sql in ["VACUUM ANALYZE", "CHECKPOINT"] {
            sqlx::raw_sql(sql).execute(&mut db).await?;
        }
        db.close().await?;
        Ok(())
    }

    /// Stops the own server, and removes temporary data.
    pub(crate) async fn stop(self) {
        // A panic of that thread has been printed already.
        let _ = spawn_blocking(move || drop(self)).await;
    }
}

/// The URL of a database with connections that switch to `role`.
pub(crate) fn with_role(url: &str, role: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}options[role]={role}")
}

/// How the superuser is written in a URL.
const SUPERUSER_AT: &str = "//postgres@";

async fn create_database(cluster: &Cluster) -> Result<()> {
    let mut admin = cluster
        .connect_options(SUPERUSER, SUPERUSER)
        .connect()
        .await?;
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(NAME)
            .fetch_one(&mut admin)
            .await?;
    if !exists {
        sqlx::raw_sql("CREATE DATABASE addressbook")
            .execute(&mut admin)
            .await?;
    }
    admin.close().await?;
    Ok(())
}

/// Allows the URL's user to switch to the services' roles. A superuser needs no grant,
/// and another user may have it already; if not, the services report it.
async fn allow_roles(url: &str) {
    let grant = async {
        let mut db = PgConnection::connect(url).await?;
        sqlx::raw_sql("GRANT auth_service, contacts_service TO CURRENT_USER")
            .execute(&mut db)
            .await?;
        db.close().await
    };
    if let Err(error) = grant.await {
        tracing::debug!(%error, "the services' roles are not granted");
    }
}

/// The thread that owns the server and restarts it when it dies.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    programs: PathBuf,
    socket_dir: PathBuf,
    url: String,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    fn new(cluster: Cluster) -> Self {
        let (stop, stopped) = mpsc::channel();
        Self {
            folder: cluster.folder().path().to_owned(),
            programs: cluster.binaries().dir().to_owned(),
            socket_dir: cluster.socket_dir().to_owned(),
            url: cluster.url(NAME, SUPERUSER),
            stop: Some(stop),
            thread: Some(thread::spawn(move || keep(cluster, &stopped))),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been printed already.
            let _ = thread.join();
        }
    }
}

/// Returns when the sender is dropped, which stops the server.
fn keep(mut cluster: Cluster, stopped: &mpsc::Receiver<()>) {
    let mut pause = WATCH_INTERVAL;
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        if cluster.is_running() {
            pause = WATCH_INTERVAL;
            continue;
        }
        print::say("PostgreSQL ended; starting it again");
        match cluster.restart() {
            Ok(()) => print::say("PostgreSQL serves again"),
            Err(error) => {
                print::problem(&error);
                pause = (2 * pause).min(BACKOFF_MAX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_postgres::TestDatabase;
    use sqlx::postgres::PgConnectOptions;

    use super::*;

    async fn database() -> TestDatabase {
        TestDatabase::create("existing", async |options: PgConnectOptions| {
            let mut db = options.connect().await?;
            sqlx::raw_sql(
                "CREATE ROLE auth_service; CREATE ROLE contacts_service; \
                 CREATE ROLE owner LOGIN CREATEROLE; \
                 GRANT auth_service, contacts_service TO owner WITH ADMIN OPTION",
            )
            .execute(&mut db)
            .await?;
            db.close().await
        })
        .await
        .unwrap()
    }

    async fn role(url: &str) -> String {
        let mut db = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar("SELECT current_user::text")
            .fetch_one(&mut db)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn services_take_their_roles_in_an_existing_database() {
        let given = database().await;
        for user in [SUPERUSER, "owner"] {
            let database = Database::Existing {
                url: given.url(user),
                folder: Folder::ephemeral().unwrap(),
            };

            allow_roles(&given.url(user)).await;

            let url = database.url_for("contacts_service");
            assert_eq!(role(&url).await, "contacts_service", "{url}");
        }
    }
}
