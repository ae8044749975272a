//! What every call goes through first: it is counted, and refused where its
//! client makes too many.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready as ready_or_wait};
use std::time::Instant;

use futures_util::future::Either;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::client_address::TrustedProxies;
use crate::metrics::Times;
use crate::rate_limits::{Allowance, Limits, RateLimits};
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

/// Where everything is counted that is no RPC of ours.
const OTHER: usize = 0;

/// The calls of a server, shared by its threads.
#[derive(Debug)]
pub(crate) struct Calls {
    /// By path, such as `/addressbook.auth.v1.AuthService/LogIn`.
    at: HashMap<String, usize>,
    rpcs: Vec<Rpc>,
    limits: RateLimits,
    proxies: TrustedProxies,
}

#[derive(Debug)]
struct Rpc {
    /// Such as `AuthService/LogIn`.
    name: String,
    /// Answers more than once: its time says nothing.
    streams: bool,
    limits: Option<Arc<Limits>>,
    codes: [AtomicU64; CODES.len()],
    in_flight: AtomicU64,
    seconds: Times,
}

impl Rpc {
    fn new(name: String, streams: bool, limits: Option<Arc<Limits>>) -> Self {
        Self {
            name,
            streams,
            limits,
            codes: Default::default(),
            in_flight: AtomicU64::new(0),
            seconds: Times::default(),
        }
    }
}

impl Calls {
    /// Knows the RPCs of our protos; all others are one.
    pub(crate) fn new(limits: RateLimits, proxies: TrustedProxies) -> Self {
        let mut at = HashMap::new();
        let mut rpcs = vec![Rpc::new("other".to_owned(), false, None)];
        // The build made it: it can be read.
        let files = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
        for file in &files.file {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}/{}", service.name(), method.name());
                    let path = format!("/{}.{name}", file.package());
                    let limits = limits.of(&path);
                    at.insert(path, rpcs.len());
                    rpcs.push(Rpc::new(name, method.server_streaming(), limits));
                }
            }
        }
        Self {
            at,
            rpcs,
            limits,
            proxies,
        }
    }
}

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let numbers = |rpc: &Rpc| rpc.codes.each_ref().map(|n| n.load(Ordering::Relaxed));
        let called = |rpc: &&Rpc| {
            rpc.in_flight.load(Ordering::Relaxed) > 0 || numbers(rpc).iter().any(|n| *n > 0)
        };
        let called: Vec<_> = self.rpcs.iter().filter(called).collect();

        let help = "Calls that have ended, by RPC and code.";
        let mut metric = encoder.encode_descriptor("calls", help, None, MetricType::Counter)?;
        for rpc in &called {
            for (code, number) in CODES.iter().zip(numbers(rpc)) {
                if number > 0 {
                    let labels = [("rpc", rpc.name.as_str()), ("code", code)];
                    ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
                }
            }
        }
        let help = "Calls and streams that are open.";
        let kind = MetricType::Gauge;
        let mut metric = encoder.encode_descriptor("calls_in_flight", help, None, kind)?;
        for rpc in &called {
            let labels = [("rpc", rpc.name.as_str())];
            let number = rpc.in_flight.load(Ordering::Relaxed).cast_signed();
            ConstGauge::new(number).encode(metric.encode_family(&labels)?)?;
        }
        let help = "Time until the answer, without streams.";
        let kind = MetricType::Histogram;
        let mut metric = encoder.encode_descriptor("call_seconds", help, None, kind)?;
        for rpc in called.iter().filter(|rpc| !rpc.streams) {
            let labels = [("rpc", rpc.name.as_str())];
            rpc.seconds.0.encode(metric.encode_family(&labels)?)?;
        }
        let help = "Calls refused by RATE_LIMITS, by group and by whom the limit is for.";
        let kind = MetricType::Counter;
        let mut metric = encoder.encode_descriptor("calls_limited", help, None, kind)?;
        for (group, by, number) in self.limits.refused() {
            let labels = [("group", group), ("by", by.name())];
            ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Counts calls and keeps their limits.
#[derive(Clone, Debug)]
pub(crate) struct CallsLayer(pub(crate) Arc<Calls>);

impl<S> Layer<S> for CallsLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            calls: Arc::clone(&self.0),
        }
    }
}

/// The service of [`CallsLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    inner: S,
    calls: Arc<Calls>,
}

impl<S> Service<Request<Body>> for Counted<S>
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
        let at = self.calls.at.get(request.uri().path()).copied();
        let call = Call::begin(&self.calls, at.unwrap_or(OTHER));
        if let Some(limits) = &call.rpc().limits {
            let proxies = &self.calls.proxies;
            let ip = proxies.address(request.extensions(), request.headers());
            match Allowance::enter(limits, ip, call.began) {
                Ok(Some(allowance)) => drop(request.extensions_mut().insert(allowance)),
                Ok(None) => {}
                Err(limited) => {
                    call.end(Code::ResourceExhausted);
                    let refused = Status::from(Refusal::from(limited)).into_http();
                    return Either::Left(ready(Ok(refused)));
                }
            }
        }
        Either::Right(Answer {
            future: self.inner.call(request),
            call: Some(call),
        })
    }
}

/// One call until its end; a client that leaves ends it, too.
#[derive(Debug)]
struct Call {
    calls: Arc<Calls>,
    at: usize,
    began: Instant,
    code: Code,
}

impl Call {
    fn begin(calls: &Arc<Calls>, at: usize) -> Self {
        calls.rpcs[at].in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            calls: Arc::clone(calls),
            at,
            began: Instant::now(),
            code: Code::Cancelled,
        }
    }

    fn rpc(&self) -> &Rpc {
        &self.calls.rpcs[self.at]
    }

    fn end(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let rpc = self.rpc();
        rpc.in_flight.fetch_sub(1, Ordering::Relaxed);
        let code = usize::try_from(i32::from(self.code)).unwrap_or_default();
        rpc.codes[code].fetch_add(1, Ordering::Relaxed);
        if !rpc.streams {
            rpc.seconds.add(self.began.elapsed());
        }
    }
}

/// The answer to a call that is let through.
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
        let Ok(mut answer) = ready_or_wait!(Pin::new(&mut self.future).poll(cx));
        if let Some(call) = self.call.take() {
            match code(answer.headers()) {
                // A handler that fails says so at once; tonic lets the rest of an
                // answer that is no stream succeed.
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

/// How a call ended, where these headers or trailers say it.
fn code(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get("grpc-status")?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// The answers of a stream, until the last of them.
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
        let frame = ready_or_wait!(Pin::new(&mut self.body).poll_frame(cx));
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
