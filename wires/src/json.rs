//! Messages in protobuf's JSON format (protobuf.dev/programming-guides/json).
//!
//! Names are read in `lowerCamelCase` and as in the proto, and written in
//! `lowerCamelCase`. Unknown names are ignored and default values omitted, as Connect for Go
//! does.

use prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_path_to_error::{Deserializer, Track};
use tonic::Status;

use crate::refusal::{malformed, malformed_field};

/// The maximum number of values in a message; one more for each 16 bytes. A value takes two
/// bytes of JSON and hundreds in memory, so they are counted before they are read.
const VALUES_MAX: usize = 50_000;

/// The longest error, in characters.
const ERROR_MAX: usize = 400;

/// Reads a message, and returns it in the binary format.
pub(crate) fn to_proto(kind: &MessageDescriptor, json: &[u8]) -> Result<Vec<u8>, Status> {
    if json.is_empty() {
        return Err(malformed("the message is empty; JSON without fields is {}"));
    }
    if values(json) > VALUES_MAX + json.len() / 16 {
        return Err(malformed(
            "the message has more values than any call accepts",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    let mut track = Track::new();
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let message = DynamicMessage::deserialize_with_options(
        kind.clone(),
        Deserializer::new(&mut json, &mut track),
        &options,
    );
    let message = message.map_err(|error| {
        let text = cut(&error.to_string());
        // A name that cannot be read is `?`.
        match cut(track.path().to_string().trim_end_matches(['.', '?'])) {
            path if path.is_empty() => malformed(text),
            path => malformed_field(&path, format!("{path}: {text}")),
        }
    })?;
    json.end()
        .map_err(|error| malformed(cut(&error.to_string())))?;
    Ok(message.encode_to_vec())
}

/// Writes a message of the binary format.
pub(crate) fn from_proto(kind: &MessageDescriptor, message: &[u8]) -> Result<Vec<u8>, Status> {
    let message = DynamicMessage::decode(kind.clone(), message);
    let message = message.map_err(|error| Status::internal(error.to_string()))?;
    serde_json::to_vec(&message).map_err(|error| Status::internal(error.to_string()))
}

/// Cut, because it contains what the client sent.
fn cut(text: &str) -> String {
    text.chars().take(ERROR_MAX).collect()
}

/// At least the number of values: of objects, lists and commas outside of texts.
fn values(json: &[u8]) -> usize {
    let (mut values, mut in_text, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' | b',' if !in_text => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;
    use tonic::Code;

    use super::*;

    fn kind(name: &str) -> MessageDescriptor {
        let pool = DescriptorPool::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap();
        pool.get_message_by_name(name).unwrap()
    }

    #[test]
    fn names_are_read_in_both_forms_and_written_in_one() {
        let kind = kind("google.rpc.BadRequest");
        for json in [
            r#"{"field_violations":[{"field":"a","description":""}]}"#,
            r#"{"fieldViolations":[{"field":"a"}], "unknown": {"x": [1]}}"#,
        ] {
            let message = to_proto(&kind, json.as_bytes()).unwrap();
            let json = from_proto(&kind, &message).unwrap();
            assert_eq!(json, br#"{"fieldViolations":[{"field":"a"}]}"#);
        }
    }

    #[test]
    fn an_error_names_the_field() {
        let kind = kind("google.rpc.BadRequest");
        let refused = |json: &str| {
            let refused = to_proto(&kind, json.as_bytes()).unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            refused.message().to_owned()
        };
        let wrong = refused(r#"{"fieldViolations":[{"field":"a"},{"field":7}]}"#);
        assert!(wrong.contains("fieldViolations[1].field"), "{wrong}");
        assert!(refused("{").starts_with("EOF"));
        assert!(refused(r#"{"fieldViolations":[{"#).starts_with("fieldViolations[0]: EOF"));
        assert!(refused("").contains("empty"));
        assert!(refused("{} {}").contains("trailing"));
        let long = refused(&format!(
            "{{\"fieldViolations\":\"{}\"}}",
            "x".repeat(9_000)
        ));
        assert!(long.len() < 900);
    }

    #[test]
    fn deep_nesting_is_ignored_or_refused() {
        let nested = |open: &str, close: &str, depth| open.repeat(depth) + &close.repeat(depth);
        let kind_of = |name: &str, json: String| to_proto(&kind(name), json.as_bytes());
        let lists = |name: &str| format!("{{\"{name}\":{}}}", nested("[", "]", 40_000));

        assert!(kind_of("google.rpc.BadRequest", lists("unknown")).is_ok());
        assert!(kind_of("google.rpc.BadRequest", lists("fieldViolations")).is_err());
        // The only messages of the pool that contain messages of any depth.
        let any = "{\"@type\":\"type.googleapis.com/google.rpc.Status\",\"details\":[";
        let anys = format!("{{\"details\":[{}]}}", nested(any, "]}", 10_000));
        assert!(kind_of("google.rpc.Status", anys).is_err());
    }

    #[test]
    fn many_values_are_refused_before_they_are_read() {
        let kind = kind("google.rpc.BadRequest");
        let empty = format!("{{\"fieldViolations\":[{{}}{}]}}", ",{}".repeat(100_000));
        let refused = to_proto(&kind, empty.as_bytes()).unwrap_err();
        assert!(refused.message().contains("more values"));
        // Commas in a text are not values.
        let text = format!("{{\"x\":\"{}\\\"\"}}", ",".repeat(1_000_000));
        assert!(to_proto(&kind, text.as_bytes()).is_ok());
    }
}
