//! Waiting for what a test needs, instead of sleeping.

use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::task::yield_now;
use tokio::time::timeout;

/// Polls until `ask` returns a result, for at most 30 s; then panics with `what_if_not`.
pub async fn in_time<T>(what_if_not: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            yield_now().await;
        }
    };
    let answer = timeout(Duration::from_secs(30), asking).await;
    answer.expect(what_if_not)
}

/// Polls until `is_so` is true, for at most a minute. Blocks the thread.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(1), "never: {what}");
        sleep(Duration::from_millis(10));
    }
}
