//! The trace of a call in its headers (W3C Trace Context, level 1).

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Names the caller's span and trace.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What tracing systems add to it.
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length that every system must be able to pass on (section 3.3.1.5). It is the
/// limit, because the text is stored with each span.
const STATE_MAX: usize = 512;

/// The context of the caller; an empty one if its headers are missing or invalid.
pub(crate) fn parent(headers: &HeaderMap) -> Context {
    let received = Received(headers);
    match received.get(TRACEPARENT.as_str()) {
        Some(parent) if is_well_formed(parent) => {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &received)
        }
        _ => Context::new(),
    }
}

/// Names the span of this context as the caller.
pub(crate) fn name_caller(context: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(context, &mut Sent(headers));
}

/// Whether a `traceparent` has the form of its version (section 3.2.2). A later version
/// can have more fields.
fn is_well_formed(parent: &str) -> bool {
    let parent = parent.as_bytes();
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let is_form = |(at, byte): (usize, &u8)| match at {
        2 | 35 | 52 => *byte == b'-',
        _ => is_hex(byte),
    };
    let known = parent.get(..55);
    known.is_some_and(|known| known.iter().enumerate().all(is_form))
        && match parent.get(55) {
            None => true,
            Some(next) => *next == b'-' && !parent.starts_with(b"00"),
        }
}

struct Received<'a>(&'a HeaderMap);

impl Extractor for Received<'_> {
    /// The only header of this name.
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        (values.next().is_none() && value.len() <= STATE_MAX).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

struct Sent<'a>(&'a mut HeaderMap);

impl Injector for Sent<'_> {
    fn set(&mut self, name: &str, value: String) {
        let name = [TRACEPARENT, TRACESTATE]
            .into_iter()
            .find(|known| known == name);
        if let Some(name) = name
            && !value.is_empty()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// What is passed on of these headers.
    fn passed_on(headers: &[(HeaderName, &str)]) -> Vec<(String, String)> {
        let received = headers.iter();
        let received =
            received.map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        let mut received_map = HeaderMap::new();
        for (name, value) in received {
            received_map.append(name, value);
        }
        let context = parent(&received_map);
        let mut sent = HeaderMap::new();
        name_caller(&context, &mut sent);
        let sent = sent.iter();
        sent.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn a_context_is_passed_on_as_it_came() {
        assert_eq!(
            passed_on(&[(TRACEPARENT, PARENT), (TRACESTATE, "one=1,two=2")]),
            [
                ("traceparent".to_owned(), PARENT.to_owned()),
                ("tracestate".to_owned(), "one=1,two=2".to_owned()),
            ]
        );
        let unsampled = PARENT.replace("-01", "-00");
        assert_eq!(
            passed_on(&[(TRACEPARENT, &unsampled)]),
            [("traceparent".to_owned(), unsampled.clone())]
        );
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("cc{}-what-comes", &PARENT[2..]);
        assert_eq!(
            passed_on(&[(TRACEPARENT, &later)]),
            [("traceparent".to_owned(), PARENT.to_owned())]
        );
    }

    #[test]
    fn a_malformed_context_is_ignored() {
        let zeros = |at: usize, count: usize| {
            let mut parent = PARENT.to_owned();
            parent.replace_range(at..at + count, &"0".repeat(count));
            parent
        };
        for malformed in [
            String::new(),
            "traceparent".to_owned(),
            PARENT.to_uppercase(),
            PARENT[..54].to_owned(),
            format!("{PARENT}-00"),
            PARENT.replacen("00", "ff", 1),
            PARENT.replacen("0a", "+a", 1),
            PARENT.replace('-', "_"),
            zeros(3, 32),
            zeros(36, 16),
        ] {
            assert_eq!(passed_on(&[(TRACEPARENT, &malformed)]), [], "{malformed}");
        }
        let twice = [(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)];
        assert_eq!(passed_on(&twice), []);
    }

    #[test]
    fn a_state_that_is_invalid_or_too_long_is_dropped() {
        for state in [
            "no pair".to_owned(),
            format!("key={}", "x".repeat(STATE_MAX)),
        ] {
            let passed = passed_on(&[(TRACEPARENT, PARENT), (TRACESTATE, &state)]);
            assert_eq!(passed, [("traceparent".to_owned(), PARENT.to_owned())]);
        }
    }

    #[test]
    fn without_headers_there_is_no_parent() {
        assert!(!parent(&HeaderMap::new()).has_active_span());
        assert_eq!(passed_on(&[]), []);
    }
}
