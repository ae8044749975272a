//! Streams that last no longer than the right to read them.

use std::pin::pin;
use std::time::Duration;

use async_stream::try_stream;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

/// Between two questions while there is nothing to tell.
const TICK: Duration = Duration::from_secs(1);
/// For questions that cost a statement: what comes one after the other within this time
/// was read together.
pub const TOGETHER: Duration = Duration::from_millis(20);

/// Tells what `stream` tells for as long as its caller may hear it, and ends with the
/// error of `ask` within a second of when it may not. `ask` is asked after an item was
/// waited for and before it is told: nothing that happened after the end of the right
/// gets out. An item that was there already is told by an answer that is no older than
/// `answer_life`.
pub fn while_allowed<T, E>(
    stream: impl Stream<Item = Result<T, E>>,
    answer_life: Duration,
    ask: impl AsyncFn() -> Result<(), E>,
) -> impl Stream<Item = Result<T, E>> {
    try_stream! {
        let mut stream = pin!(stream);
        let mut asked: Option<Instant> = None;
        loop {
            let item = if let Some(item) = stream.next().now_or_never() {
                // The reader may have taken its time.
                if asked.is_none_or(|at| at.elapsed() > answer_life) {
                    ask().await?;
                    asked = Some(Instant::now());
                }
                item
            } else {
                let tick = asked.unwrap_or_else(Instant::now) + TICK;
                let waited = timeout_at(tick, stream.next()).await;
                ask().await?;
                asked = Some(Instant::now());
                let Ok(item) = waited else { continue };
                item
            };
            let Some(item) = item else { break };
            yield item?;
        }
    }
}
