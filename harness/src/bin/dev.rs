//! `cargo dev`: starts the whole system on this machine.

use std::process::ExitCode;

use harness::cli::{Cli, Command};
use harness::{configuration, load, make_admin, prepare, print, reference, torture, up};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::read(std::env::args_os());
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,embedded_postgres=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let result = match cli.command {
        Command::Up(config) => up::run(*config).await,
        Command::Load(config) => load::run(*config).await,
        Command::Torture(config) => torture::run(config).await,
        Command::MakeAdmin(config) => make_admin::run(config).await,
        Command::Prepare(config) => prepare::run(config).await,
        Command::Configuration(config) => configuration::run(config).await,
        Command::Reference(config) => reference::run(&config),
    };

    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::problem(&error);
            ExitCode::FAILURE
        }
    }
}
