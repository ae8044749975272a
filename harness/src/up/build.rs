//! Builds the services and the command line into the folder of this program.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::error::{Error, OrPath, Result};

/// Where the services' programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) auth: PathBuf,
    pub(crate) contacts: PathBuf,
}

/// Builds the programs with the profile of this one, if cargo is given.
pub(crate) async fn programs(cargo: Option<&Path>) -> Result<Programs> {
    if let Some(cargo) = cargo {
        build(cargo).await?;
    }
    let this = std::env::current_exe().or_path("find", Path::new("this program"))?;
    found_in(this.parent().unwrap_or(&this))
}

/// The programs of a folder.
pub(crate) fn found_in(folder: &Path) -> Result<Programs> {
    let find = |name: &str| {
        let program = folder.join(name);
        if program.exists() {
            Ok(program)
        } else {
            Err(Error::NoProgram(program))
        }
    };
    Ok(Programs {
        auth: find("auth-service")?,
        contacts: find("contacts-service")?,
    })
}

/// The command line's program, as to call it from the current folder; `None` if it is not
/// built.
pub(crate) fn command_line() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("addressbook");
    let here = std::env::current_dir().unwrap_or_default();
    let is_built = program.exists();
    let program = match program.strip_prefix(here) {
        // A name without a folder would be looked up in PATH.
        Ok(name) if name.components().count() == 1 => Path::new(".").join(name),
        Ok(path) => path.to_owned(),
        Err(_) => program,
    };
    is_built.then_some(program)
}

/// Cargo prints its progress to stderr.
async fn build(cargo: &Path) -> Result<()> {
    let mut command = Command::new(cargo);
    command.arg("build");
    for package in ["auth-service", "contacts-service", "addressbook-cli"] {
        command.args(["-p", package]);
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    // The queries are checked offline, because the database of the run may be empty.
    let status = command
        .env("SQLX_OFFLINE", "true")
        .env_remove("DATABASE_URL")
        .kill_on_drop(true)
        .status()
        .await
        .or_path("run", cargo)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Build)
    }
}
