//! The error of a refused call.

use tonic::{Code, Status};
use tonic_types::StatusExt;

pub use testing::{fields, reason};

/// The reason of one result of a batch.
pub fn reason_in_batch<T: std::fmt::Debug>(result: &Result<T, tonic_types::Status>) -> String {
    let status = result.as_ref().unwrap_err();
    let details = prost::Message::encode_to_vec(status);
    reason(&Status::with_details(
        status.code.into(),
        "",
        details.into(),
    ))
}

/// A value in `ErrorInfo.metadata`.
pub fn metadata(status: &Status, key: &str) -> String {
    let info = status.get_details_error_info().unwrap();
    info.metadata.get(key).cloned().unwrap_or_default()
}

/// Panics unless the call was refused with this code and reason.
#[track_caller]
pub fn assert_refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, expected: &str) {
    let status = answer.expect_err("a refusal");
    assert_eq!((status.code(), &*reason(&status)), (code, expected));
}

/// Panics unless the call was refused for exactly these fields.
#[track_caller]
pub fn assert_bad_fields<T: std::fmt::Debug>(answer: Result<T, Status>, expected: &[&str]) {
    let status = answer.expect_err("a refusal");
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert_eq!(fields(&status), expected, "{status:?}");
}
