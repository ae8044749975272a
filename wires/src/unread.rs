//! Requests of HTTP/1.1 that are answered before they have been read.
//!
//! The rest of such a request is in the way of the next one. hyper passes over what it has
//! already received, and closes the connection otherwise; but a client that is not told so may
//! send its next request on it, and lose it (RFC 9112, sections 9.3 and 9.6).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;

/// What is read of a rest, so that the connection can be kept.
const BYTES_MAX: u64 = 64 * 1024;
/// How long its client may take to send it.
const PATIENCE: Duration = Duration::from_millis(100);

/// What will not have been read of a request of HTTP/1.1; nothing for other versions.
#[derive(Debug)]
pub struct Unread(Option<Arc<Mutex<Option<Body>>>>);

impl Unread {
    /// The request, with what will not have been read of it.
    pub fn of(request: Request<Body>) -> (Request<Body>, Self) {
        if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
            return (request, Self(None));
        }
        let rest = Arc::default();
        let request = request.map(|body| {
            Body::new(Lent {
                body,
                rest: Arc::clone(&rest),
            })
        });
        (request, Self(Some(rest)))
    }

    /// The rest, when the response has been made. `None` if it has been read, or is being read.
    #[must_use]
    pub fn rest(self) -> Option<Rest> {
        let mut rest = self
            .0
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rest.take().map(Rest)
    }
}

/// The rest of a request that nobody reads.
#[derive(Debug)]
pub struct Rest(Body);

impl Rest {
    /// Reads the rest if it is short. Otherwise the response says that the connection closes.
    pub async fn pass_over<B>(self, response: &mut Response<B>) {
        let passed = timeout(PATIENCE, self.passes()).await;
        if !passed.unwrap_or(false) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
    }

    /// Whether the rest was short, and is read.
    async fn passes(mut self) -> bool {
        let mut bytes = 0;
        while bytes + self.0.size_hint().lower() <= BYTES_MAX {
            match self.0.frame().await {
                Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(_)) => return false,
                None => return true,
            }
        }
        false
    }
}

/// The body of a request, whose rest is returned.
struct Lent {
    body: Body,
    rest: Arc<Mutex<Option<Body>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
            *rest = Some(std::mem::take(&mut self.body));
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() {
            self.body = Body::empty();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn post(version: Version, body: Body) -> Request<Body> {
        Request::post("/").version(version).body(body).unwrap()
    }

    fn whole(body: impl Into<Bytes>) -> Body {
        Body::new(Full::new(body.into()))
    }

    async fn closes(rest: Rest) -> bool {
        let mut response = Response::new(());
        rest.pass_over(&mut response).await;
        response.headers().contains_key(CONNECTION)
    }

    #[tokio::test]
    async fn what_was_read_or_is_being_read_has_no_rest() {
        let (read, unread) = Unread::of(post(Version::HTTP_11, whole("{}")));
        assert_eq!(read.into_body().collect().await.unwrap().to_bytes(), "{}");
        assert!(unread.rest().is_none());
        let (_still_read, unread) = Unread::of(post(Version::HTTP_11, whole("{}")));
        assert!(unread.rest().is_none());
        for (version, body) in [(Version::HTTP_11, ""), (Version::HTTP_2, "{}")] {
            let (request, unread) = Unread::of(post(version, whole(body)));
            drop(request);
            assert!(unread.rest().is_none(), "{version:?}");
        }
    }

    #[tokio::test]
    async fn only_a_long_late_or_broken_rest_closes_the_connection() {
        let late = Body::new(StreamBody::new(stream::pending::<Result<_, Status>>()));
        let broken = stream::iter([Err::<Frame<Bytes>, _>(Status::unknown("reset"))]);
        let pieces = |count| {
            let piece = || Ok::<_, Status>(Frame::data(Bytes::from(vec![b'x'; 1_024])));
            let pieces = std::iter::repeat_with(piece).take(count);
            Body::new(StreamBody::new(stream::iter(pieces)))
        };
        for (body, is_kept) in [
            (whole("{}"), true),
            (pieces(64), true),
            (pieces(66), false),
            (whole(vec![b'x'; 100_000]), false),
            (Body::new(StreamBody::new(broken)), false),
            (late, false),
        ] {
            let (request, unread) = Unread::of(post(Version::HTTP_11, body));
            drop(request);
            assert_eq!(closes(unread.rest().unwrap()).await, !is_kept);
        }
    }
}
