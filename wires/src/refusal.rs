//! The errors of the translation itself.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `ErrorInfo.domain` of every error of the services.
const DOMAIN: &str = "addressbook";

fn refuse(code: Code, reason: &str, text: impl Into<String>, field: Option<&str>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, HashMap::new());
    let text = text.into();
    if let Some(field) = field {
        details.add_bad_request_violation(field, text.clone());
    }
    Status::with_error_details(code, text, details)
}

/// The same error without details.
pub(crate) fn bare(status: &Status) -> Status {
    Status::new(status.code(), status.message())
}

/// The request is not what its protocol or its type says.
pub(crate) fn malformed(text: impl Into<String>) -> Status {
    refuse(Code::InvalidArgument, "REQUEST_MALFORMED", text, None)
}

/// A field of the message has a value that its type cannot have.
pub(crate) fn malformed_field(field: &str, text: impl Into<String>) -> Status {
    refuse(
        Code::InvalidArgument,
        "REQUEST_MALFORMED",
        text,
        Some(field),
    )
}

/// A message is above the limit.
pub(crate) fn too_large(bytes_max: usize) -> Status {
    let text = format!("the message is larger than {bytes_max} bytes");
    refuse(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", text, None)
}

/// Messages are compressed with something else than gzip.
pub(crate) fn unsupported_compression(name: &[u8]) -> Status {
    let name: String = String::from_utf8_lossy(name).chars().take(40).collect();
    let text = format!("compression by `{name}` is not supported; use gzip or identity");
    refuse(Code::Unimplemented, "COMPRESSION_UNSUPPORTED", text, None)
}

/// A message is compressed, but no header says how. gRPC has this code for it
/// (compression.md, "Compression Method Asymmetry").
pub(crate) fn undeclared_compression(header: &str) -> Status {
    let text = format!("the message is marked as compressed, but {header} is missing");
    refuse(Code::Internal, "COMPRESSION_UNDECLARED", text, None)
}

/// A request has no message, or more than one. Connect has this code for it (protocol
/// reference, "Error Codes").
pub(crate) fn not_one_message(found: &str) -> Status {
    let text = format!("the method takes one message; the request has {found}");
    refuse(Code::Unimplemented, "REQUEST_NOT_ONE_MESSAGE", text, None)
}
