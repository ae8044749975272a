//! The message of a request must arrive in time. Otherwise a client that starts calls
//! without continuing could hold them and their memory until their deadlines.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::serve::budget::{Account, Held, SMALL};
use crate::status::Refusal;

/// The lowest speed of a message once it has started to arrive, in bytes a second.
const SPEED_MIN: u64 = 64 * 1024;

/// The delay after which a call that was refused for lack of room can be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The body of a request, which fails if its bytes do not arrive in time.
pub(crate) struct RequestBody {
    body: Body,
    patience: Duration,
    /// When the wait for the message started; in a stream, that for the next bytes.
    began: Instant,
    /// The bytes since then.
    bytes: u64,
    /// The bytes of all messages.
    total: u64,
    /// Set while nothing arrives.
    alarm: Option<Pin<Box<Sleep>>>,
    /// More than one message may arrive, each with its own time.
    streams: bool,
    /// Whether the request names an encoding for compressed messages.
    names_encoding: bool,
    /// What the bytes are counted for; `None` if they are not counted.
    account: Option<Account>,
    held: Option<Held>,
}

impl RequestBody {
    /// Gives a message this much time, and more while it arrives.
    pub(crate) fn new(body: Body, patience: Duration, streams: bool, names_encoding: bool) -> Self {
        Self {
            body,
            patience,
            began: Instant::now(),
            bytes: 0,
            total: 0,
            alarm: None,
            streams,
            names_encoding,
            account: None,
            held: None,
        }
    }

    /// Counts the bytes for this account until the message is decoded; of a stream, until its
    /// end.
    pub(crate) fn counted_for(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    /// Checks the bytes that arrived.
    fn took(&mut self, data: &Bytes) -> Result<(), Status> {
        let is_first = self.bytes == 0;
        self.alarm = None;
        self.bytes += data.len() as u64;
        self.total += data.len() as u64;
        if self.streams {
            self.bytes = 1;
        }
        // The first byte of a message marks compression.
        if is_first && data.first() == Some(&1) && !self.names_encoding {
            return Err(undeclared());
        }
        if self.hold(data.len() as u64) {
            Ok(())
        } else {
            Err(no_room())
        }
    }

    /// Counts bytes that arrived; false if a limit leaves no room for them.
    fn hold(&mut self, bytes: u64) -> bool {
        match (&self.account, &mut self.held) {
            (Some(_), Some(held)) => held.grow(bytes),
            (Some(account), None) if self.total > SMALL as u64 => {
                self.held = account.hold(self.total);
                self.held.is_some()
            }
            _ => true,
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let frame = frame.map(|frame| frame.map_err(broken));
            let data = frame
                .as_ref()
                .and_then(|frame| frame.as_ref().ok()?.data_ref());
            if let Some(data) = data
                && let Err(status) = this.took(&data.clone())
            {
                return Poll::Ready(Some(Err(status)));
            }
            return Poll::Ready(frame);
        }
        if this.streams && this.alarm.is_none() {
            // The service may have worked on the message before this one for long.
            this.began = Instant::now();
        }
        let more = Duration::from_millis(this.bytes * 1000 / SPEED_MIN);
        let due = this.began + this.patience + more;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Some(Err(too_slow(this.patience))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The error of a body that HTTP cannot read. tonic's has the code UNKNOWN, which alarms
/// operators, although only the client can cause it.
fn broken(status: Status) -> Status {
    if status.code() != Code::Unknown {
        return status;
    }
    let text = "the body of the request is cut off, or not what HTTP says";
    Refusal::new(Code::InvalidArgument, "REQUEST_MALFORMED", text).into()
}

fn too_slow(patience: Duration) -> Status {
    let text = format!("the request did not arrive within {patience:?}; the call was not executed");
    Refusal::new(Code::DeadlineExceeded, "REQUEST_INCOMPLETE", text).into()
}

/// The code is gRPC's (compression.md, "Compression Method Asymmetry").
fn undeclared() -> Status {
    let text = "the message is marked as compressed, but grpc-encoding is missing";
    Refusal::new(Code::Internal, "COMPRESSION_UNDECLARED", text).into()
}

fn no_room() -> Status {
    let text = "too many bytes of requests that have not arrived completely are waiting; send \
                fewer large requests at a time; nothing was done";
    let refusal = Refusal::new(Code::ResourceExhausted, "TOO_MANY_REQUEST_BYTES", text);
    refusal.retry_after(RETRY_AFTER).into()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// A stream that sends one message, and then nothing.
    fn stalled() -> RequestBody {
        let frame = Frame::data(Bytes::from_static(b"\0\0\0\0\0"));
        let first = futures_util::stream::iter([Ok::<_, Status>(frame)]);
        let frames = futures_util::StreamExt::chain(first, futures_util::stream::pending());
        RequestBody::new(Body::new(StreamBody::new(frames)), PATIENCE, true, true)
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_a_service_does_not_read_a_stream_is_not_the_clients() {
        let mut body = stalled();
        body.frame().await.unwrap().unwrap();
        advance(10 * PATIENCE).await;

        assert!(body.frame().now_or_never().is_none());
        advance(PATIENCE / 2).await;
        assert!(body.frame().now_or_never().is_none());
        advance(PATIENCE).await;
        let late = body.frame().now_or_never().unwrap().unwrap().unwrap_err();
        assert_eq!(late.code(), Code::DeadlineExceeded);
    }
}
