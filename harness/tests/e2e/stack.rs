//! A running system of its own for a test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use embedded_postgres::SUPERUSER;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::balancer::Balancer;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// The repository.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Both services and their PostgreSQL, stopped when dropped.
pub(crate) struct Stack {
    /// Where the auth service listens.
    pub(crate) auth: String,
    /// Where the contacts service listens.
    pub(crate) contacts: String,
    /// The command that makes an administrator, up to its e-mail.
    pub(crate) make_admin: String,
    child: Child,
    /// What it prints. Locked, so that tests can share a system.
    lines: Mutex<Receiver<String>>,
    /// Ended before the folder of its files is removed.
    balancer: Option<Balancer>,
    data: TempDir,
}

impl Stack {
    /// Starts the system on free ports, with `args` for `dev`.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// The same, with these settings of the services, and with `BALANCED` in the environment as
    /// [`Self::start_balanced`] does.
    pub(crate) fn start_with(args: &[&str], settings: &[(&'static str, &str)]) -> Self {
        let mut stack = Self::start_alone(args, settings);
        if env::var_os("BALANCED").is_some() {
            stack.balance(settings);
        }
        stack
    }

    /// The same, always with one replica of each service.
    pub(crate) fn start_alone(args: &[&str], settings: &[(&'static str, &str)]) -> Self {
        let dev = Path::new(env!("CARGO_BIN_EXE_dev"));
        for service in ["auth-service", "contacts-service"] {
            let built = dev.with_file_name(service).exists();
            assert!(
                built,
                "{service} is not built; use `cargo test --workspace`"
            );
        }
        let data = tempfile::tempdir().unwrap();
        // As root, the server runs as another user and must get there.
        set_open(data.path());
        let mut listen = vec!["--auth-listen", "127.0.0.1:0"];
        if !args.contains(&"--contacts-listen") {
            listen.extend(["--contacts-listen", "127.0.0.1:0"]);
        }
        let mut child = Command::new(dev)
            .arg("up")
            .args(listen)
            .arg("--data-dir")
            .arg(data.path().join("data"))
            .args(args)
            .env_remove("CARGO")
            .env_remove("DATABASE_URL")
            .env_remove("RUST_LOG")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let mut stack = Self {
            auth: String::new(),
            contacts: String::new(),
            make_admin: String::new(),
            child,
            lines: Mutex::new(lines),
            balancer: None,
            data,
        };
        stack.auth = stack.behind("auth service:");
        stack.contacts = stack.behind("contacts service:");
        let line = stack.line("cargo dev make-admin ");
        stack.make_admin = line.replace("cargo dev", env!("CARGO_BIN_EXE_dev"));
        stack.line("Ctrl-C stops everything");
        stack
    }

    /// The same, with second replicas and `HAProxy` in front of all; `None` without it.
    pub(crate) fn start_balanced() -> Option<Self> {
        let mut stack = Self::start(&[]);
        stack.balance(&[]);
        stack.balancer.is_some().then_some(stack)
    }

    /// Puts `HAProxy` in front of the services and of second replicas, once.
    fn balance(&mut self, settings: &[(&'static str, &str)]) {
        if self.balancer.is_none()
            && let Some(balancer) = Balancer::start(self, settings)
        {
            self.auth.clone_from(&balancer.auth);
            self.contacts.clone_from(&balancer.contacts);
            self.balancer = Some(balancer);
        }
    }

    /// The folder of the database and the keys.
    pub(crate) fn folder(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// The next line that contains `text`.
    pub(crate) fn line(&self, text: &str) -> String {
        loop {
            let line = self.lines.lock().unwrap().recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no \"{text}\": {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn behind(&self, label: &str) -> String {
        self.line(label).replace(label, "").trim().to_owned()
    }

    /// The documents' text, with this system's addresses in it.
    pub(crate) fn with_addresses(&self, text: &str) -> String {
        text.replace("127.0.0.1:50051", &self.auth)
            .replace("127.0.0.1:50052", &self.contacts)
    }

    /// The commands that log the demo user in, as printed: with `addressbook`, and with
    /// grpcurl.
    pub(crate) fn demo_log_in(&self) -> [String; 2] {
        self.line("demo user: ");
        [self.line(" login "), self.line("TOKEN=$(")]
    }

    /// Makes an account an administrator with the printed command.
    pub(crate) fn make_admin(&self, email: &str) {
        let command = self.make_admin.replace("ada@example.com", email);
        let status = Command::new("bash")
            .args(["-c", &command])
            .env_remove("CARGO")
            .env_remove("DATABASE_URL")
            .status();
        assert!(status.unwrap().success(), "{command}");
    }

    /// Kills all replicas of a service at once.
    pub(crate) fn kill(&self, program: &str) {
        self.kill_first(program);
        if let Some(balancer) = &self.balancer {
            balancer.kill(program);
        }
    }

    /// Kills a service at once, and no second replica.
    pub(crate) fn kill_first(&self, program: &str) {
        let dev = self.child.id().to_string();
        let is_it = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let name = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            let parent = stat
                .rsplit(") ")
                .next()
                .unwrap_or_default()
                .split(' ')
                .nth(1);
            parent == Some(&dev) && name.ends_with(program)
        };
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let pid = pids.find(is_it).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    /// Services that exit are not restarted until `go_on`.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Restarts what has exited.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// How a role reaches the database.
    pub(crate) fn database_url(&self, role: &str) -> String {
        let (folder, port) = self.database_socket();
        format!("postgres://{role}@/addressbook?host={folder}&port={port}")
    }

    /// How the superuser reaches the database.
    pub(crate) fn database(&self) -> PgConnectOptions {
        let (folder, port) = self.database_socket();
        PgConnectOptions::new_without_pgpass()
            .socket(folder)
            .port(port)
            .username(SUPERUSER)
            .database("addressbook")
    }

    /// The folder of the server's socket, and its port.
    fn database_socket(&self) -> (String, u16) {
        let file = self.data.path().join("data/pg/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        // The port is in the fourth line, the folder of the socket in the fifth.
        let lines: Vec<_> = text.lines().collect();
        (lines[4].to_owned(), lines[3].parse().unwrap())
    }

    /// Kills the database server at once.
    pub(crate) fn kill_postgres(&self) {
        let file = self.folder().join("pg/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        let pid: i32 = text.lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        // A paused process would not receive the signal.
        let _ = kill(pid, Signal::SIGCONT);
        if kill(pid, Signal::SIGTERM).is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn set_open(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Reads on a thread, so that the program never waits for its reader.
pub(crate) fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                // No one reads the lines any more, but the pipe must not fill.
            }
        }
    });
    receiver
}

/// Copies the files of a folder of the repository, and those below, but not what was
/// installed or built there.
pub(crate) fn copy_dir(from: &Path, to: &PathBuf) {
    const BUILT: [&str; 5] = [".venv", "dist", "gen", "node_modules", "target"];
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if BUILT.iter().any(|built| path.ends_with(built)) {
            continue;
        }
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
