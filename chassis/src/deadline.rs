//! When an answer is due. tonic would let an expired call end as CANCELLED, and
//! a panic as a reset stream; here they become `DEADLINE_EXCEEDED` and INTERNAL,
//! and a call that outlives the server is told so.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::status::Refusal;

/// When the answer to a request is due; an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The deadline of this request.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let deadline = request.extensions().get().copied();
        // Only a server without the layer, as in a test, sets none.
        deadline.unwrap_or_else(|| Self(Instant::now() + Duration::from_secs(10)))
    }
}

/// Answers in time and in form, whatever happens behind it.
#[derive(Clone, Debug)]
pub struct AnswerLayer {
    /// The time for a call whose client sets none.
    pub default_timeout: Duration,
    /// True, or without its sender, at the end of the time to stop in: calls
    /// that are still open are answered then.
    pub is_cut_off: watch::Receiver<bool>,
}

impl<S> Layer<S> for AnswerLayer {
    type Service = Answer<S>;

    fn layer(&self, inner: S) -> Answer<S> {
        Answer {
            inner,
            default_timeout: self.default_timeout,
            is_cut_off: self.is_cut_off.clone(),
        }
    }
}

/// The service of [`AnswerLayer`].
#[derive(Clone, Debug)]
pub struct Answer<S> {
    inner: S,
    default_timeout: Duration,
    is_cut_off: watch::Receiver<bool>,
}

impl<S> Service<Request<Body>> for Answer<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let timeout = grpc_timeout(request.headers()).unwrap_or(self.default_timeout);
        // A little early, so that our answer is there before the client's own
        // timer cancels the call.
        let early = (timeout / 10).min(Duration::from_millis(5));
        let due = Instant::now() + timeout.saturating_sub(early);
        request.extensions_mut().insert(Deadline(due));
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let mut is_cut_off = self.is_cut_off.clone();
        Box::pin(async move {
            tokio::select! {
                biased;
                answer = timeout_at(due, answer) => match answer {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(panic)) => Ok(panicked(&*panic)),
                    Err(_) => Ok(late()),
                },
                _ = is_cut_off.wait_for(|cut_off| *cut_off) => Ok(stopping()),
            }
        })
    }
}

fn late() -> Response<Body> {
    let refusal = Refusal::new(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "the call took too long; it may or may not have been done",
    );
    Status::from(refusal).into_http()
}

fn stopping() -> Response<Body> {
    let refusal = Refusal::new(
        Code::Unavailable,
        "STOPPING",
        "the service is stopping; the call may or may not have been done",
    );
    Status::from(refusal).into_http()
}

fn panicked(panic: &(dyn Any + Send)) -> Response<Body> {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text, "a handler panicked");
    Status::from(Refusal::internal()).into_http()
}

/// Reads `grpc-timeout`: at most 8 digits and a unit. One that is malformed is
/// as good as none.
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(n)),
        "M" => Some(Duration::from_mins(n)),
        "S" => Some(Duration::from_secs(n)),
        "m" => Some(Duration::from_millis(n)),
        "u" => Some(Duration::from_micros(n)),
        "n" => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", http::HeaderValue::from_static(text));
        grpc_timeout(&headers)
    }

    #[test]
    fn a_timeout_is_read_with_its_unit() {
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999H"), Some(Duration::from_hours(99_999_999)));
    }

    #[test]
    fn a_malformed_timeout_is_as_good_as_none() {
        for text in ["", "m", "1", "-1S", "123456789S", "1x", "+1S"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
