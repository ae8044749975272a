//! Raw properties of vCards in a card: `vCardProps` of RFC 9555, section 2.15.1, whose
//! elements are those of jCard (RFC 7095).

use super::kept::is_kept;
use crate::json::{Json, Members};
use crate::limits;
use crate::vcard::property::{Property, parameter_value};
use crate::vcard::text::{escape, many_lines, unescape};

/// A parameter with the whole property, if the element does not say all of it.
const RAW: &str = "x-addressbook-raw";
/// The type of a value that is as it is in the vCard.
const UNKNOWN: &str = "unknown";

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
        match parameters.iter_mut().find(|(known, _)| *known == name) {
            None => parameters.push((name, value)),
            // Only the whole property says it.
            Some(_) => break,
        }
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
    let mut head = name.to_ascii_uppercase();
    for (name, value) in parameters {
        let value = match value {
            Json::String(text) if name == "group" => {
                head = format!("{text}.{head}");
                continue;
            }
            Json::String(text) => parameter_value(text),
            Json::Array(texts) => {
                let texts: Option<Vec<&str>> = texts.iter().map(Json::text).collect();
                let texts = texts?.into_iter().map(parameter_value);
                texts.collect::<Vec<_>>().join(",")
            }
            _ => return None,
        };
        head = format!("{head};{}={value}", name.to_ascii_uppercase());
    }
    let value = match kind.as_str() {
        UNKNOWN => value.clone(),
        kind => {
            head = format!("{head};VALUE={kind}");
            if kind == "text" {
                escape(value)
            } else {
                value.clone()
            }
        }
    };
    Some(format!("{head}:{value}"))
}

/// Takes the elements of a card: raw properties, and what these cannot say.
pub(super) fn read(elements: &Json) -> (Vec<String>, Option<Json>) {
    let Json::Array(elements) = elements else {
        return (Vec::new(), Some(elements.clone()));
    };
    let mut lines = Vec::new();
    let mut others = Vec::new();
    for one in elements {
        let line = line(one).filter(|line| {
            let fits = line.chars().count() <= limits::RAW_PROPERTY;
            // What a raw property may contain, and be read again.
            fits && many_lines(line) == *line && !is_kept(line) && element(line) == *one
        });
        match line {
            Some(line) => lines.push(line),
            None => others.push(one.clone()),
        }
    }
    let others = (!others.is_empty()).then_some(Json::Array(others));
    (lines, others)
}
