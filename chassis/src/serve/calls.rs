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
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Span;

use crate::access::passed_on::Forwarders;
use crate::access::rate_limits::{Limits, PendingLimits, RateLimited, RateLimits};
use crate::metrics::Times;
use crate::serve::clients::{Clients, Crowded};
use crate::serve::rpcs::{self, OTHER, Rpc};
use crate::status::Refusal;

/// The codes of gRPC by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

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

#[derive(Debug)]
struct Counted {
    /// Such as `AuthService/LogIn`.
    name: &'static str,
    /// A stream, whose time is not meaningful.
    streams: bool,
    limits: Option<Arc<Limits>>,
    codes: [AtomicU64; CODES.len()],
    in_flight: AtomicU64,
    seconds: Times,
    /// Says in every log line which RPC it is about. All calls share it, because a span
    /// costs more than the rest of this layer.
    span: Span,
}

impl Counted {
    fn new(name: &'static str, streams: bool, limits: Option<Arc<Limits>>) -> Self {
        Self {
            name,
            streams,
            limits,
            codes: Default::default(),
            in_flight: AtomicU64::new(0),
            seconds: Times::default(),
            span: tracing::info_span!(parent: None, "call", rpc = name),
        }
    }

    fn count(&self, code: Code) {
        let code = usize::try_from(i32::from(code)).unwrap_or_default();
        self.codes[code].fetch_add(1, Ordering::Relaxed);
    }
}

impl Calls {
    /// Counts each RPC of our protos separately, and all others as one.
    pub(crate) fn new(
        limits: RateLimits,
        clients: Arc<Clients>,
        forwarders: Option<Forwarders>,
    ) -> Self {
        let ours = rpcs::all().iter().filter(|(_, rpc)| rpc.number != OTHER);
        let mut ours: Vec<_> = ours.collect();
        ours.sort_unstable_by_key(|(_, rpc)| rpc.number);
        let ours = ours.into_iter();
        let ours = ours.map(|(path, rpc)| Counted::new(&rpc.name, rpc.streams, limits.of(path)));
        let other = Counted::new("other", false, None);
        Self {
            counted: [other].into_iter().chain(ours).collect(),
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
        let numbers = |rpc: &Counted| rpc.codes.each_ref().map(|n| n.load(Ordering::Relaxed));
        let called = |rpc: &&Counted| {
            rpc.in_flight.load(Ordering::Relaxed) > 0 || numbers(rpc).iter().any(|n| *n > 0)
        };
        let called: Vec<_> = self.counted.iter().filter(called).collect();

        let help = "Calls that have ended, by RPC and code.";
        let mut metric = encoder.encode_descriptor("calls", help, None, MetricType::Counter)?;
        for rpc in &called {
            for (code, number) in CODES.iter().zip(numbers(rpc)) {
                if number > 0 {
                    let labels = [("rpc", rpc.name), ("code", code)];
                    ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
                }
            }
        }
        let help = "Open calls and streams.";
        let kind = MetricType::Gauge;
        let mut metric = encoder.encode_descriptor("calls_in_flight", help, None, kind)?;
        for rpc in &called {
            let labels = [("rpc", rpc.name)];
            let number = rpc.in_flight.load(Ordering::Relaxed).cast_signed();
            ConstGauge::new(number).encode(metric.encode_family(&labels)?)?;
        }
        let help = "Time until the response, without streams.";
        let kind = MetricType::Histogram;
        let mut metric = encoder.encode_descriptor("call_seconds", help, None, kind)?;
        for rpc in called.iter().filter(|rpc| !rpc.streams) {
            let labels = [("rpc", rpc.name)];
            rpc.seconds.0.encode(metric.encode_family(&labels)?)?;
        }
        let help = "Requests that were not gRPC calls, by HTTP status.";
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
        let rpc = request.extensions().get::<&'static Rpc>();
        let call = Call::begin(&self.calls, rpc.copied());
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
        let future = call.rpc().span.in_scope(|| self.inner.call(request));
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
    /// Whether it is a stream.
    streams: bool,
    began: Instant,
    code: Code,
}

impl Call {
    fn begin(calls: &Arc<Calls>, rpc: Option<&'static Rpc>) -> Self {
        let at = rpc.map_or(OTHER, |rpc| rpc.number);
        calls.counted[at].in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            calls: Arc::clone(calls),
            at,
            streams: rpc.is_some_and(|rpc| rpc.streams),
            began: Instant::now(),
            code: Code::Cancelled,
        }
    }

    fn rpc(&self) -> &Counted {
        &self.calls.counted[self.at]
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
        rpc.count(self.code);
        if !self.streams {
            rpc.seconds.add(self.began.elapsed());
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
        let entered = call.as_ref().map(|call| call.rpc().span.enter());
        let Ok(mut answer) = ready_or_wait!(Pin::new(future).poll(cx));
        drop(entered);
        if let Some(call) = self.call.take() {
            match code(answer.headers()) {
                // A failing handler returns its status at once; for a unary response
                // tonic reports success afterwards.
                Some(code) => call.end(code),
                None if !call.streams => call.end(Code::Ok),
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
        let entered = call.as_ref().map(|call| call.rpc().span.enter());
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
