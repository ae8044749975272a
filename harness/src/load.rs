//! `cargo dev load`: how fast the services are, and what a request costs.

mod cpu;
mod drive;
mod report;
mod scenario;
mod world;

pub use self::scenario::Scenario;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::LoadConfig;
use crate::error::{OrPath, Result};
use crate::print;
use crate::stop::Stop;
use crate::up::{self, System};

/// The processes whose time is counted.
struct Processes {
    service: cpu::Process,
    postgres: cpu::Process,
    client: cpu::Process,
}

/// Starts a system of its own, fills it, and runs each scenario in turn, as many
/// rounds as asked for.
pub async fn run(config: LoadConfig) -> Result<()> {
    let mut stop = Stop::on_signals().or_path("watch", Path::new("signals"))?;
    // Kept data, so that a commit waits for the disk as it does for users.
    let data = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .or_path("make", Path::new("a folder"))?;
    let system = up::start(&config.system(data.path().join("data"))).await?;
    let measured = tokio::select! {
        measured = measure(&config, &system) => measured,
        () = stop.requested() => Ok(Vec::new()),
    };
    system.stop(&mut stop).await;
    let runs = measured?;

    report::table(&runs);
    let folder = config
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("target/load"));
    let file = report::write_json(&folder, &runs).or_path("write", &folder)?;
    print::say(format_args!("written to {}", file.display()));
    Ok(())
}

async fn measure(config: &LoadConfig, system: &System) -> Result<Vec<report::Run>> {
    let world = world::World::fill(config, system.auth.url(), system.contacts.url()).await?;
    system.database.analyze().await?;
    let world = Arc::new(world);
    let mut runs = Vec::new();
    for round in 1..=config.rounds {
        for &scenario in config.scenarios() {
            let service = match scenario {
                Scenario::LogIn | Scenario::Refresh => &system.auth,
                _ => &system.contacts,
            };
            let processes = Processes {
                service: cpu::Process::of(service.pid()),
                postgres: cpu::Process::with_children(system.database.pid()),
                client: cpu::Process::of(Some(std::process::id())),
            };
            let run = drive::run(config, &world, scenario, &processes).await?;
            print::say(format_args!("round {round}: {run}"));
            runs.push(run);
        }
    }
    Ok(runs)
}
