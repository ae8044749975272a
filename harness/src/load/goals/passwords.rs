//! Log-ins compared with the bare hash, and how a flood of them affects other calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::Goal;
use crate::error::{Error, Result};
use crate::load::config::LoadConfig;
use crate::load::cpu::Process;
use crate::load::drive::Load;
use crate::load::report::Run;
use crate::load::scenario::Scenario;
use crate::load::stage::Stage;
use crate::load::subject::Pair;
use crate::load::world::World;
use crate::print::say;

/// The defaults of the auth service.
const PARAMS: (u32, u32, u32) = (19_456, 2, 1);
/// Log-ins in flight in a flood.
const FLOOD: usize = 512;
/// Refreshes a second, both without and with a flood of log-ins.
const REFRESHES: u32 = 200;

pub(super) async fn measure(config: &LoadConfig, stage: &Stage) -> Result<Vec<Goal>> {
    let mut pair = stage.pair().clone();
    let mut world = World::clone(&pair.world);
    world.meet_strangers(FLOOD).await?;
    pair.world = Arc::new(world);
    let pair = &pair;
    let mut goals = Vec::new();

    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bare = tokio::task::spawn_blocking(move || at_once(threads));
    let most = bare.await.map_err(|error| Error::Load(error.into()))??;
    let load = Load {
        in_flight: 4,
        ..config.load()
    };
    let run = one(pair, Scenario::LogIn, load).await?;
    let from = format!(
        "{:.1}/s to {most:.1}/s; the client took {:.1} ms of a processor for each",
        run.per_second,
        run.client_cpu_us / 1e3
    );
    let what = format!("LogIn/s to argon2id/s of {threads} threads at once");
    goals.push(Goal::at_least(&what, run.per_second / most, 0.97, &from).of(Scenario::LogIn));

    let paced = Load {
        rate: Some(REFRESHES),
        time: Duration::from_secs(5),
        ..load
    };
    let idle = one(pair, Scenario::Refresh, paced).await?;
    let before = memory(pair);
    let flood = Load {
        in_flight: u32::try_from(FLOOD).unwrap_or(u32::MAX) / load.connections.max(1),
        time: Duration::from_secs(8),
        ..load
    };
    let (flooded, busy) = tokio::join!(pair.run(Scenario::LogIn, flood), async {
        // Waits until the queue of log-ins has filled.
        tokio::time::sleep(Duration::from_secs(2)).await;
        one(pair, Scenario::Refresh, paced).await
    });
    let (flooded, busy) = (flooded?, busy?);
    let after = memory(pair);
    say(format_args!(
        "flood: {} log-ins in flight, {} answered, {} of them refused",
        flood.connections * flood.in_flight,
        flooded.calls,
        flooded.errors
    ));
    let (idle, busy) = (idle.quantile_us(0.99), busy.quantile_us(0.99));
    #[expect(clippy::cast_precision_loss, reason = "microseconds and bytes")]
    let (p99, growth) = (
        busy as f64 / idle.max(1) as f64,
        after as f64 / before.max(1) as f64,
    );
    let what = "p99 of RefreshToken in a flood of log-ins, to an idle service's";
    goals.push(
        Goal::at_most(what, p99, 3.0, &format!("{busy} us to {idle} us")).of(Scenario::LogIn),
    );
    let megabytes = |bytes: u64| bytes / 1024 / 1024;
    let from = format!("{} MiB to {} MiB", megabytes(after), megabytes(before));
    let what = "memory of the auth service after the flood, to before it";
    goals.push(Goal::at_most(what, growth, 1.0, &from));
    Ok(goals)
}

async fn one(pair: &Pair, scenario: Scenario, load: Load) -> Result<Run> {
    let seen = pair.run(scenario, load).await?;
    let run = Run::of(&pair.name, scenario, load, seen);
    say(&run);
    Ok(run)
}

fn memory(pair: &Pair) -> u64 {
    pair.auth.service.iter().copied().map(Process::memory).sum()
}

/// The hashes a second of so many threads together.
fn at_once(threads: usize) -> Result<f64> {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| scope.spawn(hashes_per_second))
            .collect();
        let rates = running.into_iter().map(|thread| match thread.join() {
            Ok(rate) => rate,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        rates.sum()
    })
}

/// The hashes that this thread alone does in a second.
fn hashes_per_second() -> Result<f64> {
    let failed = |error: argon2::Error| Error::Load(error.to_string().into());
    let params = Params::new(PARAMS.0, PARAMS.1, PARAMS.2, Some(32)).map_err(failed)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = || {
        let mut output = [0; 32];
        argon2.hash_password_into_with_memory(
            b"password",
            b"a salt of 16 b..",
            &mut output,
            &mut memory,
        )
    };
    hash().map_err(failed)?;
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(3) {
        hash().map_err(failed)?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}
