//! The span of a call: its name, its attributes, and the log lines that name it.

use http::Request;
use opentelemetry::context::ContextGuard;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tonic::Code;
use tonic::body::Body;
use tracing::Span;
use wires::{Inbound, Wire};

use crate::serve::rpcs::Rpc;
use crate::status::CODES;
use crate::trace::{headers, tracer};

/// A call in its trace.
#[derive(Debug)]
pub(crate) struct TracedCall {
    context: Context,
    /// Says in each log line which trace and span it is about; `None` if the trace is not
    /// recorded.
    log: Option<Span>,
    is_connect: bool,
}

impl TracedCall {
    /// Begins the span of a call, if traces are on. Health checks and reflection have none:
    /// they would be most of what is recorded.
    pub(crate) fn begin(rpc: Option<&'static Rpc>, request: &Request<Body>) -> Option<Box<Self>> {
        let tracer = tracer()?;
        let rpc = rpc.filter(|rpc| !rpc.is_tool())?;
        let inbound = request.extensions().get::<Inbound>();
        let is_connect = inbound.is_some_and(|inbound| is_connect(inbound.wire()));
        let system = if is_connect { "connectrpc" } else { "grpc" };
        let span = SpanBuilder::from_name(rpc.method.as_str())
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system.name", system),
                KeyValue::new("rpc.method", rpc.method.as_str()),
            ]);
        let parent = headers::parent(request.headers());
        let span = tracer.build_with_context(span, &parent);
        let context = parent.with_span(span);
        let log = context.span().is_recording().then(|| {
            let span = context.span();
            let (trace, span) = (
                span.span_context().trace_id(),
                span.span_context().span_id(),
            );
            tracing::info_span!(
                parent: None, "call", rpc = rpc.name, trace_id = %trace, span_id = %span
            )
        });
        Some(Box::new(Self {
            context,
            log,
            is_connect,
        }))
    }

    /// What the log lines of the call name, if not only its RPC.
    pub(crate) fn log(&self) -> Option<&Span> {
        self.log.as_ref()
    }

    /// Until the guard is dropped, this thread works for the call.
    pub(crate) fn enter(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    /// Ends the span.
    pub(crate) fn end(&self, code: Code) {
        let span = self.context.span();
        let name = CODES[usize::try_from(i32::from(code)).unwrap_or_default()];
        let name = match (self.is_connect, code) {
            (false, _) => Some(name.to_owned()),
            // Connect has codes for errors only.
            (true, Code::Ok) => None,
            (true, Code::Cancelled) => Some("canceled".to_owned()),
            (true, _) => Some(name.to_ascii_lowercase()),
        };
        if let Some(name) = name {
            if is_fault(code) {
                span.set_attribute(KeyValue::new("error.type", name.clone()));
                span.set_status(Status::error(""));
            }
            span.set_attribute(KeyValue::new("rpc.response.status_code", name));
        }
        span.end();
    }
}

fn is_connect(wire: Wire) -> bool {
    match wire {
        Wire::Unary(_) | Wire::Get(_) | Wire::Stream(_) => true,
        Wire::Web(_) | Wire::WebText => false,
    }
}

/// Whether the service, not its caller, is at fault ("Semantic conventions for gRPC",
/// server).
fn is_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
