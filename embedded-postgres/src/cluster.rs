//! One running server and its data folder.

use std::fmt::Write;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tempfile::TempDir;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{Error, OrPath, Result};
use crate::folder::Folder;
use crate::process::{Signal, spawn_tied};
use crate::{initdb, pid_file, standby};

/// The name of the superuser.
pub const SUPERUSER: &str = "postgres";

/// Part of the socket's name only: the server does not listen on TCP.
pub(crate) const PORT: u16 = 5432;

/// The longest path of a socket: macOS allows 103 bytes, Linux 107.
const SOCKET_PATH_BYTES: usize = 103;

const POLL: Duration = Duration::from_millis(10);

/// How long the children of a crashed server may still use the data.
const TAKEOVER_DEADLINE: Duration = Duration::from_secs(10);

/// How long a start may take, including the recovery after a crash.
const READY_DEADLINE: Duration = Duration::from_mins(2);

/// How long each step of stopping may take before the next, more forceful one.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// The log is truncated at start if it is larger.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// A private server. It stops when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    account: Account,
    data: PathBuf,
    log: PathBuf,
    socket_dir: PathBuf,
    child: Option<Child>,
    further: Vec<String>,
    _short_dir: Option<TempDir>,
    // The last field, so that the lock is released after the server has stopped.
    folder: Folder,
}

impl Cluster {
    /// Starts a server on the folder, initializes the folder the first time, and returns
    /// when the server accepts connections. Blocks for about a second.
    pub fn start(binaries: Binaries, folder: Folder) -> Result<Self> {
        Self::start_on(binaries, folder, initdb::run)
    }

    /// Starts a hot standby of the server that listens in `primary`, in a new folder: a
    /// replica that serves reads and refuses writes.
    pub fn start_standby(binaries: Binaries, folder: Folder, primary: &Path) -> Result<Self> {
        Self::start_on(binaries, folder, |binaries, account, data| {
            standby::copy(binaries, account, data, primary)
        })
    }

    /// Starts a server on a new folder that a command fills first: it runs as the server's
    /// user, in the empty folder of the data, whose path is in `PGDATA`.
    pub fn start_restored(
        binaries: Binaries,
        folder: Folder,
        restore: &mut Command,
    ) -> Result<Self> {
        Self::start_on(binaries, folder, |_, account, data| {
            account.create_private(data)?;
            initdb::prepare(restore, account, data);
            initdb::run_to_end(restore.env("PGDATA", data), "the command that restores")
        })
    }

    fn start_on(
        binaries: Binaries,
        folder: Folder,
        fill: impl FnOnce(&Binaries, &Account, &Path) -> Result<()>,
    ) -> Result<Self> {
        let data = folder.path().join("pg");
        let account = Account::choose(&data)?;
        account.check_reach(folder.path())?;
        account.check_reach(&binaries.dir)?;
        let (socket_dir, short_dir) = socket_dir(folder.path())?;
        account.create_private(&socket_dir)?;
        fill(&binaries, &account, &data)?;
        initdb::check_version(&binaries, &data)?;

        let mut cluster = Self {
            log: folder.path().join("postgres.log"),
            binaries,
            account,
            data,
            socket_dir,
            child: None,
            further: Vec::new(),
            _short_dir: short_dir,
            folder,
        };
        cluster.launch()?;
        Ok(cluster)
    }

    /// Starts the server again, after stopping it if it still runs.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch()
    }

    /// Like `restart`, with additional settings, each `name=value`, which take
    /// precedence. A server can thus listen on TCP; its port is also in the socket's
    /// name.
    pub fn restart_with(&mut self, settings: &[String]) -> Result<()> {
        self.further = settings.to_vec();
        self.restart()
    }

    /// Stops the server after it has written everything; open connections are closed.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
            if exited(&mut child) {
                return Ok(());
            }
            kill(Pid::from_raw(child.id().cast_signed()), signal)
                .map_err(Into::into)
                .or_path("stop the server on", &self.data)?;
            let deadline = Instant::now() + STOP_DEADLINE;
            while !exited(&mut child) && Instant::now() < deadline {
                thread::sleep(POLL);
            }
        }
        Ok(())
    }

    /// Whether the server's process is running.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !exited(child))
    }

    /// The server's process id, once started.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The folder that was given to `start`.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The programs of the server.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The folder of the socket, as for `psql --host`.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The number in the socket's name, as for `psql --port`.
    #[must_use]
    pub fn port(&self) -> u16 {
        PORT
    }

    /// How to connect; no password is needed.
    #[must_use]
    pub fn connect_options(&self, database: &str, user: &str) -> PgConnectOptions {
        connect_options(&self.socket_dir, database, user)
    }

    /// Like `connect_options`, as a URL for another program.
    #[must_use]
    pub fn url(&self, database: &str, user: &str) -> String {
        url(&self.socket_dir, database, user)
    }

    /// After a crash the old server's children run for a moment, and a new server cannot
    /// use the data meanwhile, so the start is retried.
    fn launch(&mut self) -> Result<()> {
        let deadline = Instant::now() + TAKEOVER_DEADLINE;
        let mut crashed = false;
        loop {
            crashed |= pid_file::remove_if_stale(&self.data)?;
            let log = self.open_log()?;
            let start = log.metadata().or_path("find", &self.log)?.len();
            let command = self.command(log)?;
            let child = spawn_tied(command, Signal::SIGINT).or_path("run", &self.binaries.dir)?;
            if self.becomes_ready(child)? {
                return Ok(());
            }
            if !crashed || Instant::now() > deadline {
                return Err(Error::Program {
                    program: "postgres",
                    output: last_lines(&self.log, start),
                });
            }
            thread::sleep(10 * POLL);
        }
    }

    /// Waits until the child serves; returns false if it gave up.
    fn becomes_ready(&mut self, child: Child) -> Result<bool> {
        let pid = child.id();
        self.child = Some(child);
        let deadline = Instant::now() + READY_DEADLINE;
        while Instant::now() < deadline {
            if pid_file::is_ready(&self.data, pid) {
                return Ok(true);
            }
            if !self.is_running() {
                self.child = None;
                return Ok(false);
            }
            thread::sleep(POLL);
        }
        self.stop()?;
        Ok(false)
    }

    fn command(&self, log: File) -> Result<Command> {
        let mut command = Command::new(self.binaries.dir.join("postgres"));
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            format!("port={PORT}"),
            format!("unix_socket_directories={}", self.socket_dir.display()),
            "max_connections=200".to_owned(),
            "shared_buffers=128MB".to_owned(),
            "jit=off".to_owned(),
            "log_statement=none".to_owned(),
            "logging_collector=off".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        if self.folder.is_ephemeral() {
            settings.extend(
                [
                    "fsync=off",
                    "full_page_writes=off",
                    "synchronous_commit=off",
                ]
                .map(str::to_owned),
            );
        } else {
            // The details of an error can contain a user's data.
            settings.push("log_error_verbosity=terse".to_owned());
        }
        settings.extend(self.further.iter().cloned());
        initdb::prepare(&mut command, &self.account, &self.data);
        command.arg("-D").arg(&self.data);
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let copy = log.try_clone().or_path("open", &self.log)?;
        command.stdout(copy).stderr(log);
        Ok(command)
    }

    fn open_log(&self) -> Result<File> {
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.log)
            .or_path("open", &self.log)?;
        if log.metadata().is_ok_and(|log| log.len() > LOG_BYTES) {
            log.set_len(0).or_path("empty", &self.log)?;
        }
        Ok(log)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "the database server may still run");
        }
    }
}

/// How to connect to the server that another process runs on this folder.
pub fn running_url(folder: &Path, database: &str, user: &str) -> Result<String> {
    let socket_dir = pid_file::socket_dir(&folder.join("pg"));
    let socket_dir = socket_dir.ok_or_else(|| Error::NotRunning(folder.to_owned()))?;
    Ok(url(&socket_dir, database, user))
}

pub(crate) fn connect_options(socket_dir: &Path, database: &str, user: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(PORT)
        .ssl_mode(PgSslMode::Disable)
        .username(user)
        .database(database)
}

pub(crate) fn url(socket_dir: &Path, database: &str, user: &str) -> String {
    let mut host = String::new();
    for byte in socket_dir.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                host.push(char::from(*byte));
            }
            // Writing to a string cannot fail.
            _ => {
                let _ = write!(host, "%{byte:02X}");
            }
        }
    }
    format!("postgres://{user}@localhost:{PORT}/{database}?host={host}&sslmode=disable")
}

/// A child whose state cannot be read counts as ended.
fn exited(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// The socket's folder is next to the data, unless its path would be too long.
fn socket_dir(folder: &Path) -> Result<(PathBuf, Option<TempDir>)> {
    let beside = folder.join("run");
    let name = format!(".s.PGSQL.{PORT}");
    if beside.join(name).as_os_str().len() <= SOCKET_PATH_BYTES {
        return Ok((beside, None));
    }
    let temp = Path::new("/tmp");
    let short = tempfile::Builder::new()
        .prefix("addressbook-run-")
        .tempdir_in(temp)
        .or_path("make a folder in", temp)?;
    Ok((short.path().to_owned(), Some(short)))
}

/// The end of what was written to the log after `start`.
fn last_lines(log: &Path, start: u64) -> String {
    let mut text = String::new();
    let read = File::open(log).and_then(|mut log| {
        log.seek(SeekFrom::Start(start))?;
        log.read_to_string(&mut text)
    });
    if let Err(error) = read {
        return format!("cannot read {}: {error}", log.display());
    }
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
