//! The channel of a generated client: it adds the access token, and repeats what can be
//! repeated.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status, TimeoutExpired};
use tower::{Service, ServiceExt};

use crate::error::Error;
use crate::methods::Method;
use crate::retry::Policy;
use crate::session::{AccessToken, Session};

/// The deadline of a call with one response, unless its request has another one.
const DEADLINE: HeaderValue = HeaderValue::from_static("30S");
const DEADLINE_HEADER: &str = "grpc-timeout";

/// Of gRPC, before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// The channel of a generated client.
#[derive(Clone)]
pub struct Transport {
    channel: Channel,
    /// For messages.
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
            // What was streamed is gone.
            _ => {
                let token = self.token().await?;
                self.attempt(parts, body, token.as_ref()).await
            }
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
            if let (Some(refused), Some(session)) = (&token, &self.session)
                && !is_refreshed
                && is_expired(&status)
            {
                token = Some(
                    session
                        .token_after(refused)
                        .await
                        .map_err(Error::into_status)?,
                );
                is_refreshed = true;
                continue;
            }
            failed += 1;
            let can_repeat = || method.can_repeat(message.get(PREFIX_BYTES..).unwrap_or_default());
            match self.policy.delay(failed, &status) {
                Some(delay) if can_repeat() => tokio::time::sleep(delay).await,
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
            let value = HeaderValue::try_from(format!("Bearer {}", token.as_str()));
            let mut value = value.map_err(|cause| Error::internal(cause).into_status())?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let mut channel = self.channel.clone();
        let ready = channel.ready().await.map_err(|cause| self.lost(&cause))?;
        ready.call(request).await.map_err(|cause| self.lost(&cause))
    }

    /// Reads the response to its end, so that a connection that breaks meanwhile counts.
    async fn whole(&self, response: Response<Body>) -> Result<Response<Body>, Status> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|cause| self.lost(&cause))?;
        let trailers = body.trailers().cloned();
        let mut response = Response::from_parts(parts, Body::new(body));
        // Where a status without a message is.
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.clone().send(request).boxed()
    }
}
