//! Calls of another service, which learns the trace of the call that they are made for.

use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

use super::{headers, tracer};

/// A channel whose calls name the current span as their caller.
#[derive(Clone, Debug)]
pub(crate) struct TracedChannel(pub(crate) Channel);

impl Service<Request<Body>> for TracedChannel {
    type Response = Response<Body>;
    type Error = <Channel as Service<Request<Body>>>::Error;
    type Future = <Channel as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if tracer().is_some() {
            let current = opentelemetry::Context::current();
            headers::name_caller(&current, request.headers_mut());
        }
        self.0.call(request)
    }
}
