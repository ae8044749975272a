//! Why a call failed.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::{Status as RpcStatus, StatusExt};

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody is logged in, or the credentials are wrong or expired.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// There is no such thing, or the caller cannot see it.
    NotFound,
    /// The request is invalid; [`Failure::violations`] names the fields.
    Invalid,
    /// It exists already, or somebody else has changed it.
    Conflict,
    /// The state of the account or of the address book does not allow it.
    Precondition,
    /// Too many calls; [`Failure::retry_after`] says when to try again.
    RateLimited,
    /// There is no room for more.
    QuotaExceeded,
    /// The server cannot be reached, or cannot reach its database.
    Unavailable,
    /// The call took too long, and may have been executed.
    DeadlineExceeded,
    /// A file of this machine cannot be read or written.
    Local,
    /// The server has no such method: it is of another version, or another program.
    Unimplemented,
    /// A fault of the server or of this client.
    Internal,
}

/// A field that is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its path, such as `contact.emails[0].address`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// Why a call failed. It prints as its message, which is for people and may change.
#[derive(Clone, Debug)]
pub struct Error(Arc<Failure>);

/// What is known about a failure.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    /// `ErrorInfo.reason`, such as `CONTACT_NOT_FOUND`; empty if no service has answered.
    pub reason: String,
    /// The message.
    pub message: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    /// The invalid fields.
    pub violations: Vec<Violation>,
    /// When a retry can succeed.
    pub retry_after: Option<Duration>,
}

impl Deref for Error {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl Failure {
    fn new(kind: Kind, message: impl Display) -> Self {
        Self {
            kind,
            reason: String::new(),
            message: message.to_string(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }
}

impl Error {
    fn new(kind: Kind, message: impl Display) -> Self {
        Self(Arc::new(Failure::new(kind, message)))
    }

    /// A file that cannot be read or written.
    #[must_use]
    pub fn local(message: impl Display) -> Self {
        Self::new(Kind::Local, message)
    }

    /// Something that the caller looked for and did not find.
    #[must_use]
    pub fn not_found(message: impl Display) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// A request that is invalid, so that it is not even sent.
    #[must_use]
    pub fn invalid(message: impl Display) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// A response that does not follow the protos, or a fault of this client.
    pub(crate) fn internal(message: impl Display) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// A server that cannot be reached, or is silent.
    pub(crate) fn unavailable(message: impl Display) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// No credentials are stored.
    pub(crate) fn not_logged_in() -> Self {
        Self::new(Kind::Unauthenticated, "nobody is logged in")
    }

    /// The stored credentials are of other servers.
    pub(crate) fn logged_in_elsewhere(auth: &str) -> Self {
        let text = format_args!("the profile is logged in at other servers, with {auth}");
        Self::new(Kind::Precondition, text)
    }

    /// Whether a log-in can help, unlike against a wrong password or a used link.
    #[must_use]
    pub fn asks_for_log_in(&self) -> bool {
        let reasons = ["TOKEN_", "SESSION_", "REFRESH_TOKEN_"];
        let is_of_session = reasons.iter().any(|start| self.reason.starts_with(start));
        self.kind == Kind::Unauthenticated && (self.reason.is_empty() || is_of_session)
    }

    /// The same error, with the place where it happened before its message.
    #[must_use]
    pub fn at(&self, place: impl Display) -> Self {
        let mut failure = Failure::clone(self);
        failure.message = format!("{place}: {}", failure.message);
        Self(Arc::new(failure))
    }

    /// The status that carries the error through a generated client.
    pub(crate) fn into_status(self) -> Status {
        let code = match self.kind {
            Kind::Unauthenticated => Code::Unauthenticated,
            Kind::PermissionDenied => Code::PermissionDenied,
            Kind::NotFound => Code::NotFound,
            Kind::Invalid => Code::InvalidArgument,
            Kind::Conflict => Code::Aborted,
            Kind::Precondition => Code::FailedPrecondition,
            Kind::RateLimited | Kind::QuotaExceeded => Code::ResourceExhausted,
            Kind::Unavailable => Code::Unavailable,
            Kind::DeadlineExceeded => Code::DeadlineExceeded,
            Kind::Unimplemented => Code::Unimplemented,
            Kind::Local | Kind::Internal => Code::Internal,
        };
        let mut status = Status::new(code, self.message.clone());
        status.set_source(Arc::new(self));
        status
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let source = std::error::Error::source(&status);
        if let Some(error) = source.and_then(|source| source.downcast_ref::<Self>()) {
            return error.clone();
        }
        let details = status.get_error_details();
        let kind = match status.code() {
            Code::Unauthenticated => Kind::Unauthenticated,
            Code::PermissionDenied => Kind::PermissionDenied,
            Code::NotFound => Kind::NotFound,
            Code::InvalidArgument | Code::OutOfRange => Kind::Invalid,
            Code::AlreadyExists | Code::Aborted => Kind::Conflict,
            Code::FailedPrecondition => Kind::Precondition,
            Code::ResourceExhausted if details.quota_failure().is_some() => Kind::QuotaExceeded,
            Code::ResourceExhausted => Kind::RateLimited,
            Code::Unavailable => Kind::Unavailable,
            Code::DeadlineExceeded => Kind::DeadlineExceeded,
            Code::Unimplemented => Kind::Unimplemented,
            _ => Kind::Internal,
        };
        let mut error = Failure::new(kind, status.message());
        if let Some(info) = details.error_info() {
            error.reason.clone_from(&info.reason);
            error.metadata.clone_from(&info.metadata);
        }
        error.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let violations = details.bad_request().map(|bad| &bad.field_violations);
        error.violations = violations
            .into_iter()
            .flatten()
            .map(|violation| Violation {
                field: violation.field.clone(),
                description: violation.description.clone(),
            })
            .collect();
        Self(Arc::new(error))
    }
}

impl From<&RpcStatus> for Error {
    /// The error of a part of a batch, or of a card of an import.
    fn from(status: &RpcStatus) -> Self {
        let details = status.encode_to_vec().into();
        Status::with_details(status.code.into(), &status.message, details).into()
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[test]
    fn a_status_keeps_its_details() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info("FIELD_INVALID", "addressbook", HashMap::new())
            .set_retry_info(Some(Duration::from_secs(3)))
            .set_bad_request(vec![FieldViolation::new("contact.notes", "is too long")]);
        let status = Status::with_error_details(Code::InvalidArgument, "no", details);

        let error = Error::from(status);

        assert_eq!(error.kind, Kind::Invalid);
        assert_eq!(error.reason, "FIELD_INVALID");
        assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
        assert_eq!(error.violations[0].field, "contact.notes");
        assert_eq!(error.to_string(), "no");
    }

    #[test]
    fn an_error_of_this_side_passes_a_generated_client() {
        let error = Error::from(Error::local("the disk is full").into_status());

        assert_eq!(error.kind, Kind::Local);
        assert_eq!(error.message, "the disk is full");
    }
}
