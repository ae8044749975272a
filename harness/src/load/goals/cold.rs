//! The first search of a large address book, which reads all of it, and what others notice.

use super::Goal;
use super::beside::{READS, reads_beside};
use super::books::CONTACTS;
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::scenario::Scenario;
use crate::load::stage::Stage;

/// The address books that are searched, one after the other.
const BOOKS: usize = 5;

pub(super) async fn measure(config: &LoadConfig, stage: &Stage) -> Result<Vec<Goal>> {
    let pair = stage.pair();
    let mut tokens = Vec::new();
    for _ in 0..BOOKS {
        let user = pair.world.sign_up(CONTACTS).await?;
        tokens.push(pair.world.log_in(&user.email).await?.access_token);
    }
    stage.system()?.database.settle().await?;
    let what = "p99 of GetContact beside such searches, to that without";
    let searches = async {
        let mut times = Vec::new();
        for token in &tokens {
            times.push(pair.world.search(token).await?);
        }
        Ok(times)
    };
    let (beside, mut times) = reads_beside(what, config, pair, searches).await?;
    times.sort_unstable();
    let median = times[BOOKS / 2].as_secs_f64() * 1e3;
    let from = format!("the median of {BOOKS}, beside {READS} GetContact/s");
    let what = format!("the first SearchContacts at {CONTACTS} contacts, in ms");
    let first = Goal::at_most(&what, median, 150.0, &from).of(Scenario::Search);
    Ok(vec![first, beside])
}
