//! Responses that their client has not read yet. They take memory, so their bytes are
//! limited per connection and per user, and each must be read within a time.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Code;

use crate::status::Refusal;

/// The lowest speed at which a client must read a response, in bytes per second.
const SPEED_MIN: u64 = 64 * 1024;

/// The delay after which a call whose response was refused can be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A limit leaves no room for a response.
pub(crate) struct NoRoom;

impl From<NoRoom> for Refusal {
    fn from(NoRoom: NoRoom) -> Self {
        let text = "responses to earlier calls are not read yet; read them, then retry; \
                    the call may have been executed";
        Self::new(Code::ResourceExhausted, "ANSWERS_UNREAD", text).retry_after(RETRY_AFTER)
    }
}

/// Which side a call waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum WaitsFor {
    #[default]
    Server,
    /// The client, to read a message: the latest one of the call, of which the client has
    /// read so many bytes.
    Client { message: u64, read: u64 },
}

tokio::task_local! {
    static WAITS: Cell<WaitsFor>;
}

impl WaitsFor {
    /// Records which side the call of this task waits for.
    pub(crate) fn record(self) {
        // A test of a body runs neither a connection nor a call.
        let _ = WAITS.try_with(|waits| waits.set(self));
    }
}

/// Runs a connection. Its calls are recorded for it if it is one of HTTP/1.1; those of
/// HTTP/2 are tasks of their own.
pub(crate) fn recording<F: Future>(connection: F) -> impl Future<Output = F::Output> {
    WAITS.scope(Cell::default(), connection)
}

/// Completes when the client of this task's connection has stopped reading. Is to be polled
/// after the connection.
pub(crate) async fn client_stopped(patience: Duration) {
    let mut alarm = Alarm::default();
    let waits = || WAITS.try_with(Cell::get).unwrap_or_default();
    poll_fn(|cx| alarm.poll(waits(), patience, cx)).await;
}

/// Runs the calls of HTTP/2 connections, each until its client stops reading the
/// response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadTimeout(pub(crate) Duration);

impl<F> Executor<F> for ReadTimeout
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        let patience = self.0;
        let call = async move {
            let (mut call, mut alarm) = (pin!(call), Alarm::default());
            // Dropping an unfinished call resets its stream.
            poll_fn(|cx| match call.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => alarm.poll(WAITS.with(Cell::get), patience, cx),
            })
            .await;
        };
        tokio::spawn(WAITS.scope(Cell::default(), call));
    }
}

/// Set while the call waits for its client.
#[derive(Default)]
struct Alarm {
    /// The message that is waited for, and since when.
    message: Option<(u64, Instant)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Is ready when a client had enough time for what it has read of a message.
    fn poll(&mut self, waits: WaitsFor, patience: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let WaitsFor::Client { message, read } = waits else {
            self.message = None;
            return Poll::Pending;
        };
        let began = match self.message {
            Some((same, began)) if same == message => began,
            _ => Instant::now(),
        };
        self.message = Some((message, began));
        let due = began + patience + Duration::from_millis(read * 1000 / SPEED_MIN);
        let set = || Box::pin(sleep_until(due));
        let sleep = self.sleep.get_or_insert_with(set);
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_its_client_reads_too_slowly() {
        recording(async {
            let mut stopped = pin!(client_stopped(PATIENCE));
            let mut has_stopped = || stopped.as_mut().now_or_never().is_some();
            advance(10 * PATIENCE).await;
            assert!(!has_stopped(), "the client waits for the server");

            let read = |read| WaitsFor::Client { message: 1, read }.record();
            read(0);
            assert!(!has_stopped());
            advance(PATIENCE / 2).await;
            read(2 * SPEED_MIN);
            advance(PATIENCE / 2).await;
            assert!(!has_stopped(), "what was read gives it two seconds more");
            advance(Duration::from_secs(3)).await;
            assert!(has_stopped());
        })
        .await;
    }
}
