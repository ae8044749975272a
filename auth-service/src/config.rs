//! Settings, read once at start. Each is a flag, an environment variable and a
//! line of help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chassis::cli::Settings;
use chassis::config::{DatabaseConfig, ServerConfig, seconds};
use clap::builder::{OsStringValueParser, TypedValueParser};
use secrecy::SecretString;

use crate::signer::Algorithm;

/// The longest lives, in seconds; beyond, dates could overflow.
const TEN_YEARS: u64 = 315_360_000;

/// What the operator can set.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, env, default_value = Config::LISTEN_ADDR)]
    pub listen_addr: SocketAddr,

    /// File of secret keys, one `KID:HEX` a line; the highest KID makes new tokens
    #[arg(long, env)]
    pub secret_keys_file: PathBuf,

    /// The `iss` claim of access tokens
    #[arg(long, env, default_value = "addressbook")]
    pub issuer: String,

    /// The `aud` claim of access tokens; those with `auth.admin` have `/auth` after it
    #[arg(long, env, default_value = "addressbook")]
    pub audience: String,

    /// How long after its log-in a session can ask for `auth.admin`, in seconds (15 minutes)
    #[arg(long = "admin-authentication-seconds", env = "ADMIN_AUTHENTICATION_SECONDS", default_value = "900", value_parser = seconds(1..=86_400))]
    pub admin_authentication: Duration,

    /// Algorithm of signing keys; where the one in use has another, it is replaced
    #[arg(long, env, value_enum, default_value = "EdDSA")]
    pub signing_algorithm: Algorithm,

    /// For how long a signing key signs, in seconds (30 days)
    #[arg(long = "signing-key-rotation-seconds", env = "SIGNING_KEY_ROTATION_SECONDS", default_value = "2592000", value_parser = seconds(1..=TEN_YEARS))]
    pub signing_key_rotation: Duration,

    /// How long the published keys may be kept, in seconds, 1 to 3600; a new key signs after twice that
    #[arg(long = "signing-key-cache-seconds", env = "SIGNING_KEY_CACHE_SECONDS", default_value = "300", value_parser = seconds(1..=3600))]
    pub signing_key_cache: Duration,

    /// Life of an access token, in seconds
    #[arg(long = "access-token-ttl-seconds", env = "ACCESS_TOKEN_TTL_SECONDS", default_value = "600", value_parser = seconds(1..=86_400))]
    pub access_token_ttl: Duration,

    /// Life of a session that is not refreshed, in seconds (14 days)
    #[arg(long = "refresh-idle-ttl-seconds", env = "REFRESH_IDLE_TTL_SECONDS", default_value = "1209600", value_parser = seconds(1..=TEN_YEARS))]
    pub refresh_idle_ttl: Duration,

    /// Life of a session at most, in seconds (90 days)
    #[arg(long = "refresh-absolute-ttl-seconds", env = "REFRESH_ABSOLUTE_TTL_SECONDS", default_value = "7776000", value_parser = seconds(1..=TEN_YEARS))]
    pub refresh_absolute_ttl: Duration,

    /// Time in which a refresh can be repeated without a request id, in seconds, 0 to 60
    #[arg(long = "refresh-grace-seconds", env = "REFRESH_GRACE_SECONDS", default_value = "30", value_parser = seconds(0..=60))]
    pub refresh_grace: Duration,

    /// Live sessions of one user at most, 1 to 500; a log-in beyond that ends the one that was used the longest ago
    #[arg(long, env, default_value = "100", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub sessions_per_user: u16,

    /// How far the clocks of replicas may differ, in seconds, 0 to 60
    #[arg(long = "token-leeway-seconds", env = "TOKEN_LEEWAY_SECONDS", default_value = "30", value_parser = seconds(0..=60))]
    pub token_leeway: Duration,

    /// Memory of one password hash, in KiB
    #[arg(long, env, default_value = "19456", value_parser = clap::value_parser!(u32).range(8..=4_194_304))]
    pub argon2_memory_kib: u32,

    /// Passes of one password hash over its memory
    #[arg(long, env, default_value = "2", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub argon2_iterations: u32,

    /// Lanes of one password hash
    #[arg(long, env, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub argon2_parallelism: u32,

    /// File of peppers for password hashes, one `KID:HEX` a line; none when left out
    #[arg(long, env)]
    pub password_pepper_file: Option<PathBuf>,

    /// KID of the pepper that new hashes get, 0 for none; the highest of the file when left out
    #[arg(long, env, requires = "password_pepper_file")]
    pub password_pepper_kid: Option<u8>,

    /// Threads that hash passwords; the number of processors when left out
    #[arg(long, env, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub hasher_threads: Option<u16>,

    /// Most log-ins and sign-ups that wait to be hashed
    #[arg(long, env, default_value = "256", value_parser = clap::value_parser!(u16).range(1..))]
    pub hasher_queue: u16,

    /// Failed log-ins of one address (IPv4, or IPv6 /64) before it is slowed down; 0 for no limit
    #[arg(long, env, default_value = "300", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub log_in_address_failures: u32,

    /// File with the secret of the contacts service, by which it may watch what is revoked
    #[arg(long, env)]
    pub contacts_secret_file: Option<PathBuf>,

    /// Name of this server in authenticator apps; without a colon
    #[arg(long, env, default_value = "addressbook", value_parser = app_name)]
    pub totp_issuer: String,

    /// Whether strangers can make accounts
    #[arg(long, env, default_value = "true", action = clap::ArgAction::Set)]
    pub sign_up_enabled: bool,

    /// Whether a log-in needs a confirmed e-mail
    #[arg(long, env, default_value = "false", action = clap::ArgAction::Set)]
    pub email_verification_required: bool,

    /// Time after which an account ends whose e-mail nobody has confirmed and which nobody uses, in seconds (30 days); 0 for never, as where no mail is sent
    #[arg(long = "unverified-account-seconds", env = "UNVERIFIED_ACCOUNT_SECONDS", default_value = "2592000", value_parser = seconds(0..=TEN_YEARS))]
    pub unverified_account: Duration,

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

/// What this program does besides.
#[derive(Debug, clap::Subcommand)]
pub enum OwnCommand {
    /// Make the account with this e-mail an administrator, then exit
    MakeAdmin(MakeAdminConfig),
}

/// What `make-admin` needs.
#[derive(Clone, Debug, clap::Args)]
pub struct MakeAdminConfig {
    /// E-mail of an account that has signed up
    #[arg(long)]
    pub email: String,

    /// Take the account also where nobody has confirmed that the e-mail is theirs
    #[arg(long)]
    pub unverified: bool,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,
}

/// How to send mail. An empty text is none, so that a compose file can leave it open.
#[derive(Clone, Debug, clap::Args)]
pub struct MailConfig {
    /// Mail server, such as `smtps://user@mail.example.com` or `smtp://user@mail.example.com:587?tls=required`; without it no mail is sent
    #[arg(long, env, hide_env_values = true)]
    pub smtp_url: Option<SecretString>,

    /// File that holds the password, in place of one in the URL
    #[arg(long, env, value_parser = path_or_none())]
    pub smtp_password_file: Option<PathBuf>,

    /// File with the certificates of those who issue the mail server's, PEM; those that the system trusts when left out
    #[arg(long, env, value_parser = path_or_none())]
    pub smtp_ca_file: Option<PathBuf>,

    /// Sender of mail, such as `Address book <noreply@example.com>`; required with `SMTP_URL`
    #[arg(long, env)]
    pub mail_from: Option<String>,

    /// Where the links in mail lead: `/verify-email#token=…` and `/reset-password#token=…` are put behind it; without it mail brings the token alone
    #[arg(long, env)]
    pub mail_link_base_url: Option<String>,

    /// Folder to write mail to where there is no mail server; its tokens go to the log; for development only
    #[arg(long, env, value_parser = path_or_none())]
    pub mail_folder: Option<PathBuf>,
}

impl Settings for Config {
    type Own = OwnCommand;

    const NAME: &'static str = "auth-service";
    const ABOUT: &'static str = "Signs users up and in, and hands out tokens";
    const LISTEN_ADDR: &'static str = "127.0.0.1:50051";

    fn server(&self) -> &ServerConfig {
        &self.server
    }
}

/// A path, or the empty text, which clap refuses by itself.
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
    use chassis::cli::{Cli, Command};

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
