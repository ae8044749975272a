//! `cargo dev load --goals`: the performance goals, as ratios within one run, and whether
//! they are met.

mod beside;
mod books;
mod calls;
mod cold;
mod copy;
mod enumeration;
mod imports;
mod memory;
mod passwords;
mod tokens;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::profile;
use super::report::{self, Run, medians};
use super::scenario::Scenario;
use super::stage::Stage;
use crate::error::{OrPath, Result};
use crate::load::config::LoadConfig;
use crate::print::say;

/// What has goals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// Single calls
    Calls,
    /// The check of access tokens
    Tokens,
    /// Large address books
    Books,
    /// First searches of large address books
    Cold,
    /// Imports and exports of files
    Imports,
    /// What the time of a response reveals of accounts
    Enumeration,
    /// Log-ins
    Passwords,
    /// Memory, and the time to start
    Memory,
}

impl Group {
    /// The names of all, in the order of measuring: enumeration before the flood of log-ins,
    /// after which the throttle may delay them.
    pub(super) const NAMES: [&str; 8] = [
        "calls",
        "tokens",
        "books",
        "cold",
        "imports",
        "enumeration",
        "passwords",
        "memory",
    ];

    async fn measure(
        self,
        config: &LoadConfig,
        stage: &Stage,
        runs: &mut Vec<Run>,
    ) -> Result<Vec<Goal>> {
        match self {
            Self::Calls => calls::measure(config, stage, runs).await,
            Self::Tokens => tokens::measure(stage).await,
            Self::Books => books::measure(config, stage, runs).await,
            Self::Cold => cold::measure(config, stage).await,
            Self::Imports => imports::measure(config, stage).await,
            Self::Enumeration => enumeration::measure(stage).await,
            Self::Passwords => passwords::measure(config, stage).await,
            Self::Memory => memory::measure(stage).await,
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    /// What is measured.
    pub(super) what: String,
    /// The goal.
    pub(super) aim: String,
    /// The result, with the figures that it is based on.
    pub(super) figure: String,
    pub(super) met: bool,
    /// The scenario whose profile explains a goal that is not met.
    pub(super) scenario: Option<Scenario>,
}

impl Goal {
    /// A value that should be at most `most`.
    pub(super) fn at_most(what: &str, value: f64, most: f64, from: &str) -> Self {
        Self {
            what: what.to_owned(),
            aim: format!("at most {}", short(most)),
            figure: format!("{} ({from})", short(value)),
            met: value <= most,
            scenario: None,
        }
    }

    /// A value that should be at least `least`.
    pub(super) fn at_least(what: &str, value: f64, least: f64, from: &str) -> Self {
        Self {
            aim: format!("at least {}", short(least)),
            met: value >= least,
            ..Self::at_most(what, value, least, from)
        }
    }

    /// Names the scenario whose profile explains this goal.
    pub(super) fn of(self, scenario: Scenario) -> Self {
        Self {
            scenario: Some(scenario),
            ..self
        }
    }
}

/// Integers from a hundred on, otherwise three digits.
fn short(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Measures everything that has a goal, and prints the table.
pub(super) async fn run(config: &LoadConfig, stage: &Stage) -> Result<()> {
    let (mut runs, mut goals) = (Vec::new(), Vec::new());
    for group in &config.goals {
        goals.extend(group.measure(config, stage, &mut runs).await?);
    }

    report::table(&runs);
    let folder = &config.out;
    report::write(folder, &runs).or_path("write", folder)?;
    for goal in goals.iter().filter(|goal| !goal.met) {
        if let Some(scenario) = goal.scenario {
            profile::take(config, stage, scenario, folder).await?;
        }
    }
    // What is not met comes first.
    goals.sort_by_key(|goal| goal.met);
    let table = table(&goals, folder);
    let file = folder.join("goals.md");
    fs::write(&file, &table).or_path("write", &file)?;
    say("");
    say(table);
    Ok(())
}

fn table(goals: &[Goal], folder: &Path) -> String {
    let mut text = String::from("| what | goal | figure | |\n|---|---|---|---|\n");
    for goal in goals {
        let profile = goal
            .scenario
            .map(|scenario| profile::file(folder, scenario));
        let verdict = match (goal.met, profile) {
            (true, _) => "met".to_owned(),
            (false, Some(file)) if file.exists() => {
                let name = file.file_name().unwrap_or_default();
                format!("not met; see {}", name.display())
            }
            (false, _) => "not met".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {verdict} |",
            goal.what, goal.aim, goal.figure
        );
    }
    text
}

/// The median round of a subject in a scenario.
pub(super) fn median(runs: &[Run], scenario: Scenario, subject: &str) -> Option<Run> {
    let mut medians = medians(runs).into_iter();
    let run = medians.find(|run| run.scenario == scenario && run.subject == subject);
    run.cloned()
}
