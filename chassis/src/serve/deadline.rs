//! Deadlines. Every call gets a well-formed response in time, whatever happens in its
//! handler: a call that takes too long, panics, or outlives its connection or the server
//! gets an error, and a failure of the transport gets a reason.

use std::any::Any;
use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use wires::Inbound;

use crate::access::client::Client;
use crate::serve::connection::{Connection, Cut};
use crate::serve::request_body::RequestBody;
use crate::serve::rpcs::Rpc;
use crate::serve::stream_body::StreamBody;
use crate::settings::config::ServerConfig;
use crate::status::{Refusal, explain};

/// The deadline of a request; an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The deadline of this request.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let deadline = request.extensions().get().copied();
        // Only a server without the layer, such as in a test, sets none.
        deadline.unwrap_or_else(|| Self(Instant::now() + Duration::from_secs(10)))
    }
}

/// Responds in time and well-formed, whatever happens in the handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerLayer {
    /// The time for a call whose client sets none.
    default_timeout: Duration,
    /// The longest deadline that a client can set.
    longest_timeout: Duration,
    /// The time for a message to arrive.
    patience: Duration,
}

impl AnswerLayer {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self {
            default_timeout: config.request_timeout,
            longest_timeout: config.request_timeout_max.max(config.request_timeout),
            patience: config.request_message,
        }
    }
}

impl<S> Layer<S> for AnswerLayer {
    type Service = Answer<S>;

    fn layer(&self, inner: S) -> Answer<S> {
        Answer {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`AnswerLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Answer<S> {
    inner: S,
    layer: AnswerLayer,
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
        let AnswerLayer {
            default_timeout,
            longest_timeout,
            patience,
        } = self.layer;
        let timeout = grpc_timeout(request.headers()).unwrap_or(default_timeout);
        let timeout = timeout.min(longest_timeout);
        // A little early, so that our response arrives before the client's own timer
        // cancels the call.
        let early = (timeout / 10).min(Duration::from_millis(5));
        let due = Instant::now() + timeout.saturating_sub(early);
        let extensions = request.extensions_mut();
        extensions.insert(Deadline(due));
        let connection = extensions.get::<Arc<Connection>>().cloned();
        let rpc = extensions.get::<&'static Rpc>().copied();
        let (streams, client_streams) =
            rpc.map_or((false, false), |rpc| (rpc.streams, rpc.client_streams));
        let client = extensions.get::<Arc<Client>>();
        // Where both sides stream, each message is used as it comes. A stream of requests alone
        // is collected for its one response.
        let client = client.filter(|_| !(streams && client_streams));
        let account = connection.as_ref().zip(client);
        let account = account.map(|(connection, client)| connection.arriving(client));
        let inbound = request.extensions_mut().remove::<Inbound>();
        // What is translated is checked there.
        let names_encoding = inbound.is_some() || request.headers().contains_key("grpc-encoding");
        let request = request.map(|body| {
            let message = RequestBody::new(body, patience, client_streams, names_encoding);
            let message = Body::new(message.counted_for(account));
            match inbound {
                Some(inbound) => inbound.translate(message),
                None => message,
            }
        });
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            tokio::select! {
                biased;
                answer = timeout_at(due, answer) => match answer {
                    Ok(Ok(Ok(mut answer))) => {
                        explain(answer.headers_mut());
                        let cut_off = cut_off(connection.as_deref());
                        Ok(if streams {
                            answer.map(|body| Body::new(StreamBody::new(body, Box::pin(cut_off))))
                        } else {
                            answer
                        })
                    }
                    Ok(Err(panic)) => Ok(panicked(&*panic)),
                    Err(_) => Ok(late()),
                },
                why = cut_off(connection.as_deref()) => {
                    Ok(Status::from(Refusal::from(why)).into_http())
                }
            }
        })
    }
}

/// Completes when the calls of this connection are cut off.
fn cut_off(connection: Option<&Connection>) -> impl Future<Output = Cut> + Send + use<> {
    let cut_off = connection.map(Connection::cut_off);
    async move {
        match cut_off {
            Some(cut_off) => cut_off.await,
            None => pending().await,
        }
    }
}

fn late() -> Response<Body> {
    let refusal = Refusal::new(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "the call took too long; it may have been executed",
    );
    Status::from(refusal).into_http()
}

impl From<Cut> for Refusal {
    fn from(why: Cut) -> Self {
        let (reason, text) = match why {
            Cut::Stopping => (
                "STOPPING",
                "the service is stopping; the call may have been executed",
            ),
            Cut::Aged => (
                "CONNECTION_AGED",
                "the connection is too old; the call may have been executed",
            ),
        };
        Self::new(Code::Unavailable, reason, text)
    }
}
fn panicked(panic: &(dyn Any + Send)) -> Response<Body> {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text, "a handler panicked");
    Status::from(Refusal::internal()).into_http()
}

/// Parses `grpc-timeout`: at most 8 digits and a unit. A malformed one is ignored.
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
    fn a_malformed_timeout_is_ignored() {
        for text in ["", "m", "1", "-1S", "123456789S", "1x", "+1S"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
