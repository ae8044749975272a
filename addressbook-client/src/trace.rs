//! The trace of the program in the headers of a call, if the program records traces with
//! OpenTelemetry: the span that is active becomes the parent of the call's span.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::global::get_text_map_propagator;
use opentelemetry::propagation::Injector;

/// Adds what the program's propagator says of the active span; without one, nothing.
pub(crate) fn add_to(headers: &mut HeaderMap) {
    get_text_map_propagator(|propagator| {
        propagator.inject_context(&Context::current(), &mut Headers(headers));
    });
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, name: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::global::set_text_map_propagator;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    use opentelemetry_sdk::propagation::TraceContextPropagator;

    use super::*;

    #[test]
    fn the_active_span_of_a_program_is_the_parent_of_its_calls() {
        let mut headers = HeaderMap::new();
        add_to(&mut headers);
        assert!(headers.is_empty(), "the program records no traces");

        set_text_map_propagator(TraceContextPropagator::new());
        add_to(&mut headers);
        assert!(headers.is_empty(), "no span is active");

        let span = SpanContext::new(
            TraceId::from(1),
            SpanId::from(2),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        let entered = Context::new().with_remote_span_context(span).attach();
        add_to(&mut headers);
        drop(entered);

        let expected = format!("00-{:032x}-{:016x}-01", 1, 2);
        assert_eq!(headers["traceparent"], expected);
    }
}
