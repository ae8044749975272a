//! Reports the results, for people and for programs.

use std::fmt::{self, Write};
use std::path::Path;
use std::{fs, io};

use hdrhistogram::Histogram;

use super::drive::{Load, Seen};
use super::scenario::Scenario;
use crate::print::say;

/// The result of one subject in one scenario of one round.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) scenario: Scenario,
    /// The subject: `addressbook`, or what it is compared with.
    pub(super) subject: String,
    pub(super) connections: u32,
    pub(super) in_flight: u32,
    pub(super) open_rate: Option<u32>,
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) per_second: f64,
    pub(super) latencies: Histogram<u64>,
    /// 99th percentile of how late the pacer was, at a fixed rate.
    pub(super) lateness_p99_us: u64,
    /// Microseconds of processor time per call.
    pub(super) service_cpu_us: f64,
    pub(super) postgres_cpu_us: f64,
    pub(super) client_cpu_us: f64,
}

impl Run {
    /// Summarizes the results of a load.
    pub(super) fn of(subject: &str, scenario: Scenario, load: Load, seen: Seen) -> Self {
        if let Some(error) = &seen.error {
            say(format_args!("the first error: {error}"));
        }
        #[expect(clippy::cast_precision_loss, reason = "no load makes 2^52 calls")]
        let count = seen.calls.max(1) as f64;
        let per_call = |used: std::time::Duration| used.as_secs_f64() * 1e6 / count;
        Self {
            scenario,
            subject: subject.to_owned(),
            connections: load.connections,
            in_flight: load.in_flight,
            open_rate: load.rate,
            calls: seen.calls,
            errors: seen.errors,
            per_second: count / seen.elapsed.as_secs_f64(),
            lateness_p99_us: seen.lateness.value_at_quantile(0.99),
            service_cpu_us: per_call(seen.used.service),
            postgres_cpu_us: per_call(seen.used.postgres),
            client_cpu_us: per_call(seen.used.client),
            latencies: seen.latencies,
        }
    }

    pub(super) fn quantile_us(&self, quantile: f64) -> u64 {
        self.latencies.value_at_quantile(quantile)
    }

    /// The cost of a call in service and database.
    pub(super) fn server_cpu_us(&self) -> f64 {
        self.service_cpu_us + self.postgres_cpu_us
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "scenario": self.scenario.name(),
            "subject": self.subject,
            "connections": self.connections,
            "in_flight": self.in_flight,
            "open_rate": self.open_rate,
            "calls": self.calls,
            "errors": self.errors,
            "per_second": self.per_second,
            "p50_us": self.quantile_us(0.5),
            "p99_us": self.quantile_us(0.99),
            "p999_us": self.quantile_us(0.999),
            "lateness_p99_us": self.lateness_p99_us,
            "service_cpu_us": self.service_cpu_us,
            "postgres_cpu_us": self.postgres_cpu_us,
            "client_cpu_us": self.client_cpu_us,
        })
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<10} {:<14} {:>8.0}/s  p50 {:>7} p99 {:>7} p99.9 {:>7} us  cpu/call: service \
             {:>7.1} postgres {:>7.1} client {:>6.1} us  errors {}",
            self.scenario.name(),
            self.subject,
            self.per_second,
            self.quantile_us(0.5),
            self.quantile_us(0.99),
            self.quantile_us(0.999),
            self.service_cpu_us,
            self.postgres_cpu_us,
            self.client_cpu_us,
            self.errors,
        )
    }
}

/// The median round of each scenario and subject, by the total cost of a call.
pub(super) fn medians(runs: &[Run]) -> Vec<&Run> {
    let mut medians: Vec<&Run> = Vec::new();
    let same = |a: &Run, b: &Run| a.scenario == b.scenario && a.subject == b.subject;
    for run in runs {
        if medians.iter().any(|seen| same(seen, run)) {
            continue;
        }
        let mut rounds: Vec<_> = runs.iter().filter(|other| same(run, other)).collect();
        let cost = |run: &Run| run.server_cpu_us() + run.client_cpu_us;
        rounds.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
        medians.push(rounds[rounds.len() / 2]);
    }
    medians
}

/// Prints the medians.
pub(super) fn table(runs: &[Run]) {
    say("");
    say("medians:");
    for run in medians(runs) {
        say(run);
    }
}

/// Writes every run to `load.json`, and the medians to `load.md`.
pub(super) fn write(folder: &Path, runs: &[Run]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let json: Vec<_> = runs.iter().map(Run::json).collect();
    let json = format!("{:#}\n", serde_json::Value::from(json));
    fs::write(folder.join("load.json"), json)?;
    fs::write(folder.join("load.md"), markdown(runs))
}

/// The medians as a table; ratios are to the first subject of a scenario.
fn markdown(runs: &[Run]) -> String {
    let mut text = String::from(
        "| scenario | subject | connections x in flight | requests/s | p50 us | p99 us | \
         p99.9 us | service us | database us | client us | errors | cost ratio | rate ratio |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let medians = medians(runs);
    for run in &medians {
        let first = medians.iter().find(|first| first.scenario == run.scenario);
        let first = first.unwrap_or(run);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} x {} | {:.0} | {} | {} | {} | {:.1} | {:.1} | {:.1} | {} | {:.2} | {:.2} |",
            run.scenario.name(),
            run.subject,
            run.connections,
            run.in_flight,
            run.per_second,
            run.quantile_us(0.5),
            run.quantile_us(0.99),
            run.quantile_us(0.999),
            run.service_cpu_us,
            run.postgres_cpu_us,
            run.client_cpu_us,
            run.errors,
            run.server_cpu_us() / first.server_cpu_us(),
            run.per_second / first.per_second,
        );
    }
    text
}
