//! Runs the auth service, or a sub-command.

use std::error::Error;
use std::process::ExitCode;

use auth_service::administration::make_admin;
use auth_service::config::{Config, OwnCommand};
use chassis::clock::Clock;
use chassis::serve;
use chassis::start::{cli, shutdown};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::main(serve, do_own).await
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let socket = serve::take(config.listen_addr)?;
    auth_service::run(config, Clock::System, socket, shutdown::requested()).await?;
    Ok(())
}

async fn do_own(command: OwnCommand) -> Result<(), Box<dyn Error>> {
    match command {
        OwnCommand::MakeAdmin(config) => make_admin(config, Clock::System).await?,
    }
    Ok(())
}
