//! The settings of `cargo dev torture`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::fault::Fault;

/// Settings of `torture`.
#[derive(Debug, Clone, clap::Args)]
pub struct TortureConfig {
    /// Time of the load, in seconds; at most 3000, because access tokens last an hour
    #[arg(long, default_value = "60", value_parser = clap::value_parser!(u64).range(1..=3000))]
    pub seconds: u64,

    /// Seed of the operations; by default a random one, which is printed
    #[arg(long)]
    pub seed: Option<u64>,

    /// What breaks; by default everything, with `--fault` alone nothing
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., value_name = "NAME")]
    pub fault: Option<Vec<Fault>>,

    /// Users with address books
    #[arg(long, default_value = "6", value_parser = clap::value_parser!(u32).range(2..=100))]
    pub owners: u32,

    /// Users who only sign up, log in, refresh and log out
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u32).range(..=100))]
    pub accounts: u32,

    /// Program that builds the services first; set by cargo
    #[arg(long, env = "CARGO", hide = true)]
    pub cargo: Option<PathBuf>,
}

impl TortureConfig {
    /// What breaks.
    pub(super) fn faults(&self) -> &[Fault] {
        self.fault.as_deref().unwrap_or(Fault::value_variants())
    }
}
