//! What was measured, for people and for programs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::scenario::Scenario;
use crate::print::say;

/// One scenario of one round.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) scenario: Scenario,
    pub(super) open_rate: Option<u32>,
    pub(super) calls: u32,
    pub(super) errors: u64,
    pub(super) per_second: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    /// Microseconds of processor time per call.
    pub(super) service_cpu_us: f64,
    pub(super) postgres_cpu_us: f64,
    pub(super) client_cpu_us: f64,
}

impl Run {
    fn name(&self) -> String {
        format!("{:?}", self.scenario).to_lowercase()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<10} {:>8.0}/s  p50 {:>7} p99 {:>7} p99.9 {:>7} us  cpu/call: service {:>6.1} \
             postgres {:>6.1} client {:>6.1} us  errors {}",
            self.name(),
            self.per_second,
            self.p50_us,
            self.p99_us,
            self.p999_us,
            self.service_cpu_us,
            self.postgres_cpu_us,
            self.client_cpu_us,
            self.errors,
        )
    }
}

/// Prints the median round of each scenario, by processor time.
pub(super) fn table(runs: &[Run]) {
    say("");
    say("medians:");
    let mut seen = Vec::new();
    for run in runs {
        if seen.contains(&run.scenario) {
            continue;
        }
        seen.push(run.scenario);
        let mut rounds: Vec<_> = runs.iter().filter(|r| r.scenario == run.scenario).collect();
        let cost = |run: &Run| run.service_cpu_us + run.postgres_cpu_us;
        rounds.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
        say(rounds[rounds.len() / 2]);
    }
}

/// Writes every run to `load.json` in the folder.
pub(super) fn write_json(folder: &Path, runs: &[Run]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let file = folder.join("load.json");
    let runs: Vec<_> = runs
        .iter()
        .map(|run| {
            serde_json::json!({
                "scenario": run.name(),
                "open_rate": run.open_rate,
                "calls": run.calls,
                "errors": run.errors,
                "per_second": run.per_second,
                "p50_us": run.p50_us,
                "p99_us": run.p99_us,
                "p999_us": run.p999_us,
                "service_cpu_us": run.service_cpu_us,
                "postgres_cpu_us": run.postgres_cpu_us,
                "client_cpu_us": run.client_cpu_us,
            })
        })
        .collect();
    fs::write(&file, format!("{:#}\n", serde_json::Value::from(runs)))?;
    Ok(file)
}
