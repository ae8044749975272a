//! `cargo dev torture`: a load on two replicas of each service while things break, and a
//! check of everything that was acknowledged.

mod account;
mod book;
mod calls;
mod checks;
mod config;
mod contended;
mod copies;
mod fault;
mod guessing;
mod history;
mod load;
mod proxy;
mod report;
mod sharing;
mod stage;
mod tables;
mod user;
mod writer;

pub use self::config::TortureConfig;
pub use self::fault::Fault;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::history::History;
use self::load::Load;
use self::stage::Stage;
use crate::error::{Error, OrPath, Result};
use crate::print;
use crate::stop::Stop;

/// An attempt that nobody waits for any more may still arrive within this time: the
/// deadline of a call, and what the database may take for its last statement.
const LATE: Duration = Duration::from_secs(8);

/// Runs until the time is over, and fails if anything was violated.
pub async fn run(config: TortureConfig) -> Result<()> {
    let mut stop = Stop::on_signals().or_path("watch", Path::new("signals"))?;
    let seed = config.seed.unwrap_or_else(|| fastrand::u64(..));
    print::say(format_args!("seed {seed}"));
    let mut stage = Stage::set(&config).await?;
    let mut stopping = stop.clone();
    let done = tokio::select! {
        done = Box::pin(torture(&config, seed, &mut stage, &mut stopping)) => done,
        () = stop.requested() => Err(Error::Stopped),
    };
    stage.strike(&mut stop).await;
    match done? {
        0 => Ok(()),
        violations => Err(Error::Violations(violations)),
    }
}

/// Returns the number of violations.
async fn torture(
    config: &TortureConfig,
    seed: u64,
    stage: &mut Stage,
    stop: &mut Stop,
) -> Result<usize> {
    let history = Arc::new(History::begin());
    // Boxed, because these futures contain those of everybody.
    let load = Box::pin(Load::begin(config, seed, stage, &history)).await?;

    let until = Instant::now() + Duration::from_secs(config.seconds);
    let faults = config.faults();
    let (load, broken) = tokio::join!(
        Box::pin(load.run(until)),
        fault::inject(stage, faults, &history, seed, until, stop),
    );
    broken?;
    if !faults.is_empty() {
        sleep(LATE).await;
    }
    Box::pin(load.finish()).await;
    tables::check(&stage.database_url, &history).await?;
    for text in stage.ended().await {
        history.violate("processes", "", text);
    }
    history.check_calm();
    Ok(report::print(&history, seed))
}
