//! Calls that read a large book.

use std::sync::Arc;

use super::{Goal, median};
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::drive::Load;
use crate::load::report::Run;
use crate::load::scenario::Scenario;
use crate::load::stage::Stage;
use crate::print::say;

/// The contacts of a large address book.
pub(super) const CONTACTS: u32 = 50_000;

/// Measures one caller with a book of 50,000 contacts.
pub(super) async fn measure(
    config: &LoadConfig,
    stage: &Stage,
    runs: &mut Vec<Run>,
) -> Result<Vec<Goal>> {
    let alone = Load {
        connections: 1,
        in_flight: 1,
        ..config.load()
    };
    let mut pair = stage.pair().clone();
    pair.name = format!("a book of {CONTACTS}");
    let user = pair.world.sign_up(CONTACTS).await?;
    pair.world = Arc::new(pair.world.of(vec![user]));
    stage.system()?.database.settle().await?;
    for round in 1..=config.rounds {
        for scenario in [Scenario::Search, Scenario::Duplicates] {
            let seen = pair.run(scenario, alone).await?;
            let run = Run::of(&pair.name, scenario, alone, seen);
            say(format_args!("round {round}: {run}"));
            runs.push(run);
        }
    }
    let mut goals = Vec::new();
    if let Some(run) = median(runs, Scenario::Search, &pair.name) {
        let from = format!("PostgreSQL {:.1} ms of it", run.postgres_cpu_us / 1e3);
        let what = "CPU of service and PostgreSQL for a SearchContacts at 50,000 contacts, in ms";
        let goal = Goal::at_most(what, run.server_cpu_us() / 1e3, 3.0, &from);
        goals.push(goal.of(Scenario::Search));
    }
    if let Some(run) = median(runs, Scenario::Duplicates, &pair.name) {
        #[expect(clippy::cast_precision_loss, reason = "microseconds")]
        let p50 = run.quantile_us(0.5) as f64 / 1e3;
        let from = format!("{:.1} ms of CPU", run.server_cpu_us() / 1e3);
        let what = "FindDuplicates at 50,000 contacts, p50 in ms";
        goals.push(Goal::at_most(what, p50, 100.0, &from).of(Scenario::Duplicates));
    }
    Ok(goals)
}
