//! Starts the auth service, or does what a sub-command says.

use std::error::Error;
use std::process::ExitCode;

use auth_service::config::{Cli, Command, Config};
use chassis::clock::Clock;
use chassis::telemetry::LogFormat;
use chassis::{db, keyring, probe, shutdown, telemetry};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::read(std::env::args_os()).command {
        Command::Serve(config) => {
            telemetry::init(config.server.log_format);
            serve(*config).await
        }
        Command::Migrate(config) => {
            telemetry::init(config.log_format);
            db::migrate(&config.database, &config.passwords)
                .await
                .map_err(Into::into)
        }
        Command::Health(config) => {
            let healthy = probe::health(config.listen_addr).await;
            return ExitCode::from(u8::from(!healthy));
        }
        Command::GenerateKey(config) => {
            telemetry::init(LogFormat::Text);
            print_key(config.kid)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "cannot go on");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(config.listen_addr).await?;
    auth_service::run(config, Clock::System, listener, shutdown::requested()).await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the line is what was asked for")]
fn print_key(kid: u8) -> Result<(), Box<dyn Error>> {
    println!("{}", *keyring::generate_line(kid)?);
    Ok(())
}
