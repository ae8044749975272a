//! `cargo dev load` on a small system.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test should panic where it fails"
)]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use harness::cli::Cli;
use serde_json::Value;

/// Runs a load of a second, and returns its runs.
fn load(args: &[&str]) -> (tempfile::TempDir, Vec<Value>) {
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_dev"))
        .args(["load", "--owners", "2", "--contacts", "20", "--rounds", "1"])
        .args(["--seconds", "1", "--warm-up", "0", "--connections", "2"])
        .args(args)
        .arg("--out")
        .arg(out.path())
        .env_remove("CARGO")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let json = fs::read_to_string(out.path().join("load.json")).unwrap();
    (out, serde_json::from_str(&json).unwrap())
}

fn find<'a>(runs: &'a [Value], scenario: &str, subject: &str) -> &'a Value {
    let is_it = |run: &&Value| run["scenario"] == scenario && run["subject"] == subject;
    runs.iter().find(is_it).unwrap()
}

#[test]
fn each_kind_of_call_is_measured_beside_the_bare_database() {
    let (out, runs) = load(&[]);

    for scenario in [
        "empty",
        "get",
        "list50",
        "search",
        "birthdays",
        "create",
        "batch-create",
        "batch-update",
        "batch-delete",
        "duplicates",
        "stats",
        "labels",
        "update",
        "mixed",
        "log-in",
        "refresh",
    ] {
        let run = find(&runs, scenario, "addressbook");
        assert!(run["calls"].as_u64() > Some(0), "{run}");
        assert_eq!(run["errors"], 0, "{run}");
        assert!(run["service_cpu_us"].as_f64() > Some(0.0), "{run}");
    }
    for scenario in [
        "get",
        "list50",
        "search",
        "birthdays",
        "create",
        "update",
        "refresh",
    ] {
        let run = find(&runs, scenario, "pgbench");
        assert_eq!(run["errors"], 0, "{run}");
        assert!(run["postgres_cpu_us"].as_f64() > Some(0.0), "{run}");
    }
    for file in ["load.md", "cost.svg", "latency-get.svg"] {
        assert!(out.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_fixed_rate_is_kept() {
    let (_, runs) = load(&[
        "--scenario",
        "get",
        "--rate",
        "50",
        "--no-pgbench",
        "--no-analyze",
    ]);

    let run = find(&runs, "get", "addressbook");
    assert_eq!(run["calls"], 50);
    assert_eq!(run["open_rate"], 50);
}

#[test]
fn another_build_is_measured_in_turn() {
    let programs = Path::new(env!("CARGO_BIN_EXE_dev")).parent().unwrap();

    let (_, runs) = load(&[
        "--scenario",
        "get",
        "--no-pgbench",
        "--compare",
        programs.to_str().unwrap(),
    ]);

    assert_eq!(find(&runs, "get", "addressbook")["errors"], 0);
    assert_eq!(find(&runs, "get", "other")["errors"], 0);
}

/// Loads that take minutes are not run by a test, but their flags are parsed.
#[test]
fn every_load_in_the_documents_is_understood() {
    let mut count = 0;
    for file in ["README.md", "docs/PERFORMANCE.md", "docs/CONTRIBUTING.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = fs::read_to_string(path).unwrap();
        for line in text
            .lines()
            .filter(|line| line.starts_with("cargo dev load"))
        {
            let words = line.split(' ').skip(1).map(OsString::from);
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
            count += 1;
        }
    }
    assert!(count >= 3);
}
