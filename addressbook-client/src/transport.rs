//! The channel of a generated client: it adds the access token, and repeats what can be
//! repeated.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status, TimeoutExpired};
use tower::{Service, ServiceExt};

use crate::error::{Error, Kind};
use crate::methods::Method;
use crate::retry::Policy;
use crate::session::{AccessToken, Session};
use crate::trace;

/// The deadline of a call with one response, unless its request has another one.
const DEADLINE: HeaderValue = HeaderValue::from_static("30S");
const DEADLINE_HEADER: &str = "grpc-timeout";

/// What gRPC sends before each message: whether it is compressed (1 byte), and its length (4).
const PREFIX_BYTES: usize = 5;

/// The channel of a generated client.
#[derive(Clone)]
pub struct Transport {
    channel: Channel,
    /// The server, for texts of errors.
    url: Arc<str>,
    policy: Policy,
    session: Option<Arc<Session>>,
}

impl Transport {
    /// Makes calls without an access token.
    pub(crate) fn new(channel: Channel, url: &str, policy: Policy) -> Self {
        Self {
            channel,
            url: url.into(),
            policy,
            session: None,
        }
    }

    /// The same, with the access tokens of this session.
    pub(crate) fn with(&self, session: &Arc<Session>) -> Self {
        Self {
            session: Some(Arc::clone(session)),
            ..self.clone()
        }
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        match Method::of(parts.uri.path()) {
            Some(method) if method.has_one_request => {
                if method.has_one_response && !parts.headers.contains_key(DEADLINE_HEADER) {
                    parts.headers.insert(DEADLINE_HEADER, DEADLINE);
                }
                let message = body.collect().await?.to_bytes();
                self.send_message(method, parts, message).await
            }
            // The messages of a stream are not kept, so only the caller can repeat it.
            _ => {
                let token = self.token().await?;
                let result = self.attempt(parts, body, token.as_ref()).await;
                if let Some(status) = failure(&result) {
                    self.renew(token.as_ref(), &status).await?;
                }
                result
            }
        }
    }

    /// Another token in place of one that was refused as expired, for the next attempt.
    async fn renew(
        &self,
        token: Option<&AccessToken>,
        status: &Status,
    ) -> Result<Option<AccessToken>, Status> {
        match (token, &self.session) {
            (Some(refused), Some(session)) if is_expired(status) => {
                let token = session.token_after(refused).await;
                token.map(Some).map_err(Error::into_status)
            }
            _ => Ok(None),
        }
    }

    /// Sends a message until there is a response that a repetition cannot improve.
    async fn send_message(
        &self,
        method: &Method,
        parts: Parts,
        message: Bytes,
    ) -> Result<Response<Body>, Status> {
        let mut token = self.token().await?;
        let mut failed = 0;
        let mut is_refreshed = false;
        loop {
            let body = Body::new(Full::new(message.clone()));
            let attempt = self.attempt(parts.clone(), body, token.as_ref()).await;
            let result = match attempt {
                Ok(response) if method.has_one_response => self.whole(response).await,
                attempt => attempt,
            };
            let Some(status) = failure(&result) else {
                return result;
            };
            // Refused before it was executed, so any call can be repeated.
            if !is_refreshed && let Some(renewed) = self.renew(token.as_ref(), &status).await? {
                token = Some(renewed);
                is_refreshed = true;
                continue;
            }
            failed += 1;
            let error = Error::from(status);
            let is_temporary = error.kind == Kind::Unavailable || error.retry_after.is_some();
            let can_repeat = || method.can_repeat(message.get(PREFIX_BYTES..).unwrap_or_default());
            match self.policy.delay(failed, &error) {
                Some(delay) if is_temporary && can_repeat() => tokio::time::sleep(delay).await,
                _ => return result,
            }
        }
    }

    async fn token(&self) -> Result<Option<AccessToken>, Status> {
        match &self.session {
            None => Ok(None),
            Some(session) => {
                let token = session.token().await.map_err(Error::into_status)?;
                Ok(Some(token))
            }
        }
    }

    async fn attempt(
        &self,
        parts: Parts,
        body: Body,
        token: Option<&AccessToken>,
    ) -> Result<Response<Body>, Status> {
        let mut request = Request::from_parts(parts, body);
        if let Some(token) = token {
            token
                .add_to(request.headers_mut())
                .map_err(Error::into_status)?;
        }
        let mut channel = self.channel.clone();
        let ready = channel.ready().await.map_err(|cause| self.lost(&cause))?;
        let response = ready.call(request).await;
        let response = response.map_err(|cause| self.lost(&cause))?;
        if is_of_a_proxy(&response) {
            let (url, status) = (&self.url, response.status());
            return Err(Status::unavailable(format!(
                "cannot reach {url}: a proxy answered {status}"
            )));
        }
        Ok(response)
    }

    /// Reads the response to its end, so that a connection that breaks meanwhile counts.
    async fn whole(&self, response: Response<Body>) -> Result<Response<Body>, Status> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|cause| self.lost(&cause))?;
        let trailers = body.trailers().cloned();
        let mut response = Response::from_parts(parts, Body::new(body));
        // The status of a response without a message is here or in the headers.
        if let Some(status) = trailers.and_then(|trailers| Status::from_header_map(&trailers))
            && status.code() != Code::Ok
        {
            response = status.into_http();
        }
        Ok(response)
    }

    /// The status of a call without a whole response.
    fn lost(&self, cause: &(dyn std::error::Error + 'static)) -> Status {
        let mut causes = std::iter::successors(Some(cause), |cause| cause.source());
        if causes.any(<dyn std::error::Error>::is::<TimeoutExpired>) {
            return Status::deadline_exceeded("the call took too long");
        }
        let root = std::iter::successors(Some(cause), |cause| cause.source()).last();
        let root = root.map(ToString::to_string).unwrap_or_default();
        Status::unavailable(format!("cannot reach {}: {root}", self.url))
    }
}

/// The error of a call, if it failed before or without a message.
fn failure(result: &Result<Response<Body>, Status>) -> Option<Status> {
    match result {
        Err(status) => Some(status.clone()),
        Ok(response) => {
            let status = Status::from_header_map(response.headers());
            status.filter(|status| status.code() != Code::Ok)
        }
    }
}

/// Whether a proxy answered that it cannot reach the service, or that calls are too many. These
/// are the HTTP statuses that gRPC defines as UNAVAILABLE (http-grpc-status-mapping.md).
fn is_of_a_proxy(response: &Response<Body>) -> bool {
    let is_unavailable = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&response.status());
    is_unavailable && Status::from_header_map(response.headers()).is_none()
}

fn is_expired(status: &Status) -> bool {
    Error::from(status.clone()).reason == "TOKEN_EXPIRED"
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // The channel is asked by each attempt.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        trace::add_to(request.headers_mut());
        self.clone().send(request).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16) -> http::response::Builder {
        Response::builder().status(status)
    }

    #[test]
    fn a_proxys_refusal_differs_from_a_services_error() {
        for status in [429, 502, 503, 504] {
            let of_proxy = response(status).body(Body::empty()).unwrap();
            let of_service = response(status).header("grpc-status", "5");
            let of_service = of_service.body(Body::empty()).unwrap();

            assert!(is_of_a_proxy(&of_proxy), "{status}");
            assert!(!is_of_a_proxy(&of_service), "{status}");
        }
        for status in [200, 401, 404] {
            let other = response(status).body(Body::empty()).unwrap();
            assert!(!is_of_a_proxy(&other), "{status}");
        }
    }
}
