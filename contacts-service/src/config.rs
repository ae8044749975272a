//! Settings, read once at start. Each is a flag, an environment variable and a help text.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chassis::access::revocations::Mode;
use chassis::settings::config::{DatabaseConfig, ServerConfig, seconds};
use chassis::start::cli::Settings;

/// What the operator can set.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one
    #[arg(help_heading = "Network", long, env, default_value = Config::LISTEN_ADDR)]
    pub listen_addr: SocketAddr,

    /// File of secret keys, one `KID:HEX` per line (printed by `generate-key`); the highest KID seals page tokens
    #[arg(help_heading = "Keys and tokens", long, env)]
    pub secret_keys_file: PathBuf,

    /// URL of the auth service, which publishes the keys of access tokens
    #[arg(
        help_heading = "Auth service",
        long,
        env,
        default_value = "http://127.0.0.1:50051"
    )]
    pub auth_url: String,

    /// PEM file of CA certificates for the auth service; by default the public CAs of the
    /// web
    #[arg(help_heading = "Auth service", long, env)]
    pub auth_ca_file: Option<PathBuf>,

    /// PEM file of the client certificate for the auth service
    #[arg(
        help_heading = "Auth service",
        long,
        env,
        requires = "auth_client_key_file"
    )]
    pub auth_client_cert_file: Option<PathBuf>,

    /// PEM file of the private key of that certificate
    #[arg(
        help_heading = "Auth service",
        long,
        env,
        requires = "auth_client_cert_file"
    )]
    pub auth_client_key_file: Option<PathBuf>,

    /// File with the secret of `CONTACTS_SECRET_FILE` of the auth service; when unset,
    /// revoked tokens are accepted until they expire, and contacts of deleted users are
    /// not deleted
    #[arg(
        help_heading = "Auth service",
        long,
        env,
        required_if_eq("revocation_mode", "closed")
    )]
    pub auth_secret_file: Option<PathBuf>,

    /// What happens to access tokens while no revocations are received from the auth service
    #[arg(
        help_heading = "Auth service",
        long,
        env,
        value_enum,
        default_value = "open"
    )]
    pub revocation_mode: Mode,

    /// Time without a message from the auth service before that happens, in seconds, at least 3
    #[arg(help_heading = "Auth service", long = "revocation-silence-seconds", env = "REVOCATION_SILENCE_SECONDS", default_value = "10", value_parser = seconds(3..=3600))]
    pub revocation_silence: Duration,

    /// The `iss` claim that access tokens must have
    #[arg(
        help_heading = "Keys and tokens",
        long,
        env,
        default_value = "addressbook"
    )]
    pub issuer: String,

    /// The `aud` claim that access tokens must have
    #[arg(
        help_heading = "Keys and tokens",
        long,
        env,
        default_value = "addressbook"
    )]
    pub audience: String,

    /// Tolerated difference between the clocks of the services, in seconds, 0 to 60
    #[arg(help_heading = "Keys and tokens", long = "token-leeway-seconds", env = "TOKEN_LEEWAY_SECONDS", default_value = "30", value_parser = seconds(0..=60))]
    pub token_leeway: Duration,

    /// Maximum number of contacts per owner, without deleted ones
    #[arg(help_heading = "Contacts", long, env, default_value = "50000", value_parser = clap::value_parser!(i64).range(1..=1_000_000_000))]
    pub contact_quota: i64,

    /// Maximum size of one owner's contacts in bytes, with deleted ones (256 MiB)
    #[arg(help_heading = "Contacts", long, env, default_value = "268435456", value_parser = clap::value_parser!(i64).range(65_536..=1 << 50))]
    pub contact_bytes_quota: i64,

    /// Whether replicas notify each other of changes by LISTEN and NOTIFY, which takes one more
    /// connection to the database; without it watchers receive changes within a second
    #[arg(help_heading = "Contacts", long, env, value_enum, default_value = "on")]
    pub watch_listen: WatchListen,

    /// Memory for copies of the address books that are searched, in MiB, about 0.3 KB a contact; the
    /// least recently searched are dropped first. Larger address books are read for each search; 0:
    /// all of them
    #[arg(help_heading = "Contacts", long, env, default_value = "256", value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub search_memory_mib: u32,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// The server.
    #[command(flatten)]
    pub server: ServerConfig,
}

impl Config {
    /// The memory for copies of address books, in bytes.
    #[must_use]
    pub fn search_memory(&self) -> usize {
        usize::try_from(self.search_memory_mib)
            .unwrap_or(usize::MAX)
            .saturating_mul(1 << 20)
    }
}

/// Whether a replica receives notifications of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WatchListen {
    /// Replicas notify each other, if the database supports it
    On,
    /// They do not
    Off,
}

impl Settings for Config {
    type Own = Infallible;

    const NAME: &'static str = "contacts-service";
    const ABOUT: &'static str = "Stores every user's address book";
    const LISTEN_ADDR: &'static str = "127.0.0.1:50052";

    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
