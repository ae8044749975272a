//! The counts of one RPC, and their metrics.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tonic::Code;
use tracing::Span;

use crate::access::rate_limits::Limits;
use crate::metrics::Times;
use crate::status::CODES;

/// The counts of one RPC.
#[derive(Debug)]
pub(crate) struct Counted {
    /// Such as `AuthService/LogIn`.
    name: &'static str,
    /// A stream, whose time is not meaningful.
    pub(crate) streams: bool,
    pub(crate) limits: Option<Arc<Limits>>,
    pub(crate) in_flight: AtomicU64,
    /// The calls that have ended, by code.
    ended: [AtomicU64; CODES.len()],
    /// Their times, by code; most codes never occur.
    seconds: [OnceLock<Times>; CODES.len()],
    /// Says in every log line which RPC it is about. All calls share it, because a span
    /// costs more than the rest of this layer.
    pub(crate) span: Span,
}

impl Counted {
    pub(crate) fn new(name: &'static str, streams: bool, limits: Option<Arc<Limits>>) -> Self {
        Self {
            name,
            streams,
            limits,
            in_flight: AtomicU64::new(0),
            ended: Default::default(),
            seconds: Default::default(),
            span: tracing::info_span!(parent: None, "call", rpc = name),
        }
    }

    /// Counts a call that was refused at once.
    pub(crate) fn count(&self, code: Code) {
        self.ended[number(code)].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call that has ended after this time.
    pub(crate) fn end(&self, code: Code, after: Duration) {
        self.count(code);
        if !self.streams {
            let seconds = &self.seconds[number(code)];
            seconds.get_or_init(Times::default).add(after);
        }
    }

    /// The codes with which calls have ended, and how many.
    fn codes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let numbers = self.ended.iter().map(|n| n.load(Ordering::Relaxed));
        CODES.into_iter().zip(numbers).filter(|(_, n)| *n > 0)
    }
}

fn number(code: Code) -> usize {
    usize::try_from(i32::from(code)).unwrap_or_default()
}

/// Writes the metrics of the RPCs that were called.
pub(crate) fn encode(all: &[Counted], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let called =
        |rpc: &&Counted| rpc.in_flight.load(Ordering::Relaxed) > 0 || rpc.codes().next().is_some();
    let called: Vec<_> = all.iter().filter(called).collect();

    let help = "Calls that have ended, by RPC and code.";
    let mut metric = encoder.encode_descriptor("calls", help, None, MetricType::Counter)?;
    for rpc in &called {
        for (code, number) in rpc.codes() {
            let labels = [("rpc", rpc.name), ("code", code)];
            ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
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
    let help = "Time until the response, without streams, by RPC and code.";
    let kind = MetricType::Histogram;
    let mut metric = encoder.encode_descriptor("call_seconds", help, None, kind)?;
    for rpc in &called {
        for (code, seconds) in CODES.iter().zip(&rpc.seconds) {
            if let Some(seconds) = seconds.get() {
                let labels = [("rpc", rpc.name), ("code", code)];
                seconds.0.encode(metric.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}
