//! The clients in other languages, built and run as their README files say: each does the
//! same things with the running services.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::available::{available, has_programs, has_python};
use crate::documents::blocks_in;
use crate::stack::{Stack, copy_dir, lines, workspace};

/// Tokens expire while a client runs, and an old refresh token ends its session, so that a
/// client which refreshes twice at once fails.
const SETTINGS: [(&str, &str); 5] = [
    ("ACCESS_TOKEN_TTL_SECONDS", "5"),
    ("TOKEN_LEEWAY_SECONDS", "0"),
    ("REFRESH_GRACE_SECONDS", "0"),
    ("RATE_LIMITS", "default"),
    // Of the page with the client for browsers.
    ("ALLOWED_ORIGINS", "http://localhost:5173"),
];

const SCENARIOS: [&str; 8] = [
    "sign_up",
    "refresh",
    "pages",
    "errors",
    "retry",
    "deadline",
    "watch",
    "import_file",
];

/// How long a client may print nothing on a busy machine.
const SILENCE_MAX: Duration = Duration::from_mins(3);

#[test]
fn the_clients_in_python_do_all_scenarios() {
    if has_python() {
        run_clients("python", 2);
    }
}

#[test]
fn the_clients_in_typescript_do_all_scenarios() {
    if has_programs(&["node", "npm", "chromium"]) {
        run_clients("typescript", 3);
    }
}

#[test]
fn the_clients_in_go_do_all_scenarios() {
    if has_programs(&["go"]) && has_python() {
        run_clients("go", 2);
    }
}

#[test]
fn the_client_in_java_does_all_scenarios() {
    if has_programs(&["java", "mvn", "grpc_java_plugin"]) {
        run_clients("java", 1);
    }
}

/// The example of the crate addressbook-client.
#[test]
fn the_client_in_rust_does_all_scenarios() {
    let programs = Path::new(env!("CARGO_BIN_EXE_dev")).parent().unwrap();
    let example = programs.join("examples/scenarios");
    let built = example.exists();
    assert!(
        built,
        "the example is not built; use `cargo test --workspace`"
    );
    let stack = Stack::start_with(&[], &SETTINGS);
    let command = format!("{} {} {}", example.display(), stack.auth, stack.contacts);

    run_client(&stack, workspace(), &command);
}

/// The page for people starts the services with the same settings.
#[test]
fn the_page_of_clients_has_these_settings() {
    let page = fs::read_to_string(workspace().join("docs/CLIENTS.md")).unwrap();
    let [command] = blocks_in(&page, "sh").try_into().unwrap();
    let words: BTreeSet<_> = command.split([' ', '\n']).collect();

    for (name, value) in SETTINGS {
        assert!(words.contains(&*format!("{name}={value}")), "{name}");
    }
    for scenario in SCENARIOS {
        assert!(page.contains(&format!("`{scenario}`")), "{scenario}");
    }
}

/// Builds a copy of `clients/LANGUAGE`, and runs its programs one after the other.
fn run_clients(language: &str, programs: usize) {
    let copy = tempfile::tempdir().unwrap();
    let own = format!("clients/{language}");
    for folder in ["proto", &own] {
        copy_dir(&workspace().join(folder), &copy.path().join(folder));
    }
    let folder = copy.path().join(&own);
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let commands = |info: &str| blocks_in(&readme, info).concat();
    let packages = format!("the packages of {own}");
    if !available(succeeds(&folder, &commands("sh install")), &packages) {
        return;
    }
    assert!(succeeds(&folder, &commands("sh build")), "{own}");
    let stack = Stack::start_with(&[], &SETTINGS);
    let runs = stack.with_addresses(&commands("sh run"));

    assert_eq!(runs.lines().count(), programs, "{runs}");
    for command in runs.lines() {
        run_client(&stack, &folder, command);
    }
}

fn succeeds(folder: &Path, commands: &str) -> bool {
    let mut bash = bash(folder, commands);
    bash.status().is_ok_and(|status| status.success())
}

fn bash(folder: &Path, commands: &str) -> Command {
    let mut bash = Command::new("bash");
    bash.args(["-ec", commands])
        .current_dir(folder)
        .stdin(Stdio::null());
    bash
}

/// Runs a client, and kills the contacts service when the client asks for it.
fn run_client(stack: &Stack, folder: &Path, command: &str) {
    let mut bash = bash(folder, &format!("exec {command}"));
    let mut client = Running(bash.stdout(Stdio::piped()).spawn().unwrap());
    let output = lines(client.0.stdout.take().unwrap());
    let mut said = Vec::new();
    while said.len() < SCENARIOS.len() {
        let line = output
            .recv_timeout(SILENCE_MAX)
            .unwrap_or_else(|error| panic!("{command} prints no further line: {error}, {said:?}"));
        if line == "ready to be killed" {
            stack.kill("contacts-service");
        } else {
            said.push(line);
        }
    }

    assert_eq!(said, SCENARIOS.map(|name| format!("ok {name}")));
    assert!(client.0.wait().unwrap().success(), "{command}");
}

/// A client, killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
