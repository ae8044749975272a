//! How a refusal looks on the wire: a status with the details of AIP-193.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "addressbook";

/// A call that is answered with an error.
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
    /// A refusal with `ErrorInfo{reason}`; the message is for people.
    #[must_use]
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason,
            metadata: HashMap::new(),
            details: ErrorDetails::new(),
        }
    }

    /// The database is away. The cause goes to the log, not to the client.
    #[must_use]
    pub fn store_unavailable() -> Self {
        Self::new(
            Code::Unavailable,
            "STORE_UNAVAILABLE",
            "the service cannot reach its database; try again",
        )
        .retry_after(Duration::from_secs(1))
    }

    /// A fault of ours. The cause goes to the log, not to the client.
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

    /// Names a bad field by its path in the request (`BadRequest`).
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, problem: impl Into<String>) -> Self {
        self.details.add_bad_request_violation(field, problem);
        self
    }

    /// Names a limit that is reached (`QuotaFailure`).
    #[must_use]
    pub fn quota(mut self, subject: impl Into<String>, problem: impl Into<String>) -> Self {
        self.details.add_quota_failure_violation(subject, problem);
        self
    }

    /// Says when to try again (`RetryInfo`).
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
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
        Self::with_error_details(refusal.code, refusal.message, details)
    }
}
