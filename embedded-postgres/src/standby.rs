//! The data of a hot standby.

use std::path::Path;
use std::process::Command;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster::{PORT, SUPERUSER};
use crate::error::Result;
use crate::initdb;

/// Copies the data of the server that listens in `primary`, with the settings to follow it.
pub(crate) fn copy(
    binaries: &Binaries,
    account: &Account,
    data: &Path,
    primary: &Path,
) -> Result<()> {
    account.create_private(data)?;
    let mut command = Command::new(binaries.dir.join("pg_basebackup"));
    command
        .args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf"])
        .arg(format!("--username={SUPERUSER}"))
        .arg(format!("--port={PORT}"))
        .arg("--host")
        .arg(primary)
        .arg("--pgdata")
        .arg(data);
    initdb::prepare(&mut command, account, data);
    initdb::run_to_end(&mut command, "pg_basebackup")
}
