//! Streams that last no longer than the right to read them.

use std::pin::pin;
use std::time::Duration;

use async_stream::try_stream;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

/// Interval of the checks while the stream has no item.
const TICK: Duration = Duration::from_secs(1);
/// An `answer_life` for checks that cost a statement: long enough for items that were
/// read together, which follow each other within this time.
pub const TOGETHER: Duration = Duration::from_millis(20);

/// Passes on the items of `stream` while its caller may read them. Within a second after
/// the caller may no longer read them, ends with the error of `ask`.
///
/// After waiting for an item, `ask` is called before the item is passed on, so nothing
/// that happened after the right ended is sent. For an item that was ready at once, the
/// last result of `ask` is used if it is at most `answer_life` old.
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
                // The last result can be old, because the reader may be slow.
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
