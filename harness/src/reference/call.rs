//! Says of a method whether it can be repeated, and shows its examples.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prost_reflect::MethodDescriptor;
use prost_reflect::prost_types::MethodOptions;
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use serde_json::Value;

use super::examples::Example;
use super::forms;
use super::layout::Node;
use super::links::Links;
use crate::error::{Error, Result};

/// What a repeat of the call does.
pub(super) fn repeats(method: &MethodDescriptor) -> &'static str {
    let options = method.method_descriptor_proto().options.as_ref();
    let level = options.map(MethodOptions::idempotency_level);
    let has_request_id = method.input().get_field_by_name("request_id").is_some();
    match level.unwrap_or_default() {
        IdempotencyLevel::NoSideEffects => "**Repeats**: the call only reads.",
        IdempotencyLevel::Idempotent => "**Repeats**: the call can be repeated unchanged.",
        IdempotencyLevel::IdempotencyUnknown if has_request_id => {
            "**Repeats**: with the same `request_id`, a repeat returns the first response."
        }
        IdempotencyLevel::IdempotencyUnknown => {
            "**Repeats**: check first whether the call was executed."
        }
    }
}

/// The examples of the method; an error if there are none.
pub(super) fn examples(method: &MethodDescriptor, links: &Links<'_>) -> Result<String> {
    let mut text = String::new();
    // The latest example that set each variable.
    let mut origins = BTreeMap::new();
    for example in links.examples {
        let called = example.method(links.pool)?;
        if called == *method && !example.hidden {
            write(&mut text, example, &origins, links)?;
        }
        let kept = example.keep.iter().map(|(name, path)| {
            let of = links.to_method(&called);
            (name, format!("`{path}` of {of}{}", example.special()))
        });
        let mailed = example.mail.iter().map(|(name, subject)| {
            (
                name,
                format!("the text after `#token=` in the mail \"{subject}\""),
            )
        });
        origins.extend(kept.chain(mailed));
    }
    if text.is_empty() {
        let name = method.full_name();
        return Err(Error::Example(format!("there is no example of {name}")));
    }
    Ok(text)
}

fn write(
    page: &mut String,
    example: &Example,
    origins: &BTreeMap<&String, String>,
    links: &Links<'_>,
) -> Result<()> {
    let _ = write!(page, "\n**Example**{}\n\n", example.special());
    if let Some(email) = &example.make_admin {
        let _ = write!(
            page,
            "Before it, `cargo dev make-admin --email {email}`.\n\n"
        );
    }
    let mut notes = Vec::new();
    for name in example.needs() {
        let from = match example.code.get(name) {
            Some(secret) => format!("the code that the app shows for `${secret}`"),
            None => origins
                .get(&name.to_owned())
                .cloned()
                .ok_or_else(|| Error::Example(format!("{}: nothing sets ${name}", example.rpc)))?,
        };
        notes.push(format!("`${name}` is {from}"));
    }
    if !notes.is_empty() {
        let _ = write!(page, "{}.\n\n", notes.join(", "));
    }
    let _ = write!(page, "```sh\n{}```\n", forms::curl(example, links.pool)?);
    let grpcurl = forms::grpcurl(example, links.pool)?;
    let python = forms::python(example, links.pool)?;
    for (title, language, code) in [("grpcurl", "sh", grpcurl), ("Python", "python", python)] {
        let _ = write!(
            page,
            "\n<details><summary>{title}</summary>\n\n```{language}\n{code}```\n\n</details>\n"
        );
    }
    let response = response("", &example.response).text(0, 2);
    if response != "{}" {
        let _ = write!(
            page,
            "\nThe response contains:\n\n```json\n{response}\n```\n"
        );
    }
    Ok(())
}

fn response(key: &str, value: &Value) -> Node {
    let (open, close, items) = match value {
        Value::Object(members) => {
            let items = members
                .iter()
                .map(|(name, value)| response(&format!("\"{name}\": "), value));
            ("{", "}", items.collect())
        }
        Value::Array(values) => (
            "[",
            "]",
            values.iter().map(|value| response("", value)).collect(),
        ),
        other => return Node::Leaf(format!("{key}{other}")),
    };
    Node::Group {
        open: format!("{key}{open}"),
        items,
        close,
    }
}
