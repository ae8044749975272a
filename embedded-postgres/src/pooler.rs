//! A PgBouncer in front of a server, for tests.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use crate::account::Account;
use crate::cluster::{self, SUPERUSER};
use crate::error::{Error, OrPath, Result};
use crate::folder::Folder;
use crate::process::{Signal, spawn_tied};

/// Where packages put the program.
const USUAL: [&str; 3] = [
    "/usr/sbin/pgbouncer",
    "/usr/bin/pgbouncer",
    "/opt/homebrew/bin/pgbouncer",
];

/// How long a start may take on a busy machine.
const READY_DEADLINE: Duration = Duration::from_secs(30);

/// A pooler that listens on a socket, and stops on drop.
#[derive(Debug)]
pub struct PgBouncer {
    child: Child,
    // The last field, so that it is removed after the pooler has stopped.
    folder: Folder,
}

impl PgBouncer {
    /// The program, if it is installed (Debian, Ubuntu: `apt-get install pgbouncer`).
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        USUAL.iter().map(PathBuf::from).find(|path| path.exists())
    }

    /// Starts `program` in front of the server that listens in `socket_dir`, with these
    /// lines in the section `pgbouncer` of its settings. `users` may log in, without
    /// passwords.
    pub fn start(
        program: &Path,
        socket_dir: &Path,
        users: &[&str],
        settings: &[&str],
    ) -> Result<Self> {
        let folder = Folder::ephemeral()?;
        // Runs as the server's owner, because only that user can enter the folder of the
        // server's socket.
        let account = Account::choose(socket_dir)?;
        let (dir, port) = (folder.path().join("run"), cluster::PORT);
        account.create_private(&dir)?;
        let config = format!(
            "[databases]\n* = host={} port={port}\n\n\
             [pgbouncer]\nunix_socket_dir = {dir}\nlisten_port = {port}\nauth_type = trust\n\
             auth_file = {dir}/users.txt\nlogfile = {dir}/pgbouncer.log\n{}\n",
            socket_dir.display(),
            settings.join("\n"),
            dir = dir.display(),
        );
        let users = [users, &[SUPERUSER]].concat();
        let lines = users.iter().map(|user| format!("\"{user}\" \"\""));
        let users = lines.collect::<Vec<_>>().join("\n");
        for (name, text) in [("pgbouncer.ini", config), ("users.txt", users)] {
            let path = dir.join(name);
            fs::write(&path, text).or_path("write", &path)?;
        }
        let mut command = Command::new(program);
        account.apply(&mut command);
        command
            .arg("--quiet")
            .arg(dir.join("pgbouncer.ini"))
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = spawn_tied(command, Signal::SIGINT).or_path("run", program)?;
        let mut pooler = Self { child, folder };
        pooler.wait_until_ready()?;
        Ok(pooler)
    }

    /// How to connect through it; no password is needed.
    #[must_use]
    pub fn url(&self, database: &str, user: &str) -> String {
        cluster::url(&self.dir(), database, user)
    }

    /// Like `url`, for this program.
    #[must_use]
    pub fn connect_options(&self, database: &str, user: &str) -> PgConnectOptions {
        cluster::connect_options(&self.dir(), database, user)
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let socket = self.dir().join(format!(".s.PGSQL.{}", cluster::PORT));
        let deadline = Instant::now() + READY_DEADLINE;
        while UnixStream::connect(&socket).is_err() {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if ended || Instant::now() > deadline {
                let log = fs::read_to_string(self.dir().join("pgbouncer.log"));
                return Err(Error::Program {
                    program: "pgbouncer",
                    output: log.unwrap_or_default(),
                });
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
