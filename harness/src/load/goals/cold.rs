//! The first search of a large address book, which reads all of it, and what others notice.

use std::time::Duration;

use tokio::time::sleep;

use super::Goal;
use super::books::CONTACTS;
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::drive::Load;
use crate::load::report::Run;
use crate::load::scenario::Scenario;
use crate::load::stage::Stage;
use crate::print::say;

/// The address books that are searched, one after the other.
const BOOKS: usize = 5;
/// The calls of others, a second.
const READS: u32 = 500;

pub(super) async fn measure(config: &LoadConfig, stage: &Stage) -> Result<Vec<Goal>> {
    let pair = stage.pair();
    let mut tokens = Vec::new();
    for _ in 0..BOOKS {
        let user = pair.world.sign_up(CONTACTS).await?;
        tokens.push(pair.world.log_in(&user.email).await?.access_token);
    }
    stage.system()?.database.settle().await?;
    let paced = Load {
        rate: Some(READS),
        ..config.load()
    };
    let read = async || {
        let seen = pair.run(Scenario::Get, paced).await?;
        let run = Run::of(&pair.name, Scenario::Get, paced, seen);
        say(&run);
        Ok::<_, crate::Error>(run.quantile_us(0.99))
    };
    let alone = read().await?;
    let (beside, times) = tokio::join!(read(), async {
        // Measured calls begin after the warm-up.
        sleep(config.warm_up + Duration::from_millis(500)).await;
        let mut times = Vec::new();
        for token in &tokens {
            times.push(pair.world.search(token).await?);
        }
        Ok::<_, crate::Error>(times)
    });
    let (beside, mut times) = (beside?, times?);
    times.sort_unstable();
    let median = times[BOOKS / 2].as_secs_f64() * 1e3;
    let from = format!("the median of {BOOKS}, beside {READS} GetContact/s");
    let what = format!("the first SearchContacts at {CONTACTS} contacts, in ms");
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    let ratio = beside as f64 / alone.max(1) as f64;
    Ok(vec![
        Goal::at_most(&what, median, 150.0, &from).of(Scenario::Search),
        Goal::at_most(
            "p99 of GetContact beside such searches, to that without",
            ratio,
            3.0,
            &format!("{beside} us to {alone} us"),
        ),
    ])
}
