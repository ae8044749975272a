//! Makes calls and measures their times: in a closed loop each caller waits for its
//! response; in an open one at a fixed rate a call's time starts when it was due, so that
//! a slow server cannot hide delays (no coordinated omission).

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nix::sys::prctl::set_timerslack;
use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinSet, LocalSet};

use super::cpu::{self, Processes};
use super::grpc::Failure;
use crate::error::{OrPath, Result};

/// Makes calls one after the other.
pub(super) trait Caller: 'static {
    /// Makes the next call, and checks its response.
    async fn call(&mut self) -> Result<(), Failure>;
}

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// HTTP/2 connections.
    pub(crate) connections: u32,
    /// Callers on each.
    pub(crate) in_flight: u32,
    /// Calls a second in all, independent of the responses; as fast as responses arrive
    /// if unset.
    pub(crate) rate: Option<u32>,
    /// The warm-up.
    pub(crate) warm_up: Duration,
    /// The measured time.
    pub(crate) time: Duration,
}

/// The results of a load.
pub(super) struct Seen {
    pub(super) calls: u64,
    /// Their times, in microseconds; possibly of a sample only.
    pub(super) latencies: Histogram<u64>,
    pub(super) errors: u64,
    /// How late calls were started at a fixed rate, in microseconds.
    pub(super) lateness: Histogram<u64>,
    /// The first error.
    pub(super) error: Option<Failure>,
    pub(super) elapsed: Duration,
    /// The processor time used meanwhile.
    pub(super) used: cpu::Used,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            calls: 0,
            latencies: microseconds(),
            errors: 0,
            lateness: microseconds(),
            error: None,
            elapsed: Duration::ZERO,
            used: cpu::Used::default(),
        }
    }

    fn record(&mut self, latency: Duration, answer: Result<(), Failure>) {
        self.calls += 1;
        record(&mut self.latencies, latency);
        if let Err(error) = answer {
            self.errors += 1;
            self.error.get_or_insert(error);
        }
    }

    fn add(&mut self, other: Self) {
        // All have the same bounds.
        let _ = self.latencies.add(&other.latencies);
        self.calls += other.calls;
        self.errors += other.errors;
        self.error = self.error.take().or(other.error);
    }
}

/// A histogram of up to a minute, exact to three digits.
pub(super) fn microseconds() -> Histogram<u64> {
    #[expect(
        clippy::expect_used,
        reason = "3 digits up to a minute are within its limits"
    )]
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("fixed bounds")
}

pub(super) fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}

/// Runs a warm-up, then the measurement. Blocks: this thread makes all calls, which costs
/// the least.
pub(super) fn run<C: Caller>(
    load: Load,
    processes: &Processes,
    callers: impl AsyncFnOnce(Load) -> Result<Vec<C>>,
) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_path("make", "a runtime".as_ref())?;
    LocalSet::new().block_on(&runtime, async {
        let callers = callers(load).await?;
        let (callers, _) = drive(callers, load.rate, load.warm_up).await;
        let (before, began) = (processes.used(), Instant::now());
        let (_, mut seen) = drive(callers, load.rate, load.time).await;
        seen.elapsed = began.elapsed();
        seen.used = processes.used() - before;
        Ok(seen)
    })
}

async fn drive<C: Caller>(callers: Vec<C>, rate: Option<u32>, time: Duration) -> (Vec<C>, Seen) {
    match rate {
        None => closed(callers, time).await,
        Some(rate) => open(callers, time, rate).await,
    }
}

async fn closed<C: Caller>(callers: Vec<C>, time: Duration) -> (Vec<C>, Seen) {
    let until = Instant::now() + time;
    let mut running = JoinSet::new();
    for mut caller in callers {
        running.spawn_local(async move {
            let mut seen = Seen::new();
            let mut now = Instant::now();
            while now < until {
                let answer = caller.call().await;
                let done = Instant::now();
                let is_cut = answer.as_ref().is_err_and(Failure::is_of_connection);
                seen.record(done - now, answer);
                if is_cut {
                    // Otherwise each further call would fail as well, a million times a
                    // second.
                    break;
                }
                now = done;
            }
            (caller, seen)
        });
    }
    collect(running).await
}

async fn open<C: Caller>(callers: Vec<C>, time: Duration, rate: u32) -> (Vec<C>, Seen) {
    let (due, calls) = mpsc::unbounded_channel::<Instant>();
    let pacer = thread::spawn(move || pace(&due, time, rate));
    let calls = Rc::new(Mutex::new(calls));
    let mut running = JoinSet::new();
    for mut caller in callers {
        let calls = Rc::clone(&calls);
        running.spawn_local(async move {
            let mut seen = Seen::new();
            loop {
                let Some(due) = calls.lock().await.recv().await else {
                    break;
                };
                let answer = caller.call().await;
                seen.record(due.elapsed(), answer);
            }
            (caller, seen)
        });
    }
    let (callers, mut seen) = collect(running).await;
    match pacer.join() {
        Ok(lateness) => seen.lateness = lateness,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    (callers, seen)
}

/// Signals when each call is due, from a thread of its own, because timers of the runtime
/// round up to a millisecond. Returns how late it was itself.
fn pace(due: &mpsc::UnboundedSender<Instant>, time: Duration, rate: u32) -> Histogram<u64> {
    // The kernel's default is to wake up to 50 us late.
    let _ = set_timerslack(1);
    let mut lateness = microseconds();
    let began = Instant::now();
    let gap = Duration::from_secs(1) / rate.max(1);
    let mut next = began;
    while next - began < time {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        record(&mut lateness, next.elapsed());
        if due.send(next).is_err() {
            break;
        }
        next += gap;
    }
    lateness
}

async fn collect<C: 'static>(mut running: JoinSet<(C, Seen)>) -> (Vec<C>, Seen) {
    let (mut callers, mut all) = (Vec::new(), Seen::new());
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((caller, seen)) => {
                callers.push(caller);
                all.add(seen);
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    (callers, all)
}
