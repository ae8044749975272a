//! Settings, read once at start. Each is a flag, an environment variable and a
//! line of help.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chassis::cli::Settings;
use chassis::config::{DatabaseConfig, ServerConfig, seconds};
use chassis::revocations::Mode;

/// What the operator can set.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, env, default_value = Config::LISTEN_ADDR)]
    pub listen_addr: SocketAddr,

    /// File of secret keys, one `KID:HEX` a line; the highest KID seals page tokens
    #[arg(long, env)]
    pub secret_keys_file: PathBuf,

    /// Address of the auth service, which publishes the keys of access tokens
    #[arg(long, env, default_value = "http://127.0.0.1:50051")]
    pub auth_url: String,

    /// File with the certificates of those who issue the auth service's, PEM; the public web's when left out
    #[arg(long, env)]
    pub auth_ca_file: Option<PathBuf>,

    /// File with the certificate to show to the auth service, PEM
    #[arg(long, env, requires = "auth_client_key_file")]
    pub auth_client_cert_file: Option<PathBuf>,

    /// File with the key of that certificate, PEM
    #[arg(long, env, requires = "auth_client_cert_file")]
    pub auth_client_key_file: Option<PathBuf>,

    /// File with the secret that `CONTACTS_SECRET_FILE` of the auth service names; without it revoked
    /// tokens live to their end, and contacts of deleted users stay
    #[arg(long, env, required_if_eq("revocation_mode", "closed"))]
    pub auth_secret_file: Option<PathBuf>,

    /// What happens to tokens while the auth service does not tell which are revoked
    #[arg(long, env, value_enum, default_value = "open")]
    pub revocation_mode: Mode,

    /// Longest silence of the auth service before that, in seconds, 3 at least
    #[arg(long = "revocation-silence-seconds", env = "REVOCATION_SILENCE_SECONDS", default_value = "10", value_parser = seconds(3..=3600))]
    pub revocation_silence: Duration,

    /// The `iss` claim that access tokens must have
    #[arg(long, env, default_value = "addressbook")]
    pub issuer: String,

    /// The `aud` claim that access tokens must have
    #[arg(long, env, default_value = "addressbook")]
    pub audience: String,

    /// How far the clocks of the services may differ, in seconds, 0 to 60
    #[arg(long = "token-leeway-seconds", env = "TOKEN_LEEWAY_SECONDS", default_value = "30", value_parser = seconds(0..=60))]
    pub token_leeway: Duration,

    /// Most live contacts of one owner
    #[arg(long, env, default_value = "50000", value_parser = clap::value_parser!(i64).range(1..=1_000_000_000))]
    pub contact_quota: i64,

    /// Most bytes of one owner's contacts, those of deleted ones included (256 MiB)
    #[arg(long, env, default_value = "268435456", value_parser = clap::value_parser!(i64).range(65_536..=1 << 50))]
    pub contact_bytes_quota: i64,

    /// Whether replicas tell each other of changes by LISTEN and NOTIFY, which takes one connection
    /// more to the database; without it those who watch learn of them within a second
    #[arg(long, env, value_enum, default_value = "on")]
    pub watch_listen: WatchListen,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// The server.
    #[command(flatten)]
    pub server: ServerConfig,
}

/// Whether a replica listens to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WatchListen {
    /// It does, where the database lets it
    On,
    /// It does not
    Off,
}

impl Settings for Config {
    type Own = Infallible;

    const NAME: &'static str = "contacts-service";
    const ABOUT: &'static str = "Keeps every user's address book";
    const LISTEN_ADDR: &'static str = "127.0.0.1:50052";

    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
