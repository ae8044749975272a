//! Names.

use proto::contacts::v1::Contact;

use crate::json::Json;
use crate::limits;
use crate::name::{as_parts, display_name, is_family_first};
use crate::vcard::text::{cut, one_line};

/// Whether the name was written as a whole, although it is as its parts are put together.
const AS_WRITTEN: &str = "addressbook.dev:asWritten";

/// Reads a name into a contact. Its other fields decide whether the name is as they show it.
pub(super) fn read(name: &Json, contact: &mut Contact) {
    let components = match name.get("components") {
        Some(Json::Array(components)) => components.as_slice(),
        _ => &[],
    };
    for component in components {
        let kind = component.text_of("kind");
        let (field, join) = match kind {
            "title" => (&mut contact.name_prefix, " "),
            "given" => (&mut contact.given_name, " "),
            "given2" => (&mut contact.middle_name, " "),
            "surname" | "surname2" => (&mut contact.family_name, " "),
            "generation" | "credential" => (&mut contact.name_suffix, ", "),
            _ => continue,
        };
        append(field, component.text_of("value"), join);
        let phonetic = match kind {
            "given" => &mut contact.phonetic_given_name,
            "surname" => &mut contact.phonetic_family_name,
            _ => continue,
        };
        append(phonetic, component.text_of("phonetic"), " ");
    }
    contact.formatted_name = one_line(name.text_of("full"));
    cut(&mut contact.formatted_name, limits::NAME);
    if !name.is_set(AS_WRITTEN) && as_parts(contact) {
        contact.formatted_name.clear();
    }
}

fn append(field: &mut String, text: &str, join: &str) {
    let text = one_line(text);
    if !field.is_empty() && !text.is_empty() {
        field.push_str(join);
    }
    field.push_str(&text);
    cut(field, limits::NAME);
}

/// Clears what `read` sets.
pub(super) fn clear(contact: &mut Contact) {
    for field in [
        &mut contact.name_prefix,
        &mut contact.given_name,
        &mut contact.middle_name,
        &mut contact.family_name,
        &mut contact.name_suffix,
        &mut contact.phonetic_given_name,
        &mut contact.phonetic_family_name,
        &mut contact.formatted_name,
    ] {
        field.clear();
    }
}

/// The name of a contact; `None` if it has none.
pub(super) fn write(contact: &Contact) -> Option<Json> {
    let mut parts = [
        ("title", &contact.name_prefix, ""),
        (
            "given",
            &contact.given_name,
            contact.phonetic_given_name.as_str(),
        ),
        ("given2", &contact.middle_name, ""),
        (
            "surname",
            &contact.family_name,
            contact.phonetic_family_name.as_str(),
        ),
        ("credential", &contact.name_suffix, ""),
    ];
    if is_family_first(contact) {
        parts.swap(1, 3);
    }
    let is_there =
        |(_, value, phonetic): &(&str, &String, &str)| !value.is_empty() || !phonetic.is_empty();
    let components: Vec<Json> = parts
        .into_iter()
        .filter(is_there)
        .map(|(kind, value, phonetic)| {
            let mut component = Json::object("kind", kind);
            component.push("value", value.as_str());
            component.push_text("phonetic", phonetic);
            component
        })
        .collect();
    let mut name = Json::default();
    if !components.is_empty() {
        name.push("components", Json::Array(components));
        name.push("isOrdered", true);
    } else if contact.formatted_name.is_empty() {
        return None;
    }
    let phonetic = [
        contact.phonetic_family_name.as_str(),
        contact.phonetic_given_name.as_str(),
    ]
    .concat();
    if !phonetic.is_empty() {
        name.push("phoneticScript", script(&phonetic));
    }
    name.push("full", display_name(contact).as_str());
    if !contact.formatted_name.is_empty() && as_parts(contact) {
        name.push(AS_WRITTEN, true);
    }
    Some(name)
}

/// The ISO 15924 code of the script that a name is read in.
fn script(text: &str) -> &'static str {
    let all = |is: fn(char) -> bool| text.chars().all(|c| is(c) || !c.is_alphabetic());
    if all(|c| matches!(c, '\u{3040}'..='\u{309f}')) {
        "Hira"
    } else if all(|c| matches!(c, '\u{30a0}'..='\u{30ff}')) {
        "Kana"
    } else if all(|c| c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}')) {
        "Latn"
    } else {
        // Not known.
        "Zyyy"
    }
}
