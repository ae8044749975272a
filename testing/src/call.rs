//! Calls, and the errors that they return.

use std::fmt::Debug;

use tonic::{Request, Status};
use tonic_types::StatusExt;

/// A request with this access token.
pub fn bearer<T>(message: T, access_token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {access_token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

/// `ErrorInfo.reason`.
#[must_use]
#[track_caller]
pub fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    let info = info.unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "addressbook");
    info.reason
}

/// `ErrorInfo.reason` of a call that must fail.
#[track_caller]
pub fn refusal<T: Debug>(answer: Result<T, Status>) -> String {
    reason(&answer.unwrap_err())
}

/// The fields of `BadRequest`; none without it.
#[must_use]
pub fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request();
    let violations = bad.map(|bad| bad.field_violations).unwrap_or_default();
    let fields = violations.into_iter().map(|violation| violation.field);
    fields.collect()
}
