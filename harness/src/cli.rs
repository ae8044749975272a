//! The command line of `cargo dev`.

use std::ffi::OsString;

use clap::Parser;

use crate::config::{
    ConfigurationConfig, MakeAdminConfig, PrepareConfig, ReferenceConfig, UpConfig,
};
use crate::load::LoadConfig;
use crate::torture::TortureConfig;

/// Runs the address book on this machine
#[derive(Debug, Parser)]
#[command(
    name = "cargo dev",
    bin_name = "cargo dev",
    after_help = "`cargo dev` alone means `cargo dev up`; `cargo dev up --help` shows its options."
)]
pub struct Cli {
    /// What to do; by default `up`
    #[command(subcommand)]
    pub command: Command,
}

/// The sub-commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start the database and both services, and keep them running
    Up(Box<UpConfig>),
    /// Measure speed and cost on a system of its own
    Load(Box<LoadConfig>),
    /// Break a system of its own under load, and check that nothing acknowledged is lost
    Torture(TortureConfig),
    /// Make an account of the running system an administrator
    MakeAdmin(MakeAdminConfig),
    /// Check every query against a migrated database, and write `.sqlx`
    Prepare(PrepareConfig),
    /// Write `docs/CONFIGURATION.md` from the services' help
    Configuration(ConfigurationConfig),
    /// Write `docs/reference` from the protos and the examples
    Reference(ReferenceConfig),
}

impl Cli {
    /// Reads the command line; the default sub-command is `up`.
    #[must_use]
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(with_default(args))
    }
}

fn with_default(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.into_iter().collect();
    let is_other = |first: &OsString| {
        let is_general = ["-h", "--help"].iter().any(|flag| first == flag);
        is_general || !first.as_encoded_bytes().starts_with(b"-")
    };
    if !args.get(1).is_some_and(is_other) {
        args.insert(args.len().min(1), "up".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn read(line: &str) -> UpConfig {
        match Cli::read(line.split(' ').map(OsString::from)).command {
            Command::Up(config) => *config,
            _ => unreachable!("the arguments say up"),
        }
    }

    #[test]
    fn flags_work_with_and_without_the_sub_command() {
        assert!(!read("dev").ephemeral);
        assert!(read("dev --ephemeral").ephemeral);
        assert!(read("dev up --ephemeral").ephemeral);
        assert_eq!(read("dev --seed 500").seed, Some(500));
    }

    #[test]
    fn a_named_folder_wins() {
        let dir = read("dev up --data-dir /tmp/x").place.kept_dir();

        assert_eq!(dir, Some(PathBuf::from("/tmp/x")));
    }
}
