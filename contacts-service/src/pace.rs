//! How slow a client may be that has one of few places: an import or an export.

use std::time::Duration;

use async_stream::try_stream;
use futures_util::Stream;
use tokio::time::{Instant, timeout};

/// The lowest speed of a client, in bytes a second.
const SPEED_MIN: u64 = 16 * 1024;
/// The time that a client may take in addition, over the whole call.
const PATIENCE: Duration = Duration::from_mins(1);
/// Both, for the texts of errors.
pub const SLOWEST: &str = "at most a minute more than it takes at 16 KiB/s";

/// How long the service has waited for a client, and for how many bytes.
#[derive(Debug, Default)]
pub struct Pace {
    waited: Duration,
    bytes: u64,
}

/// The client is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

impl Pace {
    /// Counts bytes that the client has sent or read.
    pub fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Waits for the client, unless that takes too long.
    pub async fn wait_for<T>(&mut self, client: impl Future<Output = T>) -> Result<T, TooSlow> {
        let (began, left) = (Instant::now(), self.allowed().saturating_sub(self.waited));
        let done = timeout(left, client).await;
        self.waited += began.elapsed();
        done.map_err(|_| TooSlow)
    }

    /// Adds the time for which the service has waited since `began`.
    pub fn waited_since(&mut self, began: Instant) -> Result<(), TooSlow> {
        self.waited += began.elapsed();
        if self.waited > self.allowed() {
            return Err(TooSlow);
        }
        Ok(())
    }

    fn allowed(&self) -> Duration {
        PATIENCE + Duration::from_millis(self.bytes * 1000 / SPEED_MIN)
    }
}

/// Passes on the items of `stream`, which have this `size` in bytes. If its client reads them
/// too slowly, ends with the error `too_slow`.
pub fn read_in_time<T, E>(
    stream: impl Stream<Item = Result<T, E>>,
    size: impl Fn(&T) -> usize,
    too_slow: impl Fn() -> E,
) -> impl Stream<Item = Result<T, E>> {
    try_stream! {
        let mut pace = Pace::default();
        for await item in stream {
            let item = item?;
            pace.count(size(&item));
            let sent = Instant::now();
            yield item;
            // The stream goes on when the client has read the item.
            pace.waited_since(sent).map_err(|TooSlow| too_slow())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use futures_util::{StreamExt, stream};
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_a_byte_now_and_then_is_too_slow() {
        let mut pace = Pace::default();
        for _ in 0..2 {
            assert_eq!(pace.wait_for(sleep(29 * SECOND)).await, Ok(()));
            pace.count(1);
        }

        assert_eq!(pace.wait_for(sleep(29 * SECOND)).await, Err(TooSlow));
        assert_eq!(pace.wait_for(pending::<()>()).await, Err(TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_be_slow_for_as_long_as_the_file_needs() {
        let mut pace = Pace::default();
        for _ in 0..1000 {
            pace.count(64 * 1024);
            assert_eq!(pace.wait_for(sleep(4 * SECOND)).await, Ok(()));
        }
        // What the service does itself does not count.
        advance(1000 * SECOND).await;
        assert_eq!(pace.wait_for(ready(())).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_too_slowly_ends() {
        let items = stream::repeat(64 * 1024).map(Ok::<usize, &str>);
        let mut items = pin!(read_in_time(items, |size| *size, || "too slow"));
        let mut count = 0;
        let error = loop {
            match items.next().await.unwrap() {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
            advance(10 * SECOND).await;
        };

        // Each takes six seconds longer than it may.
        assert_eq!((error, count), ("too slow", 11));
    }
}
