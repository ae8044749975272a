//! The comments of the protos, from the source info of their descriptors.

use prost_reflect::{EnumDescriptor, FileDescriptor, MessageDescriptor};

// The numbers of fields in descriptor.proto, of which paths are made.
const FILE_SYNTAX: i32 = 12;
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_ONEOF: i32 = 8;
const ENUM_VALUE: i32 = 2;

/// The comment before what has this path, without its slashes.
#[must_use]
pub fn at(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut locations = info.iter().flat_map(|info| &info.location);
    let comment = locations
        .find(|location| location.path == path)
        .and_then(|location| location.leading_comments.as_deref())
        .unwrap_or_default();
    let lines = comment.lines();
    let lines: Vec<_> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The comment at the beginning of a file.
#[must_use]
pub fn of_file(file: &FileDescriptor) -> String {
    at(file, &[FILE_SYNTAX])
}

/// The comment of a field, by its place in the message.
#[must_use]
pub fn of_field(message: &MessageDescriptor, index: usize) -> String {
    below(&message.parent_file(), message.path(), MESSAGE_FIELD, index)
}

/// The comment of a oneof, by its place in the message.
#[must_use]
pub fn of_oneof(message: &MessageDescriptor, index: usize) -> String {
    below(&message.parent_file(), message.path(), MESSAGE_ONEOF, index)
}

/// The comment of an enum's value, by its place in the enum.
#[must_use]
pub fn of_value(kind: &EnumDescriptor, index: usize) -> String {
    below(&kind.parent_file(), kind.path(), ENUM_VALUE, index)
}

fn below(file: &FileDescriptor, path: &[i32], kind: i32, index: usize) -> String {
    let index = i32::try_from(index).unwrap_or_default();
    at(file, &[path, &[kind, index]].concat())
}
