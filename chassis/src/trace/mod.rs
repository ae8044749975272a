//! Traces: each call is a span, and so is each of its SQL statements. Names and attributes
//! are those of OpenTelemetry's semantic conventions.
//!
//! Traces are off unless the operator names a collector. Then nothing is made for a call:
//! all that it pays is to see that there is no tracer.

pub(crate) mod channel;
pub(crate) mod headers;
pub(crate) mod statements;

mod summary;

use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::trace::SdkTracer;

/// Set once, before the first call, if traces are on.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Turns traces on.
pub(crate) fn turn_on(tracer: SdkTracer) {
    let _ = TRACER.set(tracer);
}

/// The maker of spans, if traces are on.
pub(crate) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// The traces that some work belongs to: none if traces are off, several if it is done
/// for several calls at once.
#[derive(Clone, Debug, Default)]
pub struct Trace(Option<Context>);

/// In the context of work for several calls: those of the calls.
struct Each(Arc<[Context]>);

impl Trace {
    /// The trace of the current call.
    #[must_use]
    pub fn current() -> Self {
        let current = tracer().map(|_| Context::current());
        Self(current.filter(Context::has_active_span))
    }

    /// Each of these traces.
    #[must_use]
    pub fn each(traces: impl IntoIterator<Item = Self>) -> Self {
        let all: Arc<[Context]> = traces.into_iter().filter_map(|trace| trace.0).collect();
        let context = all.first().cloned();
        Self(context.map(|first| first.with_value(Each(all))))
    }

    /// Does work of these traces, such as in a task of its own.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        match self.0 {
            Some(context) => work.with_context(context).await,
            None => work.await,
        }
    }
}

/// Does this for the context of each trace that the current work belongs to.
fn for_each(mut what: impl FnMut(&Context)) {
    let current = Context::current();
    match current.get::<Each>() {
        Some(Each(all)) => all.iter().for_each(what),
        None => what(&current),
    }
}
