//! `dev` with stand-ins for the services: start, supervision and stop.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use testing::until;

#[test]
fn sigterm_stops_everything_and_removes_ephemeral_data() {
    let home = Home::new();
    let mut dev = home.dev(&["--ephemeral"]);
    let (auth, contacts) = dev.services();
    let server = dev.postgres();
    let folder = dev.folder.clone();

    send(dev.child.id(), Signal::SIGTERM);
    let (status, _) = dev.end();

    assert!(status.success(), "{status}");
    assert!(!folder.exists());
    assert!(![auth, contacts, server].into_iter().any(is_alive));
}

#[test]
fn sigkill_of_dev_leaves_no_process() {
    let home = Home::new();
    let mut dev = home.dev(&[]);
    let (auth, contacts) = dev.services();
    let server = dev.postgres();

    send(dev.child.id(), Signal::SIGKILL);
    dev.end();

    if cfg!(target_os = "linux") {
        until("all have ended", || {
            ![auth, contacts, server].into_iter().any(is_alive)
        });
    }
}

#[test]
fn what_died_is_started_again() {
    let home = Home::new();
    let mut dev = home.dev(&[]);
    let (auth, _) = dev.services();
    let server = dev.postgres();

    send(auth, Signal::SIGKILL);
    dev.line("the auth service ended");
    let line = dev.line("serving as");
    send(server, Signal::SIGKILL);
    dev.line("PostgreSQL serves again");

    assert!(line.contains("//auth_service@"), "{line}");
    assert_ne!(dev.postgres(), server);
}

#[test]
fn a_service_that_always_dies_ends_dev() {
    let home = Home::new();
    let mut dev = home.dev(&[]);
    let (mut auth, _) = dev.services();

    for _ in 0..4 {
        send(auth, Signal::SIGKILL);
        auth = number(&dev.line("serving as"), "serving as ");
    }
    send(auth, Signal::SIGKILL);
    let (status, errors) = dev.end();

    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("auth service ended 5 times"), "{errors}");
}

#[test]
fn an_address_in_use_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let output = home
        .command(&["--contacts-listen", &address])
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    let said = format!("{address}, where the contacts service is to listen, is in use");
    assert!(errors.contains(&said), "{errors}");
    assert!(errors.contains("--contacts-listen 127.0.0.1:0"), "{errors}");
    let all = errors + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(all.matches("in use").count(), 1, "{all}");
}

#[test]
fn each_service_has_metrics_of_its_own() {
    let home = Home::new();

    let dev = home.dev(&["--metrics-addr", "127.0.0.1:9464"]);

    for line in [
        "metrics of auth: http://127.0.0.1:9464/metrics",
        "metrics of contacts: http://127.0.0.1:9465/metrics",
    ] {
        assert!(dev.seen.iter().any(|seen| seen == line), "{:?}", dev.seen);
    }
}

#[test]
fn a_setting_that_asks_for_tls_is_refused() {
    let home = Home::new();

    let output = home
        .command(&[])
        .env("TLS_CERT_FILE", "cert.pem")
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("unset TLS_CERT_FILE"), "{errors}");
}

#[test]
fn second_dev_on_the_same_folder_is_refused() {
    let home = Home::new();
    let dev = home.dev(&[]);

    let output = home.command(&[]).output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    let holder = format!("in use by process {}", dev.child.id());
    assert!(errors.contains(&holder), "{errors}");
}

#[test]
fn keys_are_kept_between_runs() {
    let home = Home::new();
    let keys =
        || ["auth.keys", "contacts.keys"].map(|name| fs::read_to_string(home.data().join(name)));
    drop(home.dev(&[]));
    let before = keys().map(Result::unwrap);

    drop(home.dev(&[]));

    assert_eq!(keys().map(Result::unwrap), before);
    assert_ne!(before[0], before[1]);
}

/// A folder with `dev` and the stand-ins, and a folder for data.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let open = fs::Permissions::from_mode(0o711);
        let dir = tempfile::Builder::new()
            .permissions(open)
            .tempdir()
            .unwrap();
        let dev = Path::new(env!("CARGO_BIN_EXE_dev"));
        let stand_in = dev.with_file_name("examples").join("stand_in");
        // `dev` searches its own folder, and a link would lead to the original one.
        fs::copy(dev, dir.path().join("dev")).unwrap();
        for name in ["auth-service", "contacts-service"] {
            fs::copy(&stand_in, dir.path().join(name)).unwrap();
        }
        Self(dir)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.0.path().join("dev"));
        command
            .args(["up", "--auth-listen", "127.0.0.1:0"])
            .env_remove("CARGO")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null());
        if !args.contains(&"--contacts-listen") {
            command.args(["--contacts-listen", "127.0.0.1:0"]);
        }
        if !args.contains(&"--ephemeral") {
            command.arg("--data-dir").arg(self.data());
        }
        command.args(args);
        command
    }

    fn dev(&self, args: &[&str]) -> Dev {
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut dev = Dev {
            output: BufReader::new(child.stdout.take().unwrap()),
            errors: child.stderr.take().unwrap(),
            seen: Vec::new(),
            child,
            folder: PathBuf::new(),
        };
        let line = dev.line("data folder: ");
        dev.folder = line.trim_start_matches("data folder: ").into();
        dev.line("Ctrl-C stops everything");
        dev
    }
}

/// A running `dev`.
struct Dev {
    child: Child,
    output: BufReader<ChildStdout>,
    errors: ChildStderr,
    seen: Vec<String>,
    folder: PathBuf,
}

impl Dev {
    /// Reads on until a line has the text.
    fn line(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "no \"{text}\" before the end: {:?}", self.end());
            self.seen.push(line.trim_end().to_owned());
            if line.contains(text) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The processes of both services.
    fn services(&self) -> (u32, u32) {
        let process = |prefix: &str| {
            let is_it = |line: &&String| line.starts_with(prefix) && line.contains("serving as");
            number(self.seen.iter().find(is_it).unwrap(), "serving as ")
        };
        (process("auth "), process("contacts "))
    }

    fn postgres(&self) -> u32 {
        let text = fs::read_to_string(self.folder.join("pg/postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    fn end(&mut self) -> (std::process::ExitStatus, String) {
        // Its pipes must be read, otherwise it could not exit.
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap(), errors)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            send(self.child.id(), Signal::SIGTERM);
            self.end();
        }
    }
}

fn number(line: &str, before: &str) -> u32 {
    let (_, rest) = line.split_once(before).unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

fn send(process: u32, signal: Signal) {
    kill(Pid::from_raw(process.cast_signed()), signal).unwrap();
}

fn is_alive(process: u32) -> bool {
    // Nobody may be there to collect a child whose parent was killed.
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
