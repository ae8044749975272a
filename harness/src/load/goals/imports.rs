//! Imports of large files, the memory that they need, and what others notice.

use futures_util::future::try_join_all;

use super::beside::reads_beside;
use super::books::CONTACTS;
use super::memory::mib;
use super::{Goal, copy};
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::cpu::Process;
use crate::load::files;
use crate::load::stage::Stage;
use crate::print::say;

/// The cards of a file that a person imports.
const CARDS: u32 = 10_000;
/// The imports of one user that run at a time.
const AT_A_TIME: usize = 4;

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

    if let Some(process) = pair.contacts.service.first() {
        goals.push(memory(*process, stage, &token().await?).await?);
    }
    Ok(goals)
}

/// The memory that the service takes for a large file, and for its export.
async fn memory(process: Process, stage: &Stage, token: &str) -> Result<Goal> {
    let world = &stage.pair().world;
    let before = process.own_memory();
    let took = world.import(token, files::cards(CONTACTS)).await?;
    let exported = world.export(token).await?;
    let after = process.own_memory();
    say(format_args!(
        "{CONTACTS} cards: imported in {took:.1?}, exported in {exported:.1?}"
    ));
    let from = format!("{:.1} MiB to {:.1} MiB", mib(before), mib(after));
    let what =
        format!("contacts: memory that stays after an import of {CONTACTS} cards and their export");
    let more = mib(after.saturating_sub(before));
    Ok(Goal::at_most(&format!("{what}, in MiB"), more, 32.0, &from))
}
