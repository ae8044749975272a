//! The settings of `cargo dev load`.

use std::net::SocketAddr;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::{Axis, Group, Load, Scenario, Stack};
use crate::config::UpConfig;

/// Settings of `load`.
#[derive(Debug, Clone, clap::Args)]
pub struct LoadConfig {
    /// Scenarios to measure; by default all
    #[arg(long, value_enum, value_delimiter = ',')]
    pub scenario: Vec<Scenario>,

    /// Measured time of each scenario, in seconds
    #[arg(long = "seconds", default_value = "4", value_parser = seconds)]
    pub seconds: Duration,

    /// Warm-up of each scenario, in seconds
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub warm_up: Duration,

    /// Number of measurements of each scenario; the table shows the medians
    #[arg(long, default_value = "3")]
    pub rounds: u32,

    /// HTTP/2 connections
    #[arg(long, default_value = "8")]
    pub connections: u32,

    /// Calls in flight on each connection
    #[arg(long, default_value = "4")]
    pub in_flight: u32,

    /// Calls a second at a fixed rate (open loop); by default as fast as responses arrive
    #[arg(long)]
    pub rate: Option<u32>,

    /// Users
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u32).range(1..))]
    pub owners: u32,

    /// Contacts of each user
    #[arg(long, default_value = "1000", value_parser = clap::value_parser!(u32).range(1..))]
    pub contacts: u32,

    /// Measure what has a goal, and print the table of goals; of all groups when none is
    /// named
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., conflicts_with = "auth_at", default_missing_values = Group::NAMES)]
    pub goals: Vec<Group>,

    /// Measure how the cost of a call grows with the size of these; all when none is
    /// named
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., conflicts_with_all = ["goals", "auth_at"], default_missing_values = Axis::NAMES)]
    pub growth: Vec<Axis>,

    /// The largest table that `--growth` makes, in contacts; a tenth, a hundredth and so on
    /// are measured, too
    #[arg(long, default_value = "1000000", value_parser = clap::value_parser!(u32).range(10_000..))]
    pub table: u32,

    /// Do not run pgbench with the same statements
    #[arg(long)]
    pub no_pgbench: bool,

    /// Do not analyze the tables first: the planner knows nothing of them, as after a restore
    #[arg(long, conflicts_with = "auth_at")]
    pub no_analyze: bool,

    /// Other stacks to measure in the same run; all when none is named
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_missing_values = Stack::NAMES)]
    pub peers: Vec<Stack>,

    /// Folder with `auth-service` and `contacts-service` of another build to compare with
    #[arg(long)]
    pub compare: Option<PathBuf>,

    /// Address of a running auth service to measure, instead of starting a system
    #[arg(long, requires = "contacts_at")]
    pub auth_at: Option<SocketAddr>,

    /// Address of the contacts service that belongs to that auth service
    #[arg(long, requires = "auth_at")]
    pub contacts_at: Option<SocketAddr>,

    /// Process id of that auth service, to measure its processor time
    #[arg(long, requires = "auth_at")]
    pub auth_pid: Option<u32>,

    /// Process id of that contacts service, to measure its processor time
    #[arg(long, requires = "auth_at")]
    pub contacts_pid: Option<u32>,

    /// Process id of the database server, to measure its processor time
    #[arg(long, requires = "auth_at")]
    pub postgres_pid: Option<u32>,

    /// Folder for the figures
    #[arg(long, default_value = "target/load")]
    pub out: PathBuf,

    /// Folder with the installed other stacks
    #[arg(long, default_value = "target/peers")]
    pub peer_tools: PathBuf,

    /// Program that builds the services first; set by cargo
    #[arg(long, env = "CARGO", hide = true)]
    pub cargo: Option<PathBuf>,
}

impl LoadConfig {
    /// The requested scenarios.
    pub(crate) fn scenarios(&self) -> &[Scenario] {
        if self.scenario.is_empty() {
            Scenario::value_variants()
        } else {
            &self.scenario
        }
    }

    /// How calls are made.
    pub(crate) fn load(&self) -> Load {
        Load {
            connections: self.connections,
            in_flight: self.in_flight,
            rate: self.rate,
            warm_up: self.warm_up,
            time: self.seconds,
        }
    }

    /// A system of its own in this folder, on free ports.
    pub(crate) fn system(&self, data_dir: PathBuf) -> UpConfig {
        UpConfig {
            // A load stores more contacts than a person would.
            contact_quota: Some(1_000_000_000),
            cargo: self.cargo.clone(),
            ..UpConfig::in_folder(data_dir)
        }
    }
}

fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_secs)
}
