//! Errors of Connect, as JSON (protocol reference, "Error JSON").

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::Serialize;
use serde_json::Value;
use tonic::Status;

use crate::codes;

/// An error.
#[derive(Debug, Serialize)]
pub(crate) struct Error {
    code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// A message about the error.
#[derive(Debug, Serialize)]
struct Detail {
    /// The full name of its type.
    r#type: String,
    /// Its bytes, in base64 without padding.
    value: String,
    /// The same as JSON, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<Value>,
}

impl Error {
    /// The error of a status. Types that the pool lacks are not shown as JSON.
    pub(crate) fn new(status: &Status, pool: &DescriptorPool) -> Self {
        let details = tonic_types::Status::decode(status.details()).unwrap_or_default();
        let details = details.details.into_iter().map(|detail| {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            Detail {
                r#type: name.to_owned(),
                debug: debug(name, &detail.value, pool),
                value: STANDARD_NO_PAD.encode(&detail.value),
            }
        });
        Self {
            code: codes::name(status.code()),
            message: status.message().to_owned(),
            details: details.collect(),
        }
    }
}

fn debug(name: &str, value: &[u8], pool: &DescriptorPool) -> Option<Value> {
    let kind = pool.get_message_by_name(name)?;
    let message = DynamicMessage::decode(kind, value).ok()?;
    serde_json::to_value(message).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Code;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn details_are_shown_as_json_where_their_type_is_known() {
        let details = ErrorDetails::with_error_info("BAD", "example.com", HashMap::new());
        let status = Status::with_error_details(Code::NotFound, "gone", details);
        let known = DescriptorPool::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap();

        let [with, without] = [known, DescriptorPool::new()].map(|pool| {
            let error = serde_json::to_value(Error::new(&status, &pool)).unwrap();
            assert_eq!(error["code"], "not_found");
            assert_eq!(error["message"], "gone");
            assert_eq!(error["details"][0]["type"], "google.rpc.ErrorInfo");
            let value = error["details"][0]["value"].as_str().unwrap();
            assert!(!value.contains('='), "{value}");
            error["details"][0]["debug"].clone()
        });

        assert_eq!(with["reason"], "BAD");
        assert_eq!(without, Value::Null);
    }

    #[test]
    fn an_error_without_details_is_short() {
        let error = Error::new(&Status::aborted(""), &DescriptorPool::new());
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(json, r#"{"code":"aborted"}"#);
    }
}
