//! `cargo dev load`: how fast the services are, and what a request costs.

mod config;
mod cpu;
mod drive;
mod files;
mod goals;
mod growth;
mod grpc;
mod http;
mod peer_calls;
mod peers;
mod pgbench;
mod plot;
mod profile;
mod report;
mod requests;
mod scenario;
mod stage;
mod subject;
mod world;

pub use self::config::LoadConfig;
pub(crate) use self::drive::Load;
pub use self::goals::Group;
pub use self::growth::Axis;
pub use self::peers::Stack;
pub use self::scenario::Scenario;

use std::path::Path;

use self::report::Run;
use self::stage::Stage;
use crate::error::{Error, OrPath, Result};
use crate::print;
use crate::stop::Stop;

/// Runs each scenario with each subject in turn, in as many rounds as requested, so that
/// disturbances of the machine affect all subjects.
pub async fn run(config: LoadConfig) -> Result<()> {
    // A connection needs a file descriptor, and there may be ten thousand.
    chassis::start::limits::open_as_many_files_as_allowed();
    let mut stop = Stop::on_signals().or_path("watch", Path::new("signals"))?;
    if config.growth.is_empty() {
        return on_stage(&config, &mut stop, async |stage| {
            if config.goals.is_empty() {
                scenarios(&config, stage).await
            } else {
                goals::run(&config, stage).await
            }
        })
        .await;
    }
    for &axis in &config.growth {
        let config = axis.begin(&config);
        on_stage(&config, &mut stop, async |stage| {
            growth::run(axis, &config, stage).await
        })
        .await?;
    }
    Ok(())
}

/// Runs `work` on a stage of its own, until it is done or a signal asks to stop.
async fn on_stage(
    config: &LoadConfig,
    stop: &mut Stop,
    work: impl AsyncFnOnce(&Stage) -> Result<()>,
) -> Result<()> {
    let stage = Stage::set(config).await?;
    let done = tokio::select! {
        done = work(&stage) => done,
        () = stop.requested() => Err(Error::Stopped),
    };
    stage.strike(stop).await;
    done
}

async fn scenarios(config: &LoadConfig, stage: &Stage) -> Result<()> {
    let runs = measure(config, stage).await?;
    report::table(&runs);
    let folder = &config.out;
    report::write(folder, &runs).or_path("write", folder)?;
    plot::runs(folder, &runs)?;
    print::say(format_args!("written to {}", folder.display()));
    Ok(())
}

async fn measure(config: &LoadConfig, stage: &Stage) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for round in 1..=config.rounds {
        for &scenario in config.scenarios() {
            for subject in &stage.subjects {
                if let Some(run) = subject.run(scenario, config.load()).await? {
                    print::say(format_args!("round {round}: {run}"));
                    runs.push(run);
                }
            }
        }
    }
    Ok(runs)
}
