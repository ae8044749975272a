//! How soon a service is ready, and how much memory it uses when idle.

use std::time::Duration;

use super::Goal;
use crate::error::Result;
use crate::load::cpu::Process;
use crate::load::grpc::Connection;
use crate::load::stage::Stage;
use crate::up::Service;

/// Idle connections whose memory is measured.
const CONNECTIONS: u32 = 2_000;
/// Starts of each service; the median counts.
const STARTS: usize = 7;

pub(super) async fn measure(stage: &Stage) -> Result<Vec<Goal>> {
    let mut goals = Vec::new();
    let mut each = [Vec::new(), Vec::new()];
    let mut fresh = None;
    for _ in 0..STARTS {
        if let Some(pair) = fresh.take() {
            stop(pair).await;
        }
        let (auth, contacts) = stage.start_another().await?;
        for (times, service) in each.iter_mut().zip([&auth, &contacts]) {
            times.push(service.started_in());
        }
        fresh = Some((auth, contacts));
    }
    for (name, times) in ["auth", "contacts"].iter().zip(&mut each) {
        times.sort_unstable();
        let median = times[times.len() / 2].as_secs_f64() * 1e3;
        let what = format!("{name}: from its start to SERVING, in ms");
        let from = format!("the median of {STARTS}");
        goals.push(Goal::at_most(&what, median, 25.0, &from));
    }
    if let Some((auth, contacts)) = fresh {
        // Gives the services time to become idle.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (name, service) in [("auth", &auth), ("contacts", &contacts)] {
            goals.extend(idle(name, service));
        }
        goals.extend(per_connection(&contacts).await?);
        stop((auth, contacts)).await;
    }
    Ok(goals)
}

fn idle(name: &str, service: &Service) -> Option<Goal> {
    let process = Process(service.pid()?);
    let what = format!("{name}: memory when idle (PSS), in MiB");
    let from = format!("of which its own {:.1}", mib(process.own_memory()));
    Some(Goal::at_most(&what, mib(process.memory()), 6.0, &from))
}

async fn per_connection(service: &Service) -> Result<Option<Goal>> {
    let Some(pid) = service.pid() else {
        return Ok(None);
    };
    let before = Process(pid).own_memory();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(service.address(), None).await?);
    }
    // Waits until the server has accepted the last connection.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let taken = Process(pid).own_memory().saturating_sub(before);
    drop(connections);
    let each = mib(taken) * 1024.0 / f64::from(CONNECTIONS);
    let from = format!("{CONNECTIONS} took {:.1} MiB", mib(taken));
    let what = "contacts: memory of an idle connection, in KiB";
    Ok(Some(Goal::at_most(what, each, 16.0, &from)))
}

pub(super) async fn stop((mut auth, mut contacts): (Service, Service)) {
    auth.kill().await;
    contacts.kill().await;
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
