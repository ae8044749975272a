//! `cargo dev configuration`: writes `docs/CONFIGURATION.md` from the `--help` of both
//! services, so that the page matches the programs.

use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::config::ConfigurationConfig;
use crate::error::{Error, OrPath, Result};
use crate::print;
use crate::up::build;

mod help;
mod page;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIGURATION.md");

/// Writes the page; with `check`, only compares it with the programs' help.
pub async fn run(config: ConfigurationConfig) -> Result<()> {
    let programs = build::programs(config.cargo.as_deref()).await?;
    let auth = help::settings(&help_of(&programs.auth).await?);
    let contacts = help::settings(&help_of(&programs.contacts).await?);
    let fresh = page::write(&auth, &contacts);

    let path = Path::new(PAGE);
    if fs::read_to_string(path).is_ok_and(|kept| kept == fresh) {
        let count = auth.len() + contacts.len();
        print::say(format_args!("{count} settings, all as in the page"));
        return Ok(());
    }
    if config.check {
        return Err(Error::StaleConfiguration);
    }
    fs::write(path, fresh).or_path("write", path)?;
    print::say(format_args!("wrote docs/CONFIGURATION.md"));
    Ok(())
}

/// Runs the program without the caller's environment, because the help would show its
/// values.
async fn help_of(program: &Path) -> Result<String> {
    let output = Command::new(program)
        .args(["serve", "--help"])
        .env_clear()
        .kill_on_drop(true)
        .output()
        .await
        .or_path("run", program)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
