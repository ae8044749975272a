//! Parts of cards that the model does not define, as raw properties: JSPROP of RFC 9555,
//! section 3.2.1.

use std::collections::HashSet;
use std::fmt::Write;

use crate::json::{Json, Members};
use crate::limits;
use crate::vcard::property::Property;
use crate::vcard::text::{escape, unescape};

/// The raw property with the value of a member of a card; several, if it is too long and has
/// members of its own.
pub(super) fn lines(name: &str, value: &Json) -> Vec<String> {
    let line = line(&[name], value);
    if line.chars().count() <= limits::RAW_PROPERTY || value.members().is_empty() {
        return vec![line];
    }
    let members = value.members().iter();
    members
        .map(|(key, value)| self::line(&[name, key], value))
        .collect()
}

fn line(path: &[&str], value: &Json) -> String {
    let keys = path
        .iter()
        .map(|key| key.replace('~', "~0").replace('/', "~1"));
    let pointer = keys.collect::<Vec<_>>().join("/");
    // The escapes of RFC 6868.
    let pointer = pointer
        .replace('^', "^^")
        .replace('"', "^'")
        .replace('\n', "^n");
    let json = without_controls(&value.to_string());
    format!("JSPROP;JSPTR=\"{pointer}\":{}", escape(&json))
}

/// JSON with escapes for the control characters that it may contain as they are. A raw
/// property has none.
fn without_controls(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() {
            // Nothing can fail when a string is written.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The member and the value of a raw property. `None` if it is another one, or a value that
/// would change what the card says: its type, that it is a group, or what is deeper in it than
/// the entries of its maps.
fn parse(raw: &str) -> Option<(String, Json)> {
    let line = raw.trim().replace(['\r', '\n'], "\\n");
    let property = Property::parse(line.as_bytes(), encoding_rs::UTF_8)?;
    if property.name != "JSPROP" || !property.group.is_empty() {
        return None;
    }
    let pointer = property.parameter("JSPTR")?;
    let keys = pointer.strip_prefix('/').unwrap_or(pointer).split('/');
    let mut keys = keys.map(|key| key.replace("~1", "/").replace("~0", "~"));
    let name = keys.next()?;
    let value: Json = serde_json::from_str(&unescape(&property.value)).ok()?;
    let value = match keys.next() {
        Some(key) => Json::object(&key, value),
        None => value,
    };
    let is_group = name == "kind" && value.text() == Some("group");
    let is_other = name == "@type" || is_group || keys.next().is_some();
    (!is_other).then_some((name, value))
}

/// Whether a raw property is a part of a card.
pub(super) fn is_kept(raw: &str) -> bool {
    parse(raw).is_some()
}

/// What was kept of cards. Those of a merged contact may have kept the same member twice.
#[derive(Default)]
pub(super) struct Kept {
    members: Members,
}

impl Kept {
    /// Takes what was kept out of raw properties.
    pub(super) fn of(raw: &[String]) -> (Self, Vec<&String>) {
        let mut kept = Self::default();
        let mut others = Vec::new();
        for text in raw {
            match parse(text) {
                Some(member) => kept.members.push(member),
                None => others.push(text),
            }
        }
        (kept, others)
    }

    /// Removes and returns the values of a member.
    pub(super) fn values(&mut self, name: &str) -> Vec<Json> {
        let members = std::mem::take(&mut self.members).into_iter();
        let (found, others): (Members, Members) = members.partition(|(key, _)| key == name);
        self.members = others;
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// Removes and returns the entries of a member that is a map. One that is not a map stays.
    pub(super) fn entries(&mut self, name: &str) -> Members {
        let mut entries = Vec::new();
        self.members.retain_mut(|(key, value)| match value {
            Json::Object(members) if key == name => {
                entries.append(members);
                false
            }
            _ => true,
        });
        entries
    }

    /// Appends to a card what is left: members that are unknown.
    pub(super) fn finish(self, card: &mut Members) {
        for (name, value) in self.members {
            match card.iter_mut().find(|(key, _)| *key == name) {
                None => card.push((name, value)),
                Some((_, known)) => add(known, value),
            }
        }
    }
}

/// Adds the members of an object that another one does not have.
fn add(known: &mut Json, value: Json) {
    let (Json::Object(known), Json::Object(mut members)) = (known, value) else {
        return;
    };
    let names: HashSet<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    members.retain(|(name, _)| !names.contains(name.as_str()));
    known.append(&mut members);
}
