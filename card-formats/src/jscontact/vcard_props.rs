//! Raw properties of vCards in a card: `vCardProps` of RFC 9555, section 2.15.1, whose
//! elements are those of jCard (RFC 7095).

use std::borrow::Cow;
use std::collections::HashSet;

use super::kept::is_kept;
use crate::json::{Json, Members};
use crate::limits;
use crate::vcard::property::{Property, parameter_value};
use crate::vcard::text::{escape, many_lines, unescape};

/// A parameter with the whole property, if the element does not say all of it.
const RAW: &str = "x-addressbook-raw";
/// The type of a value that is as it is in the vCard.
const UNKNOWN: &str = "unknown";
/// The bytes of a raw property: a character has at most four.
const RAW_BYTES: usize = 4 * limits::RAW_PROPERTY;

/// The element for a raw property.
pub(super) fn element(raw: &str) -> Json {
    let parsed = Property::parse(raw.as_bytes(), encoding_rs::UTF_8);
    let mut parts = match &parsed {
        Some(property) => parts(property),
        None => (
            RAW.to_owned(),
            Vec::new(),
            UNKNOWN.to_owned(),
            String::new(),
        ),
    };
    if line(&array(&parts)).as_deref() != Some(raw) {
        parts.1.push((RAW.to_owned(), raw.into()));
    }
    array(&parts)
}

/// The name, the parameters, the type and the value of an element.
type Parts = (String, Members, String, String);

fn array((name, parameters, kind, value): &Parts) -> Json {
    Json::Array(vec![
        name.as_str().into(),
        parameters.clone().into(),
        kind.as_str().into(),
        value.as_str().into(),
    ])
}

fn parts(property: &Property) -> Parts {
    let mut kind = UNKNOWN.to_owned();
    let mut parameters: Members = Vec::new();
    let mut names = HashSet::new();
    if !property.group.is_empty() {
        parameters.push(("group".into(), property.group.as_str().into()));
    }
    for parameter in &property.parameters {
        let name = parameter.name.to_ascii_lowercase();
        let values: Vec<Json> = parameter
            .values
            .iter()
            .map(|value| value.as_str().into())
            .collect();
        let value = match <[Json; 1]>::try_from(values) {
            Ok([value]) if name == "value" => {
                value.text().unwrap_or_default().clone_into(&mut kind);
                continue;
            }
            Ok([value]) => value,
            Err(values) => Json::Array(values),
        };
        if !names.insert(name.clone()) {
            // Only the whole property says it.
            break;
        }
        parameters.push((name, value));
    }
    let value = if kind == "text" {
        unescape(&property.value)
    } else {
        property.value.clone()
    };
    (property.name.to_ascii_lowercase(), parameters, kind, value)
}

/// The raw property of an element; `None` if it is not one, or if a vCard cannot say it.
pub(super) fn line(element: &Json) -> Option<String> {
    let Json::Array(parts) = element else {
        return None;
    };
    let [
        Json::String(name),
        Json::Object(parameters),
        Json::String(kind),
        Json::String(value),
    ] = parts.as_slice()
    else {
        return None;
    };
    if let Some((_, Json::String(raw))) = parameters.iter().find(|(name, _)| name == RAW) {
        return Some(raw.clone());
    }
    let mut line = String::new();
    if let Some((_, group)) = parameters.iter().find(|(name, _)| name == "group") {
        line.push_str(group.text()?);
        line.push('.');
    }
    line.push_str(&name.to_ascii_uppercase());
    for (name, value) in parameters.iter().filter(|(name, _)| name != "group") {
        push_parameter(&mut line, name, value)?;
    }
    if kind != UNKNOWN {
        line.push_str(";VALUE=");
        line.push_str(kind);
    }
    line.push(':');
    line.push_str(&match kind.as_str() {
        "text" => Cow::Owned(escape(value)),
        _ => Cow::Borrowed(value.as_str()),
    });
    Some(line)
}

/// Appends a parameter; `None` if a vCard cannot say it, or the property is too long.
fn push_parameter(line: &mut String, name: &str, value: &Json) -> Option<()> {
    let values = match value {
        Json::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    line.push(';');
    line.push_str(&name.to_ascii_uppercase());
    let mut separator = '=';
    for value in values {
        line.push(std::mem::replace(&mut separator, ','));
        line.push_str(&parameter_value(value.text()?));
        if line.len() > RAW_BYTES {
            return None;
        }
    }
    Some(())
}

/// Takes the elements of a card: raw properties, and what these cannot say.
pub(super) fn read(elements: Json) -> (Vec<String>, Option<Json>) {
    let Json::Array(elements) = elements else {
        return (Vec::new(), Some(elements));
    };
    let mut lines = Vec::new();
    let mut others = Vec::new();
    for one in elements {
        let line = line(&one).filter(|line| {
            let fits = line.chars().count() <= limits::RAW_PROPERTY;
            // What a raw property may contain, and be read again.
            fits && many_lines(line) == *line && !is_kept(line) && element(line) == one
        });
        match line {
            Some(line) => lines.push(line),
            None => others.push(one),
        }
    }
    let others = (!others.is_empty()).then_some(Json::Array(others));
    (lines, others)
}
