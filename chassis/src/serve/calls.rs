//! The first layer of every call: counts it, and refuses it if its client makes too many.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready as ready_or_wait};
use std::time::Instant;

use futures_util::future::Either;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use opentelemetry::context::ContextGuard;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::span::Entered;

use crate::access::passed_on::Forwarders;
use crate::access::rate_limits::{Limits, PendingLimits, RateLimited, RateLimits};
use crate::serve::clients::{Clients, Crowded};
use crate::serve::counted::{self, Counted};
use crate::serve::rpcs::{self, OTHER, Rpc};
use crate::serve::traced::TracedCall;
use crate::status::Refusal;

/// The calls of a server, shared by its threads.
#[derive(Debug)]
pub(crate) struct Calls {
    /// The counts of each RPC, by its number.
    counted: Vec<Counted>,
    /// Requests that were not calls, by [`NO_CALLS`].
    other_requests: [AtomicU64; NO_CALLS.len()],
    limits: RateLimits,
    pub(crate) clients: Arc<Clients>,
    forwarders: Option<Forwarders>,
    /// The calls of programs for users.
    forwarding: Option<Arc<Limits>>,
}

/// The HTTP statuses for requests that are not calls.
const NO_CALLS: [StatusCode; 5] = [
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::MISDIRECTED_REQUEST,
    StatusCode::HTTP_VERSION_NOT_SUPPORTED,
];

impl Calls {
    /// Counts each known RPC separately, and all others as one.
    pub(crate) fn new(
        limits: RateLimits,
        clients: Arc<Clients>,
        forwarders: Option<Forwarders>,
    ) -> Self {
        let mut known: Vec<_> = rpcs::all().iter().collect();
        known.sort_unstable_by_key(|(_, rpc)| rpc.number);
        let known = known.into_iter();
        let known = known.map(|(path, rpc)| Counted::new(&rpc.name, rpc.streams, limits.of(path)));
        let other = Counted::new("other", false, None);
        Self {
            counted: [other].into_iter().chain(known).collect(),
            other_requests: Default::default(),
            forwarding: forwarders.as_ref().and_then(|by| limits.group(by.group())),
            limits,
            clients,
            forwarders,
        }
    }

    /// Counts a call for its address; returns the limits still to be checked.
    fn enter(
        &self,
        limits: &Arc<Limits>,
        request: &Request<Body>,
        at: Instant,
    ) -> Result<Option<PendingLimits>, RateLimited> {
        let headers = request.headers();
        let mut ip = self.clients.address(request.extensions(), headers);
        if let Some(forwarders) = &self.forwarders {
            ip = forwarders.client(self.forwarding.as_ref(), headers, ip, at)?;
        }
        PendingLimits::enter(limits, ip, at)
    }

    /// Counts a call of an unknown method.
    pub(crate) fn count_unserved(&self, code: Code) {
        self.counted[OTHER].count(code);
    }

    /// Counts a request that is not a call.
    pub(crate) fn count_no_call(&self, status: StatusCode) {
        if let Some(at) = NO_CALLS.iter().position(|known| *known == status) {
            self.other_requests[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        counted::encode(&self.counted, &mut encoder)?;
        let help = "Requests that were not calls, by HTTP status.";
        let kind = MetricType::Counter;
        let mut metric = encoder.encode_descriptor("requests_refused", help, None, kind)?;
        for (status, number) in NO_CALLS.iter().zip(&self.other_requests) {
            let labels = [("status", status.as_str())];
            let number = number.load(Ordering::Relaxed);
            ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
        }
        let help = "Calls refused by RATE_LIMITS, by group and by whose limit it is.";
        let kind = MetricType::Counter;
        let mut metric = encoder.encode_descriptor("calls_limited", help, None, kind)?;
        for (group, by, number) in self.limits.refused() {
            let labels = [("group", group), ("by", by.name())];
            ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// The layer that counts calls and checks their limits.
#[derive(Clone, Debug)]
pub(crate) struct CallsLayer(pub(crate) Arc<Calls>);

impl<S> Layer<S> for CallsLayer {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting {
            inner,
            calls: Arc::clone(&self.0),
        }
    }
}

/// The service of [`CallsLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Counting<S> {
    inner: S,
    calls: Arc<Calls>,
}

impl<S> Service<Request<Body>> for Counting<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, Answer<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let rpc = request.extensions().get::<&'static Rpc>().copied();
        let call = Call::begin(&self.calls, rpc, TracedCall::begin(rpc, &request));
        if let Some(crowded) = request.extensions().get::<Crowded>() {
            return call.refuse(*crowded);
        }
        if let Some(limits) = &call.rpc().limits {
            match self.calls.enter(limits, &request, call.began) {
                Ok(Some(limits)) => drop(request.extensions_mut().insert(limits)),
                Ok(None) => {}
                Err(limited) => return call.refuse(limited),
            }
        }
        let entered = call.enter();
        let future = self.inner.call(request);
        drop(entered);
        Either::Right(Answer {
            future,
            call: Some(call),
        })
    }
}

/// One call until its end, which is also when the client disconnects.
#[derive(Debug)]
struct Call {
    calls: Arc<Calls>,
    at: usize,
    began: Instant,
    code: Code,
    traced: Option<Box<TracedCall>>,
}

/// While it exists, log lines and spans of this thread belong to a call.
type Scope<'a> = (Option<ContextGuard>, Entered<'a>);

impl Call {
    fn begin(
        calls: &Arc<Calls>,
        rpc: Option<&'static Rpc>,
        traced: Option<Box<TracedCall>>,
    ) -> Self {
        let at = rpc.map_or(OTHER, |rpc| rpc.number);
        calls.counted[at].in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            calls: Arc::clone(calls),
            at,
            began: Instant::now(),
            code: Code::Cancelled,
            traced,
        }
    }

    fn rpc(&self) -> &Counted {
        &self.calls.counted[self.at]
    }

    fn enter(&self) -> Scope<'_> {
        let span = &self.rpc().span;
        match &self.traced {
            None => (None, span.enter()),
            Some(traced) => {
                let span = traced.log().unwrap_or(span);
                (Some(traced.enter()), span.enter())
            }
        }
    }

    /// Responds at once.
    fn refuse<F>(
        self,
        why: impl Into<Refusal>,
    ) -> Either<Ready<Result<Response<Body>, Infallible>>, F> {
        let refusal = why.into();
        self.end(refusal.code());
        Either::Left(ready(Ok(Status::from(refusal).into_http())))
    }

    fn end(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let rpc = self.rpc();
        rpc.in_flight.fetch_sub(1, Ordering::Relaxed);
        rpc.end(self.code, self.began.elapsed());
        if let Some(traced) = &self.traced {
            traced.end(self.code);
        }
    }
}

/// The response to an accepted call.
#[derive(Debug)]
pub(crate) struct Answer<F> {
    future: F,
    call: Option<Call>,
}

impl<F> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { future, call } = &mut *self;
        let entered = call.as_ref().map(Call::enter);
        let Ok(mut answer) = ready_or_wait!(Pin::new(future).poll(cx));
        drop(entered);
        if let Some(call) = self.call.take() {
            match code(answer.headers()) {
                // A failing handler returns its status at once; for a unary response
                // tonic reports success afterwards.
                Some(code) => call.end(code),
                None if !call.rpc().streams => call.end(Code::Ok),
                None => {
                    let call = Some(call);
                    answer = answer.map(|body| Body::new(Stream { body, call }));
                }
            }
        }
        Poll::Ready(Ok(answer))
    }
}

/// The status of a call, if these headers or trailers contain it.
fn code(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get("grpc-status")?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// The responses of a stream, until the last one.
struct Stream {
    body: Body,
    call: Option<Call>,
}

impl http_body::Body for Stream {
    type Data = <Body as http_body::Body>::Data;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Self { body, call } = &mut *self;
        let entered = call.as_ref().map(Call::enter);
        let frame = ready_or_wait!(Pin::new(body).poll_frame(cx));
        drop(entered);
        if let Some(Ok(frame)) = &frame
            && let Some(code) = frame.trailers_ref().and_then(code)
            && let Some(call) = self.call.take()
        {
            call.end(code);
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
