//! The `OpenAPI` files are those of the protos. Their generator is not needed for it.

use std::collections::BTreeSet;

use harness::reference::{comments, pool, services};
use prost_reflect::MessageDescriptor;
use serde_json::Value;

use crate::documents::read;

/// The program of each file with its package.
const FILES: [(&str, &str); 2] = [
    ("auth", "addressbook.auth.v1"),
    ("contacts", "addressbook.contacts.v1"),
];

fn openapi(program: &str) -> Value {
    let file = format!("docs/reference/openapi/{program}.json");
    serde_json::from_str(&read(&file)).unwrap()
}

/// A text without the breaks of its lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_openapi_files_have_every_method_with_one_response() {
    let pool = pool().unwrap();
    for (program, package) in FILES {
        let services = services(&pool).filter(|service| service.package_name() == package);
        let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
        let single =
            methods.filter(|method| !method.is_client_streaming() && !method.is_server_streaming());
        let expected: BTreeSet<_> = single
            .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
            .collect();

        let file = openapi(program);

        let paths = file["paths"].as_object().unwrap().keys().cloned();
        assert_eq!(paths.collect::<BTreeSet<_>>(), expected, "{program}");
    }
}

#[test]
fn the_openapi_files_have_every_field_with_its_comment() {
    let pool = pool().unwrap();
    let mut compared = 0;
    for (program, _) in FILES {
        let file = openapi(program);
        let schemas = file["components"]["schemas"].as_object().unwrap();
        let ours = schemas
            .iter()
            .filter(|(name, _)| name.starts_with("addressbook."));
        for (name, schema) in ours {
            // The others are enums.
            if let Some(message) = pool.get_message_by_name(name) {
                compared += compare(&message, schema);
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

/// Compares the fields of a message with its schema; returns their number.
fn compare(message: &MessageDescriptor, schema: &Value) -> usize {
    let mut shown = Vec::new();
    fields(schema, &mut shown);
    let name = message.full_name();
    let declared = &message.descriptor_proto().field;
    assert_eq!(shown.len(), declared.len(), "{name}");
    for (index, field) in declared.iter().enumerate() {
        let text = shown.iter().find(|(shown, _)| *shown == field.json_name());
        let (_, text) = text.unwrap_or_else(|| panic!("{name} lacks {}", field.name()));
        let comment = words(&comments::of_field(message, index));
        assert!(
            words(text).ends_with(&comment),
            "{name}.{}: {text}",
            field.name()
        );
    }
    declared.len()
}

/// The properties of a schema with their descriptions, also those of which one is set.
fn fields<'a>(schema: &'a Value, shown: &mut Vec<(&'a str, &'a str)>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let text = property["description"].as_str().unwrap_or_default();
        shown.push((name, text));
    }
    for part in ["oneOf", "allOf", "anyOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            fields(schema, shown);
        }
    }
}
