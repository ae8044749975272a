//! Writes a message as JSON, and as the arguments of its class in Python.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};

use super::layout::Node;

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Json,
    /// The JSON that grpcurl reads: in it a `FieldMask` is a message like any other.
    Grpcurl,
    Python,
}

/// The message in protobuf's JSON.
pub(super) fn json(message: &DynamicMessage) -> Node {
    Language::Json.message("", message)
}

/// The message in the JSON that grpcurl reads.
pub(super) fn grpcurl(message: &DynamicMessage) -> Node {
    Language::Grpcurl.message("", message)
}

/// The call of the message's class, such as `pb2.GetContactRequest(id=CONTACT)`.
pub(super) fn python(module: &str, message: &DynamicMessage) -> Node {
    let fields = message.fields().map(|(field, value)| {
        let key = format!("{}=", field.name());
        Language::Python.value(&key, &field, value)
    });
    Node::Group {
        open: format!("{module}.{}(", message.descriptor().name()),
        items: fields.collect(),
        close: ")",
    }
}

/// The name of a variable, if the text is one: `CONTACT` of `$CONTACT`.
pub(super) fn variable(text: &str) -> Option<&str> {
    text.strip_prefix('$')
        .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
}

impl Language {
    fn message(self, key: &str, message: &DynamicMessage) -> Node {
        let kind = message.descriptor();
        // JSON has a form of its own for it.
        if self == Self::Json && kind.full_name() == "google.protobuf.FieldMask" {
            let paths = message.get_field_by_name("paths");
            let paths = paths.as_ref().and_then(|paths| paths.as_list());
            let paths = paths.unwrap_or_default().iter().filter_map(Value::as_str);
            let paths: Vec<_> = paths.map(lower_camel).collect();
            return Node::Leaf(format!("{key}{}", quoted(&paths.join(","))));
        }
        let fields = message.fields().map(|(field, value)| {
            let name = match self {
                Self::Json | Self::Grpcurl => field.json_name().to_owned(),
                Self::Python => field.name().to_owned(),
            };
            self.value(&format!("\"{name}\": "), &field, value)
        });
        Node::Group {
            open: format!("{key}{{"),
            items: fields.collect(),
            close: "}",
        }
    }

    fn value(self, key: &str, field: &FieldDescriptor, value: &Value) -> Node {
        let text = match value {
            Value::Message(message) => return self.message(key, message),
            Value::List(values) => {
                return Node::Group {
                    open: format!("{key}["),
                    items: values
                        .iter()
                        .map(|value| self.value("", field, value))
                        .collect(),
                    close: "]",
                };
            }
            Value::Map(values) => {
                // Sorted, because a map has no order.
                let mut values: Vec<_> = values.iter().collect();
                values.sort_by_key(|(key, _)| (*key).clone());
                let entries = values.into_iter().map(|(key, value)| {
                    let key = match key {
                        MapKey::String(key) => self.string(key),
                        other => format!("{other:?}"),
                    };
                    self.value(&format!("{key}: "), field, value)
                });
                return Node::Group {
                    open: format!("{key}{{"),
                    items: entries.collect(),
                    close: "}",
                };
            }
            Value::Bool(value) if self == Self::Python => {
                if *value { "True" } else { "False" }.to_owned()
            }
            Value::I64(_) | Value::U64(_) if self != Self::Python => format!("\"{value}\""),
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) if self == Self::Python => python_bytes(bytes),
            Value::Bytes(bytes) => quoted(&STANDARD.encode(bytes)),
            Value::EnumNumber(number) => enum_name(field, *number),
            other => other.to_string(),
        };
        Node::Leaf(format!("{key}{text}"))
    }

    fn string(self, text: &str) -> String {
        match variable(text) {
            Some(name) if self == Self::Python => name.to_owned(),
            _ => quoted(text),
        }
    }
}

/// `givenName` for `given_name`.
fn lower_camel(path: &str) -> String {
    let mut parts = path.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (initial, rest) = part.split_at(part.len().min(1));
        name + &initial.to_ascii_uppercase() + rest
    })
}

/// A text in double quotes, with the escapes that JSON and Python have in common.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn python_bytes(bytes: &[u8]) -> String {
    let mut text = "b\"".to_owned();
    for byte in bytes {
        let _ = match byte {
            b'\r' => write!(text, "\\r"),
            b'\n' => write!(text, "\\n"),
            b'"' | b'\\' => write!(text, "\\{}", char::from(*byte)),
            b' '..=b'~' => write!(text, "{}", char::from(*byte)),
            _ => write!(text, "\\x{byte:02x}"),
        };
    }
    text + "\""
}

/// The name of an enum's value in quotes.
fn enum_name(field: &FieldDescriptor, number: i32) -> String {
    match field.kind() {
        Kind::Enum(kind) => kind
            .get_value(number)
            .map_or_else(|| number.to_string(), |value| quoted(value.name())),
        _ => number.to_string(),
    }
}
