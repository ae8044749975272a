//! The command line of both programs: `serve`, `migrate`, `health`, `generate-key`, and
//! the sub-commands of one program.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::database;
use crate::settings::config::{DatabaseConfig, RolePasswords, ServerConfig, TlsConfig};
use crate::settings::keyring;
use crate::start::probe::Transport;
use crate::start::traces::Traces;
use crate::start::{limits, probe};
use crate::telemetry::{self, LogFormat};

/// The settings of a service, as far as [`main`] needs them.
pub trait Settings: Args {
    /// The sub-commands that only this program has; `Infallible` for none.
    type Own: Subcommand + Debug;

    /// The name of the program.
    const NAME: &'static str;
    /// What it does, in a line.
    const ABOUT: &'static str;
    /// Its default address.
    const LISTEN_ADDR: &'static str;

    /// The settings shared with the other service.
    fn server(&self) -> &ServerConfig;
}

/// A whole command line.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli<S: Settings> {
    /// What to do; by default `serve`
    #[command(subcommand)]
    pub command: Command<S>,
}

/// What a program can do.
#[derive(Debug, Subcommand)]
pub enum Command<S: Settings> {
    /// Serve until stopped
    Serve(Box<S>),
    /// Bring the database up to date, then exit
    Migrate(MigrateConfig),
    /// Ask a running service whether it is healthy; exit with 0 if it is, otherwise with
    /// 1
    Health(HealthConfig),
    /// Print a line for the secret keys file
    GenerateKey(GenerateKeyConfig),
    /// The sub-commands of this program only
    #[command(flatten)]
    Own(S::Own),
}

/// Settings of `migrate`.
#[derive(Clone, Debug, Args)]
pub struct MigrateConfig {
    /// Format of the log lines
    #[arg(long, env, value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// The database, with an owner's rights.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// The roles' passwords.
    #[command(flatten)]
    pub passwords: RolePasswords,
}

/// Settings of `health`.
#[derive(Clone, Debug, Args)]
pub struct HealthConfig {
    /// Address of the service; by default the one that it listens on by default
    #[arg(long, env)]
    pub listen_addr: Option<SocketAddr>,

    /// PEM file of a client certificate, if the service requires one; by default the
    /// service's own
    #[arg(long, env, requires = "health_key_file")]
    pub health_cert_file: Option<PathBuf>,

    /// PEM file of the private key of that certificate
    #[arg(long, env, requires = "health_cert_file")]
    pub health_key_file: Option<PathBuf>,

    /// Whether the service uses TLS.
    #[command(flatten)]
    pub tls: TlsConfig,
}

impl HealthConfig {
    fn transport(self) -> Transport {
        let TlsConfig {
            tls_cert_file,
            tls_key_file,
            tls_client_ca_file,
        } = self.tls;
        if tls_cert_file.is_none() {
            return Transport::Plain;
        }
        let named = self.health_cert_file.zip(self.health_key_file);
        let own = || tls_client_ca_file.and(tls_cert_file.zip(tls_key_file));
        Transport::Tls(named.or_else(own))
    }
}

/// Settings of `generate-key`.
#[derive(Clone, Copy, Debug, Args)]
pub struct GenerateKeyConfig {
    /// Number of the key; one more than the highest in the file
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u8).range(1..))]
    pub kid: u8,
}

impl<S: Settings> Cli<S> {
    /// Parses a command line; one without a sub-command means `serve`.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut args: Vec<_> = args.into_iter().collect();
        let is_other = |first: &OsString| {
            let general = ["-h", "--help", "-V", "--version"];
            !first.as_encoded_bytes().starts_with(b"-") || general.iter().any(|flag| first == flag)
        };
        if !args.get(1).is_some_and(is_other) {
            args.insert(args.len().min(1), "serve".into());
        }
        let command = Self::command().name(S::NAME).about(S::ABOUT);
        let command = without_empty_variables(command);
        Self::from_arg_matches(&command.try_get_matches_from(args)?)
    }
}

/// Treats an empty variable as unset, because a compose file cannot unset a variable.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(None) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// Runs the process's command line: `serve` the service, `own` the sub-commands of this
/// program only.
pub async fn main<S: Settings>(
    serve: impl AsyncFnOnce(S) -> Result<(), Box<dyn Error>>,
    own: impl AsyncFnOnce(S::Own) -> Result<(), Box<dyn Error>>,
) -> ExitCode {
    let cli = Cli::<S>::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Serve(settings) => serve_traced(*settings, serve).await,
        Command::Migrate(config) => {
            telemetry::init(config.log_format);
            let migrated = database::migrate(&config.database, &config.passwords).await;
            migrated.map_err(Into::into)
        }
        Command::Health(config) => {
            let healthy = match config.listen_addr.or_else(|| S::LISTEN_ADDR.parse().ok()) {
                Some(addr) => probe::health(addr, &config.transport()).await,
                None => false,
            };
            return ExitCode::from(u8::from(!healthy));
        }
        Command::GenerateKey(config) => {
            telemetry::init(LogFormat::Text);
            print_key(config.kid)
        }
        Command::Own(command) => {
            telemetry::init(LogFormat::Text);
            own(command).await
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "the program failed");
            ExitCode::FAILURE
        }
    }
}

/// Serves, with traces if they are configured.
async fn serve_traced<S: Settings>(
    settings: S,
    serve: impl AsyncFnOnce(S) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let server = settings.server();
    let traces = Traces::start(&server.traces, S::NAME);
    match &traces {
        Ok(Some(_)) => telemetry::init_with_statements(server.log_format),
        Ok(None) | Err(_) => telemetry::init(server.log_format),
    }
    let traces = traces?;
    limits::open_as_many_files_as_allowed();
    let ended = serve(settings).await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
    ended
}

#[expect(clippy::print_stdout, reason = "the key is the program's output")]
fn print_key(kid: u8) -> Result<(), Box<dyn Error>> {
    println!("{}", *keyring::generate_line(kid)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Args)]
    struct Sample {
        #[command(flatten)]
        server: ServerConfig,
    }

    #[derive(Debug, Subcommand)]
    enum Own {
        Greet,
    }

    impl Settings for Sample {
        type Own = Own;

        const NAME: &'static str = "sample";
        const ABOUT: &'static str = "Serves as a sample";
        const LISTEN_ADDR: &'static str = "127.0.0.1:1";

        fn server(&self) -> &ServerConfig {
            &self.server
        }
    }

    fn read(args: &[&str]) -> Result<Command<Sample>, clap::Error> {
        Cli::read(args.iter().map(Into::into)).map(|cli| cli.command)
    }

    #[test]
    fn the_command_line_is_valid() {
        Cli::<Sample>::command().debug_assert();
    }

    #[test]
    fn a_command_line_without_sub_command_serves() {
        let serving = |args: &[&str]| matches!(read(args).unwrap(), Command::Serve(_));
        assert!(serving(&["sample"]));
        assert!(serving(&["sample", "--log-format", "json"]));
        assert!(!serving(&["sample", "generate-key"]));
        assert!(read(&["sample", "--nonsense"]).is_err());
    }

    #[test]
    fn a_program_can_have_a_sub_command_of_its_own() {
        let greets = matches!(
            read(&["sample", "greet"]).unwrap(),
            Command::Own(Own::Greet)
        );
        assert!(greets);
        assert!(read(&["sample", "part"]).is_err());
    }
}
