//! What a machine has. A test of what is impossible on it passes, except in CI.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether there is curl.
pub(crate) fn has_curl() -> bool {
    let ready = run(Command::new("curl").args(["--silent", "--version"]));
    available(ready, "curl")
}

/// Whether there is `HAProxy`, which Debian keeps out of the path of users.
pub(crate) fn has_haproxy() -> bool {
    available(Path::new("/usr/sbin/haproxy").exists(), "HAProxy")
}

/// Whether Python can make virtual environments and fetch packages.
pub(crate) fn has_python() -> bool {
    let ready = run(Command::new("python3").args(["-c", "import venv, ensurepip"]));
    available(ready, "python3 with venv")
}

/// Whether these programs are on the machine.
pub(crate) fn has_programs(names: &[&str]) -> bool {
    let is_there = |name: &&str| run(Command::new("which").arg(name).stdout(Stdio::null()));
    available(names.iter().all(is_there), &names.join(" and "))
}

pub(crate) fn available(ready: bool, what: &str) -> bool {
    assert!(
        ready || env::var_os("CI").is_none(),
        "{what} cannot be had here, and CI must not go without"
    );
    if !ready {
        eprintln!("NOT TESTED: {what} cannot be had here");
    }
    ready
}

/// Whether it succeeds.
pub(crate) fn run(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
