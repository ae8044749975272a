//! What others notice while something else runs.

use std::time::Duration;

use tokio::time::sleep;

use super::Goal;
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::drive::Load;
use crate::load::report::Run;
use crate::load::scenario::Scenario;
use crate::load::subject::Pair;
use crate::print::say;

/// The calls of others, a second.
pub(super) const READS: u32 = 500;

/// Runs `work` beside reads of others, and compares their latency with that of reads alone.
/// `what` is the goal.
pub(super) async fn reads_beside<T>(
    what: &str,
    config: &LoadConfig,
    pair: &Pair,
    work: impl Future<Output = Result<T>>,
) -> Result<(Goal, T)> {
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
    let (beside, done) = tokio::join!(read(), async {
        // Measured calls begin after the warm-up.
        sleep(config.warm_up + Duration::from_millis(500)).await;
        work.await
    });
    let beside = beside?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    let ratio = beside as f64 / alone.max(1) as f64;
    let goal = Goal::at_most(what, ratio, 3.0, &format!("{beside} us to {alone} us"));
    Ok((goal, done?))
}
