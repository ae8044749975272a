//! Creates a new data folder, completely or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster::SUPERUSER;
use crate::config;
use crate::error::{Error, OrPath, Result};

/// Initializes `data` if it does not exist.
pub(crate) fn run(binaries: &Binaries, account: &Account, data: &Path) -> Result<()> {
    if data.exists() {
        return Ok(());
    }
    // A killed run leaves an incomplete folder with this name.
    let fresh = data.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).or_path("remove", &fresh)?;
    }
    account.create_private(&fresh)?;

    let mut command = Command::new(binaries.dir.join("initdb"));
    command
        .args(["--no-sync", "--locale=C", "--encoding=UTF8", "--auth=trust"])
        .arg(format!("--username={SUPERUSER}"))
        .arg("--pgdata")
        .arg(&fresh);
    prepare(&mut command, account, &fresh);
    run_to_end(&mut command, "initdb")?;
    fs::rename(&fresh, data).or_path("name", data)
}

/// Sets what every program of PostgreSQL needs: the right user, a folder that this user
/// can enter, and no settings of the caller.
pub(crate) fn prepare(command: &mut Command, account: &Account, dir: &Path) {
    for name in config::postgres_variables() {
        command.env_remove(name);
    }
    account.apply(command);
    command
        .env("LC_ALL", "C")
        .current_dir(dir)
        .stdin(Stdio::null());
}

/// Runs a program, which must succeed.
pub(crate) fn run_to_end(command: &mut Command, program: &'static str) -> Result<()> {
    let path = PathBuf::from(command.get_program());
    let output = command.output().or_path("run", &path)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Program {
        program,
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Refuses data of another major version, which the server cannot read.
pub(crate) fn check_version(binaries: &Binaries, data: &Path) -> Result<()> {
    let path = data.join("PG_VERSION");
    let text = fs::read_to_string(&path).or_path("read", &path)?;
    let version = text.trim();
    if version == binaries.major.to_string() {
        return Ok(());
    }
    Err(Error::MajorVersion {
        dir: data.to_owned(),
        data: version.to_owned(),
        binaries: binaries.dir.clone(),
        server: binaries.major,
    })
}
