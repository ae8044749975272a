//! What a run found, as a table.

use std::collections::BTreeMap;

use super::history::{History, Outcome};
use crate::print::say;

/// So many violations are printed with their history.
const SHOWN: usize = 10;

/// So many of a row's last attempts are printed.
const ATTEMPTS: usize = 25;

/// Calls of the auth service.
const AUTH: [&str; 5] = ["SignUp", "LogIn", "RefreshToken", "LogOut", "RevokeSession"];

/// Prints everything; returns the number of violations.
pub(super) fn print(history: &History, seed: u64) -> usize {
    let mut calls: BTreeMap<&'static str, [u64; 3]> = BTreeMap::new();
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    for event in history.events().iter() {
        let counts = calls.entry(event.call).or_default();
        match &event.outcome {
            Outcome::Done => counts[0] += 1,
            Outcome::Refused(refusal) => {
                counts[1] += 1;
                *codes.entry(refusal.to_string()).or_default() += 1;
            }
            Outcome::Unknown(refusal) => {
                counts[2] += 1;
                *codes.entry(refusal.to_string()).or_default() += 1;
            }
        }
    }
    let [mut done, mut refused, mut unknown] = [0; 3];
    say(format_args!(
        "\n{:<22} {:>9} {:>9} {:>9}",
        "attempts", "done", "refused", "unknown"
    ));
    for (call, [of_done, of_refused, of_unknown]) in &calls {
        say(format_args!(
            "{call:<22} {of_done:>9} {of_refused:>9} {of_unknown:>9}"
        ));
        done += of_done;
        refused += of_refused;
        unknown += of_unknown;
    }
    say(format_args!(
        "{:<22} {done:>9} {refused:>9} {unknown:>9}",
        "all"
    ));
    rows("errors", &codes);
    let mut faults: BTreeMap<String, u64> = BTreeMap::new();
    for it in history.breaks() {
        *faults.entry(format!("{} {}", it.fault, it.at)).or_default() += 1;
    }
    rows("faults", &faults);
    rows("checks", &history.checked());
    for (service, is_auth) in [("auth", true), ("contacts", false)] {
        let gap = history.longest_gap(|call| AUTH.contains(&call) == is_auth);
        let (from, until) = (history.seconds(gap.0), history.seconds(gap.1));
        say(format_args!(
            "longest unavailability of {service}: {:.2} s, from {from:.1} s, with {}",
            until - from,
            history.breaks_at(gap)
        ));
    }
    let count = violations(history);
    say(format_args!("seed {seed}: {count} violations"));
    count
}

fn rows<K: std::fmt::Display>(title: &str, counts: &BTreeMap<K, u64>) {
    say(format_args!("\n{title:<42} {:>9}", "count"));
    for (name, count) in counts {
        say(format_args!("{name:<42} {count:>9}"));
    }
}

fn violations(history: &History) -> usize {
    let violations = history.violations();
    for violation in violations.iter().take(SHOWN) {
        let first = violation.about.split(' ').next().unwrap_or_default();
        say(format_args!(
            "\nviolation of {} after {:.1} s: {first}: {}",
            violation.rule,
            history.seconds(violation.at),
            violation.text
        ));
        let attempts = if first.is_empty() {
            Vec::new()
        } else {
            history.of(first)
        };
        for line in attempts.iter().rev().take(ATTEMPTS).rev() {
            say(line);
        }
    }
    say("");
    violations.len()
}
