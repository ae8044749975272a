//! The command line: flags, some of which are environment variables, too.

use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::ParseIntError;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::load::{Axis, Load, Scenario, Stack};

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
    /// Make an account of the running system an administrator
    MakeAdmin(MakeAdminConfig),
    /// Check every query against a migrated database, and write `.sqlx`
    Prepare(PrepareConfig),
    /// Write `docs/CONFIGURATION.md` from the services' help
    Configuration(ConfigurationConfig),
}

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

    /// Measure what has a goal, and print the table of goals
    #[arg(long, conflicts_with = "auth_at")]
    pub goals: bool,

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

    /// Other stacks to measure in the same run; all when none is named
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_missing_values = Stack::NAMES)]
    pub peers: Vec<Stack>,

    /// Folder with `auth-service` and `contacts-service` of another build to compare with
    #[arg(long)]
    pub compare: Option<PathBuf>,

    /// Address of a running auth service to measure, instead of starting a system
    #[arg(long, requires = "contacts_at")]
    pub auth_at: Option<SocketAddr>,

    /// Address of the contacts service that belongs to it
    #[arg(long, requires = "auth_at")]
    pub contacts_at: Option<SocketAddr>,

    /// Its process id, to measure its processor time
    #[arg(long, requires = "auth_at")]
    pub auth_pid: Option<u32>,

    /// Its process id, to measure its processor time
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
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        UpConfig {
            place: Place {
                data_dir: Some(data_dir),
                database_url: None,
            },
            ephemeral: false,
            postgres_bin_dir: None,
            auth_listen: free,
            contacts_listen: free,
            log_format: None,
            rate_limits: "off".to_owned(),
            metrics_addr: None,
            seed: None,
            // A load stores more contacts than a person would.
            contact_quota: Some(1_000_000_000),
            mail: false,
            log_filter: None,
            cargo: self.cargo.clone(),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// Settings of `prepare`.
#[derive(Debug, Clone, clap::Args)]
pub struct PrepareConfig {
    /// Write nothing; fail if `.sqlx` is not up to date
    #[arg(long)]
    pub check: bool,

    /// Program that compiles; set by cargo
    #[arg(long, env = "CARGO", hide = true, default_value = "cargo")]
    pub cargo: PathBuf,
}

/// Settings of `configuration`.
#[derive(Debug, Clone, clap::Args)]
pub struct ConfigurationConfig {
    /// Write nothing; fail if the page is not up to date
    #[arg(long)]
    pub check: bool,

    /// Program that compiles; set by cargo
    #[arg(long, env = "CARGO", hide = true)]
    pub cargo: Option<PathBuf>,
}

/// Where the system stores its data.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Folder of the database and the secret keys [default: /var/lib/addressbook for root, else
    /// ~/.local/share/addressbook]
    #[arg(long)]
    pub data_dir: Option<PathBuf>,

    /// An existing PostgreSQL database to use, as a user that may migrate it
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Option<String>,
}

/// Settings of `make-admin`.
#[derive(Debug, Clone, clap::Args)]
pub struct MakeAdminConfig {
    /// Where the running system stores its data.
    #[command(flatten)]
    pub place: Place,

    /// Arguments for `auth-service make-admin`, such as --email ada@example.com
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,

    /// Program that builds the services first; set by cargo
    #[arg(long, env = "CARGO", hide = true)]
    pub cargo: Option<PathBuf>,
}

/// Settings of `up`.
#[derive(Debug, Clone, clap::Args)]
pub struct UpConfig {
    /// Where to store the data.
    #[command(flatten)]
    pub place: Place,

    /// Use a new temporary folder, and remove it at the end
    #[arg(long, conflicts_with = "data_dir")]
    pub ephemeral: bool,

    /// Folder of the PostgreSQL programs to use [env: `POSTGRES_BIN_DIR`]
    #[arg(long)]
    pub postgres_bin_dir: Option<PathBuf>,

    /// Address of the auth service; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:50051")]
    pub auth_listen: SocketAddr,

    /// Address of the contacts service; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:50052")]
    pub contacts_listen: SocketAddr,

    /// Format of the services' log lines: text or json
    #[arg(long, env)]
    pub log_format: Option<String>,

    /// Rate limits, as in the services' `RATE_LIMITS`; by default off, because all
    /// clients have one address
    #[arg(long, env, default_value = "off")]
    pub rate_limits: String,

    /// Address that serves the metrics of the auth service; the contacts service takes the next
    /// port. Disabled when unset
    #[arg(long, env)]
    pub metrics_addr: Option<SocketAddr>,

    /// Create a demo user with this many contacts
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,

    /// Maximum number of contacts per owner, if not the service's default.
    #[arg(skip)]
    pub contact_quota: Option<u32>,

    /// Whether the auth service writes mail into a folder, and tokens to its log.
    #[arg(skip = true)]
    pub mail: bool,

    /// What the services log, instead of `RUST_LOG`.
    #[arg(skip)]
    pub log_filter: Option<&'static str>,

    /// Program that builds the services first; set by cargo
    #[arg(long, env = "CARGO", hide = true)]
    pub cargo: Option<PathBuf>,
}

/// Settings of the services that `cargo dev` cannot pass on, because it serves without
/// TLS.
const TLS_VARIABLES: [&str; 6] = [
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
    "TLS_CLIENT_CA_FILE",
    "AUTH_CA_FILE",
    "AUTH_CLIENT_CERT_FILE",
    "AUTH_CLIENT_KEY_FILE",
];

/// The first variable of the environment that asks for TLS.
pub(crate) fn tls_variable() -> Option<&'static str> {
    let is_set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    TLS_VARIABLES.iter().find(is_set).copied()
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

impl UpConfig {
    /// The address of the contacts service's metrics.
    pub(crate) fn contacts_metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr.map(|mut addr| {
            // Port 0 picks a free one for either service.
            if addr.port() != 0 {
                addr.set_port(addr.port().saturating_add(1));
            }
            addr
        })
    }
}

impl Place {
    /// The default data folder.
    pub(crate) fn kept_dir(&self) -> Option<PathBuf> {
        if let Some(dir) = &self.data_dir {
            return Some(dir.clone());
        }
        if nix::unistd::geteuid().is_root() {
            return Some(PathBuf::from("/var/lib/addressbook"));
        }
        env::var_os("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".local/share")))
            .map(|dir| dir.join("addressbook"))
    }

    /// The existing database, unless the variable is empty.
    pub(crate) fn existing_database(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }
}

#[cfg(test)]
mod tests {
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
