//! Imports of large files, the memory that they need, and what others notice.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::interval;

use super::beside::reads_beside;
use super::books::CONTACTS;
use super::memory::{mib, stop};
use super::{Goal, copy};
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::cpu::Process;
use crate::load::files;
use crate::load::stage::Stage;
use crate::load::world::Addresses;
use crate::print::say;

/// The cards of a file that a person imports.
const CARDS: u32 = 10_000;
/// The imports that run at a time, each of another user.
const AT_A_TIME: usize = 4;
/// How often memory is measured.
const SAMPLES_EVERY: Duration = Duration::from_millis(20);

pub(super) async fn measure(config: &LoadConfig, stage: &Stage) -> Result<Vec<Goal>> {
    let pair = stage.pair();
    let copied = copy::rows_per_second(&stage.system()?.database).await?;
    let token = async || {
        let user = pair.world.sign_up(0).await?;
        Ok::<_, crate::Error>(pair.world.log_in(&user.email).await?.access_token)
    };
    let file = files::cards(CARDS);
    let took = pair.world.import(&token().await?, file.clone()).await?;
    let seconds = took.as_secs_f64();
    let rows = f64::from(CARDS) / seconds;
    let mut goals = vec![
        Goal::at_most(
            &format!("an import of {CARDS} plain cards, in seconds"),
            seconds,
            3.0,
            &format!("{rows:.0}/s"),
        ),
        Goal::at_least(
            "cards/s of an import to COPY of such rows",
            rows / copied,
            0.25,
            &format!("{rows:.0}/s to {copied:.0}/s"),
        ),
    ];

    let mut tokens = Vec::new();
    for _ in 0..AT_A_TIME {
        tokens.push(token().await?);
    }
    let imports = try_join_all(
        tokens
            .iter()
            .map(|token| pair.world.import(token, file.clone())),
    );
    let what = "p99 of GetContact beside four imports at once, to that without";
    let (beside, _) = reads_beside(what, config, pair, imports).await?;
    goals.push(beside);

    goals.extend(memory(stage, &token().await?).await?);
    Ok(goals)
}

/// The memory that a service needs for a large file, and for its export. A fresh one, because
/// another would use again what it has for earlier calls.
async fn memory(stage: &Stage, token: &str) -> Result<Option<Goal>> {
    let (auth, contacts) = stage.start_another().await?;
    let Some(process) = contacts.pid().map(Process) else {
        return Ok(None);
    };
    let world = stage.pair().world.behind(Addresses {
        auth: auth.address(),
        contacts: contacts.address(),
    });
    let before = process.own_memory();
    let (took, importing) = peak(process, world.import(token, files::cards(CONTACTS))).await?;
    let (exported, exporting) = peak(process, world.export(token)).await?;
    stop((auth, contacts)).await;
    say(format_args!(
        "{CONTACTS} cards: imported in {took:.1?}, exported in {exported:.1?}"
    ));
    let [before, importing, exporting] = [before, importing, exporting].map(mib);
    let from =
        format!("{before:.1} MiB, {importing:.1} MiB while it imports, {exporting:.1} after it");
    let what =
        format!("contacts: memory for an import of {CONTACTS} cards and their export, in MiB");
    let more = importing.max(exporting) - before;
    Ok(Some(Goal::at_most(&what, more, 32.0, &from)))
}

/// The most memory of its own that a process has while `work` runs, in bytes.
async fn peak<T>(process: Process, work: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
    let (mut work, mut most) = (pin!(work), 0);
    let mut ticks = interval(SAMPLES_EVERY);
    loop {
        tokio::select! {
            done = &mut work => return Ok((done?, most.max(process.own_memory()))),
            _ = ticks.tick() => most = most.max(process.own_memory()),
        }
    }
}
