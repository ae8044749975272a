//! Settings, read once at start. Each is a flag, an environment variable and a help text.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use chassis::settings::config::{DatabaseConfig, ServerConfig, seconds};
use chassis::settings::origin::origin;
use chassis::start::cli::Settings;
use clap::builder::{OsStringValueParser, TypedValueParser};
use secrecy::SecretString;

use crate::model::signing_key::Algorithm;

/// The longest lifetimes, in seconds; with longer ones dates could overflow.
const TEN_YEARS: u64 = 315_360_000;

/// What the operator can set.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one
    #[arg(help_heading = "Network", long, env, default_value = Config::LISTEN_ADDR)]
    pub listen_addr: SocketAddr,

    /// File of secret keys, one `KID:HEX` per line (printed by `generate-key`); the highest KID signs and seals new tokens
    #[arg(help_heading = "Keys and tokens", long, env)]
    pub secret_keys_file: PathBuf,

    /// The `iss` claim of access tokens
    #[arg(
        help_heading = "Keys and tokens",
        long,
        env,
        default_value = "addressbook"
    )]
    pub issuer: String,

    /// The `aud` claim of access tokens; tokens with `auth.admin` have `/auth` appended
    #[arg(
        help_heading = "Keys and tokens",
        long,
        env,
        default_value = "addressbook"
    )]
    pub audience: String,

    /// Time after a log-in in which its session can request `auth.admin`, in seconds (15 minutes)
    #[arg(help_heading = "Keys and tokens", long = "admin-authentication-seconds", env = "ADMIN_AUTHENTICATION_SECONDS", default_value = "900", value_parser = seconds(1..=86_400))]
    pub admin_authentication: Duration,

    /// Algorithm of signing keys; an active key with another algorithm is replaced
    #[arg(
        help_heading = "Keys and tokens",
        long,
        env,
        value_enum,
        default_value = "EdDSA"
    )]
    pub signing_algorithm: Algorithm,

    /// Time for which a signing key signs, in seconds (30 days)
    #[arg(help_heading = "Keys and tokens", long = "signing-key-rotation-seconds", env = "SIGNING_KEY_ROTATION_SECONDS", default_value = "2592000", value_parser = seconds(1..=TEN_YEARS))]
    pub signing_key_rotation: Duration,

    /// Time for which clients may cache the published keys, in seconds, 1 to 3600; a new key signs after twice that
    #[arg(help_heading = "Keys and tokens", long = "signing-key-cache-seconds", env = "SIGNING_KEY_CACHE_SECONDS", default_value = "300", value_parser = seconds(1..=3600))]
    pub signing_key_cache: Duration,

    /// Lifetime of an access token, in seconds
    #[arg(help_heading = "Keys and tokens", long = "access-token-ttl-seconds", env = "ACCESS_TOKEN_TTL_SECONDS", default_value = "600", value_parser = seconds(1..=86_400))]
    pub access_token_ttl: Duration,

    /// Lifetime of a session that is not refreshed, in seconds (14 days)
    #[arg(help_heading = "Keys and tokens", long = "refresh-idle-ttl-seconds", env = "REFRESH_IDLE_TTL_SECONDS", default_value = "1209600", value_parser = seconds(1..=TEN_YEARS))]
    pub refresh_idle_ttl: Duration,

    /// Maximum lifetime of a session, in seconds (90 days)
    #[arg(help_heading = "Keys and tokens", long = "refresh-absolute-ttl-seconds", env = "REFRESH_ABSOLUTE_TTL_SECONDS", default_value = "7776000", value_parser = seconds(1..=TEN_YEARS))]
    pub refresh_absolute_ttl: Duration,

    /// Time in which a refresh can be repeated without a request id, in seconds, 0 to 60
    #[arg(help_heading = "Keys and tokens", long = "refresh-grace-seconds", env = "REFRESH_GRACE_SECONDS", default_value = "30", value_parser = seconds(0..=60))]
    pub refresh_grace: Duration,

    /// Maximum number of sessions per user, 1 to 500; a further log-in ends the least recently used one
    #[arg(help_heading = "Keys and tokens", long, env, default_value = "100", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub sessions_per_user: u16,

    /// Tolerated difference between the clocks of replicas, in seconds, 0 to 60
    #[arg(help_heading = "Keys and tokens", long = "token-leeway-seconds", env = "TOKEN_LEEWAY_SECONDS", default_value = "30", value_parser = seconds(0..=60))]
    pub token_leeway: Duration,

    /// Memory of one password hash, in KiB
    #[arg(help_heading = "Passwords and second factor", long, env, default_value = "19456", value_parser = clap::value_parser!(u32).range(8..=4_194_304))]
    pub argon2_memory_kib: u32,

    /// Iterations of one password hash
    #[arg(help_heading = "Passwords and second factor", long, env, default_value = "2", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub argon2_iterations: u32,

    /// Parallelism of one password hash
    #[arg(help_heading = "Passwords and second factor", long, env, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub argon2_parallelism: u32,

    /// File of peppers for password hashes, one `KID:HEX` per line (printed by `generate-key`); no pepper by default
    #[arg(help_heading = "Passwords and second factor", long, env)]
    pub password_pepper_file: Option<PathBuf>,

    /// KID of the pepper for new hashes, 0 for none; by default the highest in the file
    #[arg(
        help_heading = "Passwords and second factor",
        long,
        env,
        requires = "password_pepper_file"
    )]
    pub password_pepper_kid: Option<u8>,

    /// Threads that hash passwords; by default the number of processors
    #[arg(help_heading = "Passwords and second factor", long, env, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub hasher_threads: Option<u16>,

    /// Maximum number of log-ins and sign-ups that wait for a hash
    #[arg(help_heading = "Passwords and second factor", long, env, default_value = "256", value_parser = clap::value_parser!(u16).range(1..))]
    pub hasher_queue: u16,

    /// Failed log-ins from one address (IPv4, or IPv6 /64) after which it is slowed down; 0 for no limit
    #[arg(help_heading = "Passwords and second factor", long, env, default_value = "300", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub log_in_address_failures: u32,

    /// File with the secret that allows the contacts service to subscribe to revocations
    #[arg(help_heading = "Keys and tokens", long, env)]
    pub contacts_secret_file: Option<PathBuf>,

    /// Name of this server in authenticator apps; without a colon
    #[arg(help_heading = "Passwords and second factor", long, env, default_value = "addressbook", value_parser = app_name)]
    pub totp_issuer: String,

    /// Whether anybody can sign up
    #[arg(help_heading = "Accounts", long, env, default_value = "true", action = clap::ArgAction::Set)]
    pub sign_up_enabled: bool,

    /// Whether a log-in requires a verified e-mail address
    #[arg(help_heading = "Accounts", long, env, default_value = "false", action = clap::ArgAction::Set)]
    pub email_verification_required: bool,

    /// Time after which an unused account with an unverified e-mail address is deleted, in seconds (30 days); 0 for never; without a mail server it is never deleted
    #[arg(help_heading = "Accounts", long = "unverified-account-seconds", env = "UNVERIFIED_ACCOUNT_SECONDS", default_value = "2592000", value_parser = seconds(0..=TEN_YEARS))]
    pub unverified_account: Duration,

    /// Origin of the contacts service as browsers reach it, such as
    /// `https://contacts.example.com`; when set, the service serves the console, a web page, at
    /// `/console/`; disabled when unset
    #[arg(help_heading = "Console", long, env, value_parser = origin)]
    pub console_contacts_url: Option<HeaderValue>,

    /// Mail.
    #[command(flatten)]
    pub mail: MailConfig,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// The server.
    #[command(flatten)]
    pub server: ServerConfig,
}

/// The sub-commands of this program only.
#[derive(Debug, clap::Subcommand)]
pub enum OwnCommand {
    /// Make the account with this e-mail an administrator, then exit
    MakeAdmin(MakeAdminConfig),
}

/// Settings of `make-admin`.
#[derive(Clone, Debug, clap::Args)]
pub struct MakeAdminConfig {
    /// E-mail of an account that has signed up
    #[arg(long)]
    pub email: String,

    /// Also accept an account whose e-mail address is not verified
    #[arg(long)]
    pub unverified: bool,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,
}

/// How to send mail. An empty text counts as unset, because a compose file cannot unset a
/// variable.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Mail")]
pub struct MailConfig {
    /// URL of the mail server, such as `smtps://user@mail.example.com` or
    /// `smtp://user@mail.example.com:587?tls=required`; no mail is sent when unset
    #[arg(long, env, hide_env_values = true)]
    pub smtp_url: Option<SecretString>,

    /// File with the password, instead of one in the URL
    #[arg(long, env, value_parser = path_or_none())]
    pub smtp_password_file: Option<PathBuf>,

    /// PEM file of CA certificates for the mail server; by default the system's trust
    /// store
    #[arg(long, env, value_parser = path_or_none())]
    pub smtp_ca_file: Option<PathBuf>,

    /// Sender of mail, such as `Address book <noreply@example.com>`; required with `SMTP_URL`
    #[arg(long, env)]
    pub mail_from: Option<String>,

    /// Base URL of links in mail, to which `/verify-email#token=…` and `/reset-password#token=…` are appended; without it mail contains the token only
    #[arg(long, env)]
    pub mail_link_base_url: Option<String>,

    /// Folder to write mail to instead of sending it; its tokens are logged; for development only
    #[arg(long, env, value_parser = path_or_none())]
    pub mail_folder: Option<PathBuf>,
}

impl Settings for Config {
    type Own = OwnCommand;

    const NAME: &'static str = "auth-service";
    const ABOUT: &'static str = "Signs users up, logs them in, and issues tokens";
    const LISTEN_ADDR: &'static str = "127.0.0.1:50051";

    fn server(&self) -> &ServerConfig {
        &self.server
    }
}

/// A path, or the empty text, which clap would refuse.
fn path_or_none() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn app_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(':') || text.chars().any(char::is_control) {
        return Err("needs a name without colons and control characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use chassis::start::cli::{Cli, Command};

    use super::*;

    fn config(more: &[&str]) -> Result<Config, clap::Error> {
        let required = [
            "auth-service",
            "--database-url=postgres://h/d",
            "--secret-keys-file=k",
        ];
        let args = required.iter().chain(more).map(Into::into);
        match Cli::read(args)?.command {
            Command::Serve(config) => Ok(*config),
            _ => unreachable!("no sub-command means serve"),
        }
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = config(&[]).unwrap();
        assert_eq!(config.access_token_ttl.as_secs(), 600);
        assert_eq!(config.refresh_idle_ttl.as_secs(), 14 * 86400);
        assert_eq!(config.refresh_absolute_ttl.as_secs(), 90 * 86400);
        assert_eq!(
            (config.argon2_memory_kib, config.argon2_iterations),
            (19456, 2)
        );
        assert_eq!(config.signing_key_rotation.as_secs(), 30 * 86400);
        assert_eq!(config.signing_key_cache.as_secs(), 300);
        assert!(config.sign_up_enabled);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for flag in [
            "--refresh-grace-seconds=61",
            "--access-token-ttl-seconds=0",
            "--refresh-idle-ttl-seconds=99999999999",
            "--hasher-threads=0",
            "--signing-algorithm=HS256",
            "--signing-key-rotation-seconds=0",
            "--signing-key-cache-seconds=0",
            "--signing-key-cache-seconds=3601",
            "--token-leeway-seconds=x",
        ] {
            assert!(config(&[flag]).is_err(), "{flag}");
        }
    }
}
