//! Lists the fields of a message.

use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use super::comments;
use super::links::Links;

/// A line for each field, with its type and its comment; those of a oneof below it.
pub(super) fn list(message: &MessageDescriptor, links: &Links<'_>) -> String {
    let declared = &message.descriptor_proto().field;
    let by_number = |number| {
        message
            .fields()
            .find(|field| i32::try_from(field.number()) == Ok(number))
    };
    let mut text = String::new();
    let mut last = None;
    for (index, proto) in declared.iter().enumerate() {
        let Some(field) = by_number(proto.number()) else {
            continue;
        };
        let oneof = field
            .containing_oneof()
            .filter(|oneof| !oneof.is_synthetic());
        if let Some(oneof) = oneof.as_ref().filter(|oneof| last.as_ref() != Some(*oneof)) {
            text += &bullet(
                &format!("one of these (`{}`)", oneof.name()),
                &comment_of(oneof),
                0,
            );
        }
        let depth = usize::from(oneof.is_some());
        let name = format!("`{}` ({})", field.name(), kind(&field, links));
        text += &bullet(&name, &comments::of_field(message, index), depth);
        last = oneof;
    }
    if text.is_empty() {
        text += "No fields.\n";
    }
    text
}

fn comment_of(oneof: &OneofDescriptor) -> String {
    let message = oneof.parent_message();
    let index = message.oneofs().position(|other| other == *oneof);
    index.map_or_else(String::new, |index| comments::of_oneof(message, index))
}

/// One item of a list; the further lines of its text are indented.
pub(super) fn bullet(name: &str, text: &str, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let text = text.replace("\n\n", "\n\u{0}\n");
    let text = text.replace('\n', &format!("\n{indent}  "));
    // An empty line has no spaces.
    let text = text.replace(&format!("{indent}  \u{0}"), "");
    format!("{indent}- {name}: {text}\n")
}

/// The type of a field, with a link if it is a message or an enum of ours.
fn kind(field: &FieldDescriptor, links: &Links<'_>) -> String {
    if let Some((key, value)) = entry(field) {
        return format!(
            "map of {} to {}",
            scalar(&key.kind(), links),
            scalar(&value.kind(), links)
        );
    }
    let name = scalar(&field.kind(), links);
    match field.cardinality() {
        Cardinality::Repeated => format!("repeated {name}"),
        _ if field
            .containing_oneof()
            .is_some_and(|oneof| oneof.is_synthetic()) =>
        {
            format!("optional {name}")
        }
        _ => name,
    }
}

fn entry(field: &FieldDescriptor) -> Option<(FieldDescriptor, FieldDescriptor)> {
    let kind = field.kind();
    let entry = kind.as_message().filter(|_| field.is_map())?;
    Some((entry.map_entry_key_field(), entry.map_entry_value_field()))
}

fn scalar(kind: &Kind, links: &Links<'_>) -> String {
    match kind {
        Kind::Message(message) => links.to_message(message),
        Kind::Enum(kind) => links.to_enum(kind),
        other => format!("{other:?}"),
    }
}
