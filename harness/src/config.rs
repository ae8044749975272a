//! The settings of the sub-commands: flags, some of which are environment variables, too.

use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

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

/// Settings of `reference`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReferenceConfig {
    /// Write nothing; fail if the pages are not up to date
    #[arg(long)]
    pub check: bool,
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

    /// Origins of web pages that may call the services, besides the console, separated by
    /// commas
    #[arg(
        long,
        env,
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub allowed_origins: String,

    /// Format of the services' log lines: text or json
    #[arg(long, env)]
    pub log_format: Option<String>,

    /// Rate limits, as in the services' `RATE_LIMITS`, or `default` for those of the
    /// services; by default off, because all clients have one address
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

/// Settings of the services that `cargo dev` refuses, because it serves without TLS.
const TLS_VARIABLES: [&str; 6] = [
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
    "TLS_CLIENT_CA_FILE",
    "AUTH_CA_FILE",
    "AUTH_CLIENT_CERT_FILE",
    "AUTH_CLIENT_KEY_FILE",
];

/// The first variable of the environment that configures TLS.
pub(crate) fn tls_variable() -> Option<&'static str> {
    let is_set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    TLS_VARIABLES.iter().find(is_set).copied()
}

impl UpConfig {
    /// A system with its data in this folder and its services on free ports, without rate
    /// limits.
    pub(crate) fn in_folder(data_dir: PathBuf) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            place: Place {
                data_dir: Some(data_dir),
                database_url: None,
            },
            ephemeral: false,
            postgres_bin_dir: None,
            auth_listen: free,
            contacts_listen: free,
            allowed_origins: String::new(),
            log_format: None,
            rate_limits: "off".to_owned(),
            metrics_addr: None,
            seed: None,
            contact_quota: None,
            mail: false,
            log_filter: None,
            cargo: None,
        }
    }

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
