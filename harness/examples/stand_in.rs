//! Replaces a service in the tests of `dev`: reads the same environment variables,
//! reports SERVING, and does nothing else.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

/// What `dev` sets.
#[derive(Parser)]
struct Config {
    /// `migrate` or nothing
    command: Option<String>,
    #[arg(long, env)]
    listen_addr: Option<SocketAddr>,
    #[arg(long, env)]
    address_file: Option<String>,
    #[arg(long, env)]
    database_url: String,
    #[arg(long, env)]
    secret_keys_file: Option<String>,
    #[arg(long, env)]
    auth_url: Option<String>,
    /// Only written to the second line of the address file
    #[arg(long, env)]
    metrics_addr: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::parse();
    if config.command.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let address = config.listen_addr.ok_or("no address")?;
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            say(&format!("cannot listen on {address}: {error}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let address = listener.local_addr()?;
    say(&format!(
        "serving as {} with {} and {}",
        std::process::id(),
        config.database_url,
        config.auth_url.unwrap_or_default()
    ));
    std::fs::metadata(config.secret_keys_file.ok_or("no keys")?)?;
    let (_reporter, health) = tonic_health::server::health_reporter();
    let addresses = [Some(address), config.metrics_addr];
    let lines = addresses
        .iter()
        .flatten()
        .map(|address| format!("{address}\n"));
    let file = config.address_file.ok_or("no address file")?;
    std::fs::write(file, lines.collect::<String>())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Server::builder()
        .add_service(health)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
            terminate.recv().await;
        })
        .await?;
    say("stopped");
    Ok(ExitCode::SUCCESS)
}

fn say(line: &str) {
    use std::io::Write;
    // The log may not be read.
    let _ = writeln!(std::io::stderr(), "{line}");
}
