//! Runs the contacts service, or a sub-command.

use std::error::Error;
use std::process::ExitCode;

use chassis::clock::Clock;
use chassis::serve;
use chassis::start::{cli, shutdown};
use contacts_service::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::main(serve, async |none| match none {}).await
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let socket = serve::take(config.listen_addr)?;
    contacts_service::run(config, Clock::System, socket, shutdown::requested()).await?;
    Ok(())
}
