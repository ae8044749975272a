//! Errors on the wire: a status with the details of AIP-193.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::trouble::cause;

/// The codes of gRPC by their numbers.
pub const CODES: [&str; 17] = [
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

/// The `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "addressbook";

/// The retry delay in milliseconds, for the retries built into gRPC libraries (gRFC A6),
/// which do not read `RetryInfo`. A negative one forbids a retry.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The default retry delay of UNAVAILABLE.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An error response.
///
/// # Examples
///
/// ```
/// use chassis::status::Refusal;
/// use tonic::{Code, Status};
///
/// let status: Status = Refusal::new(Code::InvalidArgument, "EMAIL_INVALID", "no e-mail address")
///     .violation("email", "has no @")
///     .into();
/// assert_eq!(status.code(), Code::InvalidArgument);
/// ```
#[derive(Debug)]
pub struct Refusal {
    code: Code,
    message: String,
    reason: &'static str,
    metadata: HashMap<String, String>,
    details: ErrorDetails,
}

impl Refusal {
    /// A refusal with `ErrorInfo{reason}`; the message is for people. `reason.proto` lists
    /// the reason with this code.
    #[must_use]
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(
            proto::errors::is_listed(reason, code.into()),
            "reason.proto has no {reason} with {code:?}"
        );
        Self {
            code,
            message: message.into(),
            reason,
            metadata: HashMap::new(),
            details: ErrorDetails::new(),
        }
    }

    /// The database is unreachable. The cause is logged, not sent to the client.
    #[must_use]
    pub fn store_unavailable() -> Self {
        Self::new(
            Code::Unavailable,
            "STORE_UNAVAILABLE",
            "the service cannot reach its database; retry",
        )
    }

    /// A bug. The cause is logged, not sent to the client.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "INTERNAL",
            "the service failed; its log has the cause",
        )
    }

    /// Adds a value to `ErrorInfo.metadata`.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Adds an invalid field with its path in the request (`BadRequest`).
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, problem: impl Into<String>) -> Self {
        self.details.add_bad_request_violation(field, problem);
        self
    }

    /// Adds an exceeded limit (`QuotaFailure`).
    #[must_use]
    pub fn quota(mut self, subject: impl Into<String>, problem: impl Into<String>) -> Self {
        self.details.add_quota_failure_violation(subject, problem);
        self
    }

    /// Sets the retry delay (`RetryInfo` and `grpc-retry-pushback-ms`). The default of
    /// UNAVAILABLE is a second.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
    }

    /// Makes the status of a failed call. Its cause can name tables and hosts: it goes to
    /// the log, once, and only where the client can do nothing about it. `INTERNAL` is
    /// logged as an error, `UNAVAILABLE` and `DEADLINE_EXCEEDED` as warnings.
    #[must_use]
    pub fn logged(self, error: &(dyn Error + 'static)) -> Status {
        let reason = self.reason;
        match self.code {
            Code::Internal => tracing::error!(reason, cause = cause(error), "a call failed"),
            Code::Unavailable | Code::DeadlineExceeded => {
                tracing::warn!(reason, cause = cause(error), "a call failed");
            }
            _ => {}
        }
        self.into()
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The trailers of a response that fails with this error after it started.
    pub(crate) fn into_trailers(self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        // Its texts are percent-encoded and its details base64, so all are valid headers.
        let _ = Status::from(self).add_header(&mut trailers);
        trailers
    }

    /// The reason, as in `ErrorInfo`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let mut details = refusal.details;
        details.set_error_info(refusal.reason, DOMAIN, refusal.metadata);
        if refusal.code == Code::Unavailable && details.retry_info().is_none() {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        let mut status = Self::with_error_details(refusal.code, refusal.message, details);
        if let Some(delay) = delay {
            // Rounded up, because a retry that is a moment too early is refused again.
            let milliseconds = delay.as_nanos().div_ceil(1_000_000);
            let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
            status.metadata_mut().insert(PUSHBACK, milliseconds.into());
        } else if refusal.code == Code::ResourceExhausted {
            // The code alone does not say whether a retry can succeed: a rate limit has a
            // delay, a quota has none.
            status.metadata_mut().insert(PUSHBACK, (-1).into());
        }
        status
    }
}

/// Gives a failure of the transport a reason and a suitable code: tonic has no reasons,
/// reports a message over the limit as `OUT_OF_RANGE`, and one that cannot be
/// decompressed as INTERNAL, which clients retry and which alarms operators.
pub(crate) fn explain(headers: &mut HeaderMap) {
    let is_ok = |status: &HeaderValue| status.as_bytes() == b"0";
    if headers.get("grpc-status").is_none_or(is_ok)
        || headers.contains_key("grpc-status-details-bin")
    {
        return;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    let (code, reason) = match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => {
            (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
        }
        Code::Unimplemented => (Code::Unimplemented, "COMPRESSION_UNSUPPORTED"),
        Code::InvalidArgument | Code::Internal => (Code::InvalidArgument, "REQUEST_MALFORMED"),
        // The health service and reflection return it.
        Code::NotFound => (Code::NotFound, "NOT_SERVED"),
        code => (code, "TRANSPORT_FAILED"),
    };
    let status = Status::from(Refusal::new(code, reason, status.message()));
    // All of these are valid headers.
    let _ = status.add_header(headers);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A reason that errors of any code can have.
    const ANY: &str = "TRANSPORT_FAILED";

    /// The delays of `RetryInfo`, and of the trailer.
    fn delays(refusal: Refusal) -> (Option<Duration>, Option<String>) {
        let status = Status::from(refusal);
        let told = status.get_details_retry_info();
        let pushback = status.metadata().get(PUSHBACK);
        (
            told.and_then(|info| info.retry_delay),
            pushback.map(|delay| delay.to_str().unwrap().to_owned()),
        )
    }

    #[test]
    fn a_failure_of_the_transport_gets_a_reason_and_keeps_its_other_headers() {
        for (status, code, reason) in [
            (
                Status::out_of_range("too large"),
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
            ),
            (
                Status::unimplemented("br"),
                Code::Unimplemented,
                "COMPRESSION_UNSUPPORTED",
            ),
            (
                Status::internal("gzip"),
                Code::InvalidArgument,
                "REQUEST_MALFORMED",
            ),
            (Status::unknown("?"), Code::Unknown, "TRANSPORT_FAILED"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-accept-encoding", HeaderValue::from_static("gzip"));
            status.add_header(&mut headers).unwrap();

            explain(&mut headers);

            assert_eq!(headers["grpc-accept-encoding"], "gzip");
            let told = Status::from_header_map(&headers).unwrap();
            assert_eq!((told.code(), told.message()), (code, status.message()));
            assert_eq!(told.get_details_error_info().unwrap().reason, reason);
        }
    }

    #[test]
    fn a_status_with_a_reason_and_a_success_stay_unchanged() {
        for status in [Status::from(Refusal::internal()), Status::ok("")] {
            let mut headers = HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            let before = headers.clone();

            explain(&mut headers);

            assert_eq!(headers, before);
        }
    }

    #[test]
    fn a_delay_is_sent_as_retry_info_and_as_a_trailer() {
        let refusal = |delay| Refusal::new(Code::ResourceExhausted, ANY, "x").retry_after(delay);
        for (delay, trailer) in [
            (Duration::from_millis(1500), "1500"),
            (Duration::from_nanos(1), "1"),
            (Duration::from_hours(1), "3600000"),
            (Duration::from_hours(10_000), "2147483647"),
        ] {
            let told = (Some(delay), Some(trailer.to_owned()));
            assert_eq!(delays(refusal(delay)), told);
        }
        let none = Refusal::new(Code::NotFound, ANY, "x");
        assert_eq!(delays(none), (None, None));
    }

    #[test]
    fn a_quota_without_a_delay_is_not_retried() {
        let quota = Refusal::new(Code::ResourceExhausted, ANY, "x");

        assert_eq!(delays(quota), (None, Some("-1".to_owned())));
    }

    #[test]
    fn unavailable_has_a_retry_delay_and_internal_has_none() {
        let told = delays(Refusal::new(Code::Unavailable, ANY, "x"));
        assert_eq!(told, (Some(RETRY_AFTER), Some("1000".to_owned())));
        assert_eq!(delays(Refusal::internal()), (None, None));
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(code: Code) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone());
        tracing::subscriber::with_default(subscriber.finish(), || {
            let error = std::io::Error::other("the table books");
            let status = Refusal::new(code, ANY, "try again").logged(&error);
            assert!(!status.message().contains("books"));
        });
        let log = log.0.lock().unwrap().clone();
        String::from_utf8(log).unwrap()
    }

    #[test]
    fn a_cause_is_logged_where_the_client_can_do_nothing_about_it() {
        let internal = logged(Code::Internal);
        assert!(internal.contains("ERROR") && internal.contains("the table books"));
        for code in [Code::Unavailable, Code::DeadlineExceeded] {
            let line = logged(code);
            assert!(line.contains("WARN") && line.contains(ANY), "{line}");
        }
        assert_eq!(logged(Code::NotFound), "");
    }
}
