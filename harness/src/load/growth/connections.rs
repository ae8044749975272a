//! Open connections: their memory when idle, and the cost of a call with many of them.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::super::plot::{self, Line, Lines};
use super::measure as measure_at;
use crate::error::{Error, OrPath, Result};
use crate::load::config::LoadConfig;
use crate::load::drive::Load;
use crate::load::grpc::Connection;
use crate::load::report::Run;
use crate::load::scenario::Scenario;
use crate::load::stage::Stage;
use crate::print::say;

const SIZES: [u32; 5] = [1, 10, 100, 1_000, 10_000];

/// Calls a second over all connections in turn, so that only their number differs.
const RATE: u32 = 2_000;

pub(super) async fn measure(
    config: &LoadConfig,
    stage: &Stage,
    folder: &Path,
    runs: &mut Vec<Run>,
) -> Result<()> {
    memory(stage, folder).await?;
    for size in SIZES {
        let load = Load {
            connections: size,
            in_flight: 1,
            rate: Some(RATE),
            ..config.load()
        };
        measure_at(config, load, &[Scenario::Get], size, stage.pair(), runs).await?;
    }
    Ok(())
}

/// Measured before any load, because memory that a load leaves in the heap would hide
/// that of the connections.
async fn memory(stage: &Stage, folder: &Path) -> Result<()> {
    let pair = stage.pair();
    let process = *pair.contacts.service.first().ok_or(Error::NotOwn)?;
    let before = process.own_memory();
    let (mut open, mut points) = (Vec::new(), Vec::new());
    let mut text = String::from("| connections | KiB in all | KiB each |\n|---|---|---|\n");
    for size in SIZES {
        while open.len() < size as usize {
            open.push(Connection::open(pair.world.at.contacts, None).await?);
        }
        // Waits until the server has accepted the last connection.
        tokio::time::sleep(Duration::from_secs(1)).await;
        #[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
        let kib = process.own_memory().saturating_sub(before) as f64 / 1024.0;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {size} | {kib:.0} | {:.1} |", kib / f64::from(size));
        points.push((f64::from(size), kib.max(1.0)));
    }
    say(&text);
    let file = folder.join("memory.md");
    std::fs::write(&file, text).or_path("write", &file)?;
    let plot = Lines {
        title: "Memory of idle connections",
        x: "open connections",
        y: "KiB",
        each: vec![Line {
            name: "contacts-service".to_owned(),
            points,
        }],
    };
    plot::lines(&folder.join("memory.svg"), &plot)
}
