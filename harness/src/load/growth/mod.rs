//! `cargo dev load --growth`: how the cost of a call grows with the size of the data.

mod connections;
mod table;

use std::sync::Arc;

use super::drive::Load;
use super::plot::{self, Line, Lines};
use super::report::{self, Run, medians};
use super::scenario::Scenario;
use super::stage::Stage;
use super::subject::Pair;
use crate::error::{OrPath, Result};
use crate::load::config::LoadConfig;
use crate::print::say;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Axis {
    /// The contacts of an owner
    Contacts,
    /// The whole table: owners with 100 contacts each
    Table,
    /// Open connections
    Connections,
}

const SCENARIOS: [Scenario; 6] = [
    Scenario::Get,
    Scenario::List50,
    Scenario::Search,
    Scenario::Birthdays,
    Scenario::Create,
    Scenario::Update,
];

/// Contacts of an owner.
const BOOKS: [u32; 4] = [100, 1_000, 10_000, 50_000];

/// Owners of books of each size, so that writers seldom wait for each other.
const OWNERS: u32 = 4;

impl Axis {
    /// Their names on the command line.
    pub const NAMES: [&str; 3] = ["contacts", "table", "connections"];

    fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Table => "table",
            Self::Connections => "connections",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Contacts => "contacts of an owner",
            Self::Table => "contacts of all owners, 100 each",
            Self::Connections => "open connections",
        }
    }

    /// The initial data: the smallest size, and no subject to compare with.
    pub(super) fn begin(self, config: &LoadConfig) -> LoadConfig {
        let (owners, contacts) = match self {
            Self::Contacts => (1, 1),
            Self::Table | Self::Connections => (table::OWNERS, table::CONTACTS),
        };
        LoadConfig {
            owners,
            contacts,
            no_pgbench: true,
            peers: Vec::new(),
            compare: None,
            ..config.clone()
        }
    }
}

/// Measures every size, smallest first, and writes a table and plots.
pub(super) async fn run(axis: Axis, config: &LoadConfig, stage: &Stage) -> Result<()> {
    let mut runs = Vec::new();
    let folder = config.out.join(format!("growth-{}", axis.name()));
    std::fs::create_dir_all(&folder).or_path("make", &folder)?;
    match axis {
        Axis::Contacts => books(config, stage, &mut runs).await?,
        Axis::Table => table::measure(config, stage, &mut runs).await?,
        Axis::Connections => connections::measure(config, stage, &folder, &mut runs).await?,
    }
    report::table(&runs);
    report::write(&folder, &runs).or_path("write", &folder)?;
    draw(axis, &folder, &runs)?;
    say(format_args!("written to {}", folder.display()));
    Ok(())
}

async fn books(config: &LoadConfig, stage: &Stage, runs: &mut Vec<Run>) -> Result<()> {
    for size in BOOKS {
        let mut pair = stage.pair().clone();
        let mut users = Vec::new();
        for _ in 0..OWNERS {
            users.push(pair.world.sign_up(size).await?);
        }
        pair.world = Arc::new(pair.world.of(users));
        stage.system()?.database.settle().await?;
        // Scenarios that enlarge the books run after those that depend on the size.
        let makes = |scenario: &Scenario| *scenario == Scenario::Create;
        let (creating, reading): (Vec<_>, Vec<_>) = SCENARIOS.into_iter().partition(makes);
        let reading = [&reading[..], &[Scenario::SearchOne, Scenario::Sync]].concat();
        measure(config, config.load(), &reading, size, &pair, runs).await?;
        // Two callers, because a service runs only two FindDuplicates at a time.
        let few = Load {
            connections: 2,
            in_flight: 1,
            ..config.load()
        };
        measure(config, few, &[Scenario::Duplicates], size, &pair, runs).await?;
        measure(config, config.load(), &creating, size, &pair, runs).await?;
    }
    Ok(())
}

/// Measures one size, which is the subject of its runs.
async fn measure(
    config: &LoadConfig,
    load: Load,
    scenarios: &[Scenario],
    size: u32,
    pair: &Pair,
    runs: &mut Vec<Run>,
) -> Result<()> {
    for _ in 0..config.rounds {
        for &scenario in scenarios {
            let seen = pair.run(scenario, load).await?;
            let run = Run::of(&size.to_string(), scenario, load, seen);
            say(&run);
            runs.push(run);
        }
    }
    Ok(())
}

fn draw(axis: Axis, folder: &std::path::Path, runs: &[Run]) -> Result<()> {
    let medians = medians(runs);
    let mut scenarios: Vec<Scenario> = medians.iter().map(|run| run.scenario).collect();
    scenarios.sort_by_key(|scenario| scenario.name());
    scenarios.dedup();
    let lines = |of: fn(&Run) -> f64| -> Vec<Line> {
        let line = |scenario: &Scenario| {
            let of_it = medians.iter().filter(|run| run.scenario == *scenario);
            let point = |run: &&Run| Some((run.subject.parse().ok()?, of(run)));
            Line {
                name: scenario.name(),
                points: of_it.filter_map(point).collect(),
            }
        };
        scenarios.iter().map(line).collect()
    };
    let cost = Lines {
        title: "Processor time of a call, service and database",
        x: axis.title(),
        y: "microseconds",
        each: lines(Run::server_cpu_us),
    };
    plot::lines(&folder.join("cost.svg"), &cost)?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    let median = |run: &Run| run.quantile_us(0.5) as f64;
    let latency = Lines {
        title: "Median latency of a call",
        each: lines(median),
        ..cost
    };
    plot::lines(&folder.join("latency.svg"), &latency)
}
