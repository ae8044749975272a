//! Pages of other origins (the CORS protocol of the Fetch standard). A browser lets a page
//! call only if the server permits the page's origin; by default none is permitted.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::Either;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, ORIGIN};
use http::header::{VARY, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

use crate::trace::headers::{TRACEPARENT, TRACESTATE};

/// How long a browser remembers what is permitted; none remembers it for longer.
const MAX_AGE: Duration = Duration::from_hours(2);

/// Headers of requests, of all protocols.
const ALLOWED: [HeaderName; 14] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    HeaderName::from_static("connect-accept-encoding"),
    HeaderName::from_static("connect-content-encoding"),
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-timeout"),
    TRACEPARENT,
    TRACESTATE,
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];

/// Headers of responses, of all protocols.
const EXPOSED: [HeaderName; 8] = [
    CONTENT_ENCODING,
    WWW_AUTHENTICATE,
    HeaderName::from_static("connect-content-encoding"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-retry-pushback-ms"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Copies what permits a page to read a response to the headers of one in its place.
pub(crate) fn permit_as(response: &HeaderMap, instead: &mut HeaderMap) {
    for (name, value) in response {
        if name == VARY || name.as_str().starts_with("access-control-") {
            instead.append(name, value.clone());
        }
    }
}

/// Answers pages of the permitted origins.
#[derive(Clone, Debug)]
pub(crate) struct CrossOrigin<S> {
    inner: S,
    /// `None` if no origin is permitted.
    cors: Option<Cors<S>>,
}

impl<S: Clone> CrossOrigin<S> {
    pub(crate) fn new(origins: &[HeaderValue], inner: S) -> Self {
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins.to_vec()))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(ALLOWED)
            .expose_headers(EXPOSED)
            .max_age(MAX_AGE);
        let cors = (!origins.is_empty()).then(|| layer.layer(inner.clone()));
        Self { inner, cors }
    }
}

impl<S> Service<Request<Body>> for CrossOrigin<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, <Cors<S> as Service<Request<Body>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &mut self.cors {
            // Only browsers send it.
            Some(cors) if request.headers().contains_key(ORIGIN) => {
                Either::Right(cors.call(request))
            }
            _ => Either::Left(self.inner.call(request)),
        }
    }
}
