//! Profiles a service with perf, if the machine has it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{fs, io};

use tokio::process::Command;
use tokio::time::sleep;

use super::scenario::Scenario;
use super::stage::Stage;
use crate::error::{OrPath, Result};
use crate::load::config::LoadConfig;
use crate::print::say;

const SECONDS: u32 = 3;

/// Where the profile of a scenario is kept.
pub(super) fn file(folder: &Path, scenario: Scenario) -> PathBuf {
    folder.join(format!("profile-{}.txt", scenario.name()))
}

/// Runs a scenario again, and writes which functions of the service take the most time.
pub(super) async fn take(
    config: &LoadConfig,
    stage: &Stage,
    scenario: Scenario,
    folder: &Path,
) -> Result<()> {
    let pair = stage.pair();
    let processes = if scenario.is_auth() {
        &pair.auth
    } else {
        &pair.contacts
    };
    let Some(service) = processes.service.first() else {
        return Ok(());
    };
    let data = folder.join("perf.data");
    let (recorded, calls) =
        tokio::join!(record(service.0, &data), pair.run(scenario, config.load()));
    calls?;
    match recorded {
        Ok(true) => {
            let report = Command::new("perf")
                .args([
                    "report",
                    "--stdio",
                    "--no-children",
                    "--percent-limit",
                    "0.5",
                ])
                .arg("--input")
                .arg(&data)
                .stderr(Stdio::null())
                .output()
                .await;
            let report = report.or_path("run", Path::new("perf"))?.stdout;
            let path = file(folder, scenario);
            fs::write(&path, report).or_path("write", &path)?;
        }
        Ok(false) => say("perf does not work here: no profile"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            say("perf is not there (Debian: linux-perf): no profile");
        }
        Err(error) => return Err(error).or_path("run", Path::new("perf")),
    }
    let _ = fs::remove_file(&data);
    Ok(())
}

async fn record(pid: u32, data: &Path) -> io::Result<bool> {
    sleep(Duration::from_millis(500)).await;
    let status = Command::new("perf")
        .args(["record", "--event", "cpu-clock", "--freq", "997"])
        .arg("--output")
        .arg(data)
        .args(["--pid", &pid.to_string()])
        .args(["--", "sleep", &SECONDS.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await?;
    Ok(status.success())
}
