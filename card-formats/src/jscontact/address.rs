//! Postal addresses.

use proto::contacts::v1::PostalAddress;

use super::labels::{self, Of};
use crate::json::Json;
use crate::limits::LINE;
use crate::vcard::text::{cut, many_lines, one_line};

/// The kind of a component that separates the two beside it.
const SEPARATOR: &str = "separator";

pub(super) fn read(entry: &Json) -> Option<PostalAddress> {
    let mut address = PostalAddress::default();
    let components = match entry.get("components") {
        Some(Json::Array(components)) => components.as_slice(),
        _ => &[],
    };
    let default = entry.get("defaultSeparator").and_then(Json::text);
    let mut separator = None;
    for component in components {
        let (kind, value) = (component.text_of("kind"), component.text_of("value"));
        if kind == SEPARATOR {
            separator = Some(value);
            continue;
        }
        let Some((field, join)) = field(&mut address, kind) else {
            continue;
        };
        if !field.is_empty() && !value.is_empty() {
            field.push_str(separator.or(default).unwrap_or(join));
        }
        field.push_str(value);
        separator = None;
    }
    if address == PostalAddress::default() {
        entry.text_of("full").clone_into(&mut address.street);
    }
    let code = entry.text_of("countryCode");
    if code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()) {
        address.country_code = code.to_ascii_uppercase();
    }
    for field in [&mut address.street, &mut address.extended] {
        *field = many_lines(field);
        cut(field, LINE);
    }
    for field in [
        &mut address.city,
        &mut address.region,
        &mut address.postal_code,
        &mut address.country,
    ] {
        *field = one_line(field);
        cut(field, LINE);
    }
    if address == PostalAddress::default() {
        return None;
    }
    address.label = labels::label(entry, Of::Address);
    Some(address)
}

/// The field of a component, and what is between two components in it.
fn field<'a>(address: &'a mut PostalAddress, kind: &str) -> Option<(&'a mut String, &'static str)> {
    Some(match kind {
        "name" | "number" | "block" | "direction" => (&mut address.street, " "),
        "apartment" | "room" | "floor" | "building" | "landmark" | "postOfficeBox"
        | "subdistrict" | "district" => (&mut address.extended, ", "),
        "locality" => (&mut address.city, ", "),
        "region" => (&mut address.region, ", "),
        "postcode" => (&mut address.postal_code, " "),
        "country" => (&mut address.country, ", "),
        _ => return None,
    })
}

pub(super) fn write(address: &PostalAddress) -> Json {
    let parts = [
        ("apartment", &address.extended),
        ("name", &address.street),
        ("locality", &address.city),
        ("region", &address.region),
        ("postcode", &address.postal_code),
        ("country", &address.country),
    ];
    let components: Vec<Json> = parts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(kind, text)| {
            let mut component = Json::object("kind", kind);
            component.push("value", text.as_str());
            component
        })
        .collect();
    let mut entry = Json::default();
    if !components.is_empty() {
        entry.push("components", Json::Array(components));
    }
    entry.push_text("countryCode", &address.country_code);
    labels::push(&mut entry, &address.label, Of::Address);
    entry
}
