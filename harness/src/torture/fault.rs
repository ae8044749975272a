//! What breaks during a run, and how.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use embedded_postgres::Signal;
use fastrand::Rng;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use super::history::History;
use super::proxy::{Mode, Proxy};
use super::stage::{Side, Stage};
use crate::error::Result;
use crate::stop::Stop;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// A replica is killed, and started again later
    Kill,
    /// A replica is asked to stop, and started again later
    Stop,
    /// A replica does not run for a while
    Freeze,
    /// The database server is killed, and started again by its supervisor
    KillPostgres,
    /// All connections of the services to the database are ended by it
    EndBackends,
    /// All connections of a hop are reset
    Cut,
    /// Connections of a hop are reset in the middle of a response
    CutResponse,
    /// Connections of a hop are closed for responses while requests still arrive
    HalfClose,
    /// Everything on a hop takes longer
    Delay,
    /// A hop transports few bytes per second
    Slow,
    /// A hop transports nothing, and then its connections are reset
    Hold,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Where it breaks.
#[derive(Clone, Copy, Debug)]
struct Place {
    side: usize,
    hop: usize,
    /// The auth service, not contacts.
    is_auth: bool,
}

/// From whom to whom: clients, the services and their database.
const HOPS: [&str; 5] = [
    "client-auth",
    "client-contacts",
    "auth-database",
    "contacts-database",
    "contacts-auth",
];

fn proxy(side: &Side, hop: usize) -> &Proxy {
    match hop {
        0 => &side.to_auth,
        1 => &side.to_contacts,
        2 => &side.auth_to_database,
        3 => &side.contacts_to_database,
        _ => &side.contacts_to_auth,
    }
}

/// Lets one thing after the other break until then, as the seed says.
pub(super) async fn inject(
    stage: &mut Stage,
    faults: &[Fault],
    history: &History,
    seed: u64,
    until: Instant,
    stop: &mut Stop,
) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    // Each kind once, then again in another order.
    let mut next: Vec<Fault> = Vec::new();
    while Instant::now() < until && !faults.is_empty() {
        sleep(millis(&mut rng, 200..1200)).await;
        if next.is_empty() {
            next = faults.to_vec();
            rng.shuffle(&mut next);
        }
        let Some(fault) = next.pop() else {
            continue;
        };
        let place = Place {
            side: rng.usize(..2),
            hop: rng.usize(..HOPS.len()),
            is_auth: rng.bool(),
        };
        let time = millis(&mut rng, 300..3000);
        let began = Instant::now();
        let at = match fault {
            Fault::KillPostgres | Fault::EndBackends => {
                break_database(stage, fault).await?;
                sleep(time).await;
                "database"
            }
            Fault::Kill | Fault::Stop | Fault::Freeze => {
                break_service(stage, fault, place, time, stop).await?;
                if place.is_auth { "auth" } else { "contacts" }
            }
            _ => {
                let proxy = proxy(&stage.sides[place.side], place.hop);
                break_hop(proxy, fault, time, &mut rng).await;
                HOPS[place.hop]
            }
        };
        history.broke(fault, at, began);
    }
    Ok(())
}

fn millis(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

async fn break_database(stage: &Stage, fault: Fault) -> Result<()> {
    if fault == Fault::KillPostgres {
        if let Some(pid) = stage.database_pid() {
            send(pid, Signal::SIGKILL);
        }
        return Ok(());
    }
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE usename IN ('auth_service', 'contacts_service')";
    let mut database = PgConnection::connect(&stage.database_url).await?;
    sqlx::query(sql).execute(&mut database).await?;
    database.close().await?;
    Ok(())
}

async fn break_service(
    stage: &mut Stage,
    fault: Fault,
    place: Place,
    time: Duration,
    stop: &mut Stop,
) -> Result<()> {
    let side = &mut stage.sides[place.side];
    let service = if place.is_auth {
        &mut side.auth
    } else {
        &mut side.contacts
    };
    match fault {
        Fault::Kill => service.kill().await,
        Fault::Stop => service.stop(stop).await,
        _ => {
            if let Some(pid) = service.pid() {
                send(pid, Signal::SIGSTOP);
                sleep(time).await;
                send(pid, Signal::SIGCONT);
            }
            return Ok(());
        }
    }
    sleep(time / 3).await;
    service.restart()
}

async fn break_hop(proxy: &Proxy, fault: Fault, time: Duration, rng: &mut Rng) {
    match fault {
        Fault::Cut => return proxy.cut(),
        Fault::HalfClose => return proxy.half_close(),
        Fault::CutResponse => proxy.set(Mode::CutAfter(rng.usize(1..3000))),
        Fault::Delay => proxy.set(Mode::Delay(millis(rng, 10..400))),
        Fault::Slow => proxy.set(Mode::Slow(rng.u32(500..20_000))),
        _ => proxy.set(Mode::Hold),
    }
    sleep(time).await;
    if matches!(fault, Fault::Hold | Fault::Slow) {
        // What was held or queued is lost, as when a network comes back after a long time.
        proxy.cut();
    }
    proxy.set(Mode::Pass);
}

fn send(pid: u32, signal: Signal) {
    // It may have just ended.
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}
