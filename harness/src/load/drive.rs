//! Makes calls and takes their times: a closed loop, in which each worker waits
//! for its answer, or an open one at a fixed rate, in which a call's time runs
//! from the moment it was due, so that a slow server cannot slow the clock down
//! (no coordinated omission).

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Processes;
use super::report::Run;
use super::scenario::{Scenario, Worker};
use super::world::World;
use crate::config::LoadConfig;
use crate::error::Result;

/// What one worker saw: latencies in microseconds, and errors.
struct Seen {
    latencies: Histogram<u64>,
    errors: u64,
}

impl Seen {
    fn new() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "3 digits up to a minute are within its limits"
        )]
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3).expect("fixed bounds");
        Self {
            latencies,
            errors: 0,
        }
    }

    fn record(&mut self, latency: Duration, failed: bool) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros);
        self.errors += u64::from(failed);
    }

    fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.latencies.add(&other.latencies);
        self.errors += other.errors;
    }
}

/// Runs one scenario: a warm-up, then the time that counts.
pub(super) async fn run(
    config: &LoadConfig,
    world: &Arc<World>,
    scenario: Scenario,
    processes: &Processes,
) -> Result<Run> {
    let workers = workers(config, world, scenario).await?;
    let used = || {
        let Processes {
            service,
            postgres,
            client,
        } = processes;
        [service, postgres, client].map(super::cpu::Process::nanoseconds)
    };
    let (workers, _) = drive(config, workers, config.warm_up).await;
    let (before, began) = (used(), Instant::now());
    let (_, seen) = drive(config, workers, config.seconds).await;
    let (after, elapsed) = (used(), began.elapsed());

    let calls = u32::try_from(seen.latencies.len())
        .unwrap_or(u32::MAX)
        .max(1);
    let per_call = |index: usize| {
        let used = Duration::from_nanos(after[index].saturating_sub(before[index]));
        used.as_secs_f64() * 1e6 / f64::from(calls)
    };
    Ok(Run {
        scenario,
        open_rate: config.rate,
        calls,
        errors: seen.errors,
        per_second: f64::from(calls) / elapsed.as_secs_f64(),
        p50_us: seen.latencies.value_at_quantile(0.5),
        p99_us: seen.latencies.value_at_quantile(0.99),
        p999_us: seen.latencies.value_at_quantile(0.999),
        service_cpu_us: per_call(0),
        postgres_cpu_us: per_call(1),
        client_cpu_us: per_call(2),
    })
}

async fn workers(
    config: &LoadConfig,
    world: &Arc<World>,
    scenario: Scenario,
) -> Result<Vec<Worker>> {
    let mut workers = Vec::new();
    for connection in 0..config.connections {
        let channels = (world.auth_channel().await?, world.contacts_channel().await?);
        for slot in 0..config.in_flight {
            let seed = u64::from(connection) << 32 | u64::from(slot);
            let worker = Worker::new(Arc::clone(world), scenario, channels.clone(), seed);
            workers.push(worker.await?);
        }
    }
    Ok(workers)
}

async fn drive(config: &LoadConfig, workers: Vec<Worker>, time: Duration) -> (Vec<Worker>, Seen) {
    match config.rate {
        None => closed(workers, time).await,
        Some(rate) => open(workers, time, rate).await,
    }
}

async fn closed(workers: Vec<Worker>, time: Duration) -> (Vec<Worker>, Seen) {
    let until = Instant::now() + time;
    let mut running = JoinSet::new();
    for mut worker in workers {
        running.spawn(async move {
            let mut seen = Seen::new();
            let mut now = Instant::now();
            while now < until {
                let failed = worker.call().await.is_err();
                let done = Instant::now();
                seen.record(done - now, failed);
                now = done;
            }
            (worker, seen)
        });
    }
    collect(running).await
}

async fn open(workers: Vec<Worker>, time: Duration, rate: u32) -> (Vec<Worker>, Seen) {
    let (due, calls) = mpsc::unbounded_channel::<Instant>();
    let pacer = thread::spawn(move || pace(&due, time, rate));
    let calls = Arc::new(tokio::sync::Mutex::new(calls));
    let mut running = JoinSet::new();
    for mut worker in workers {
        let calls = Arc::clone(&calls);
        running.spawn(async move {
            let mut seen = Seen::new();
            loop {
                let Some(due) = calls.lock().await.recv().await else {
                    break;
                };
                let failed = worker.call().await.is_err();
                seen.record(due.elapsed(), failed);
            }
            (worker, seen)
        });
    }
    let collected = collect(running).await;
    // It has ended, or the channel would still be open.
    let _ = pacer.join();
    collected
}

/// Says when each call is due, from a thread: timers of the runtime round up to
/// a millisecond.
fn pace(due: &mpsc::UnboundedSender<Instant>, time: Duration, rate: u32) {
    let began = Instant::now();
    let gap = Duration::from_secs(1) / rate.max(1);
    let mut next = began;
    while next - began < time {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        if due.send(next).is_err() {
            return;
        }
        next += gap;
    }
}

async fn collect(mut running: JoinSet<(Worker, Seen)>) -> (Vec<Worker>, Seen) {
    let (mut workers, mut all) = (Vec::new(), Seen::new());
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((worker, seen)) => {
                workers.push(worker);
                all.add(&seen);
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    (workers, all)
}
