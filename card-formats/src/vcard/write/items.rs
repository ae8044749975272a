//! The lists of a contact, whose elements have labels.

use proto::contacts::v1::Contact;

use super::Card;
use crate::vcard::VCardVersion;
use crate::vcard::labels;
use crate::vcard::text::escape;

/// The relations of RFC 6350, section 6.6.6.
const RELATED: [&str; 20] = [
    "contact",
    "acquaintance",
    "friend",
    "met",
    "co-worker",
    "colleague",
    "co-resident",
    "neighbor",
    "child",
    "parent",
    "sibling",
    "spouse",
    "kin",
    "muse",
    "crush",
    "date",
    "sweetheart",
    "me",
    "agent",
    "emergency",
];

/// One element of a list, to be written.
#[derive(Default)]
struct Item<'a> {
    name: &'a str,
    label: &'a str,
    is_primary: bool,
    /// Beside those of the label, in upper case.
    types: &'a [&'static str],
    country_code: &'a str,
    /// As it is after the colon.
    value: String,
}

impl Card<'_> {
    pub(super) fn items(&mut self, contact: &Contact) {
        let mut had_primary = false;
        for own in &contact.emails {
            let is_fine = |is: bool| is == own.primary || (is && had_primary);
            if !self.copy(|copy| {
                matches!(copy.emails.as_slice(), [found] if found.address == own.address
                    && found.label == own.label && is_fine(found.primary))
            }) {
                self.item(&Item {
                    name: "EMAIL",
                    label: &own.label,
                    is_primary: own.primary,
                    types: &["INTERNET"],
                    value: escape(&own.address),
                    ..Item::default()
                });
            }
            had_primary |= own.primary;
        }
        had_primary = false;
        for own in &contact.phones {
            let is_fine = |is: bool| is == own.primary || (is && had_primary);
            if !self.copy(|copy| {
                matches!(copy.phones.as_slice(), [found] if found.number == own.number
                    && found.label == own.label && is_fine(found.primary))
            }) {
                self.item(&Item {
                    name: "TEL",
                    label: &own.label,
                    is_primary: own.primary,
                    value: escape(&own.number),
                    ..Item::default()
                });
            }
            had_primary |= own.primary;
        }
        self.addresses(contact);
        for (at, own) in contact.urls.iter().enumerate() {
            if !self.copy_at(at, |copy| copy.urls == [own.clone()]) {
                self.item(&Item {
                    name: "URL",
                    label: &own.label,
                    value: uri(&own.url),
                    ..Item::default()
                });
            }
        }
        for (at, own) in contact.impps.iter().enumerate() {
            if !self.copy_at(at, |copy| copy.impps == [own.clone()]) {
                self.item(&Item {
                    name: "IMPP",
                    label: &own.label,
                    value: uri(&own.uri),
                    ..Item::default()
                });
            }
        }
    }

    fn addresses(&mut self, contact: &Contact) {
        for (at, own) in contact.addresses.iter().enumerate() {
            if self.copy_at(at, |copy| copy.addresses == [own.clone()]) {
                continue;
            }
            let parts = [
                "",
                &own.extended,
                &own.street,
                &own.city,
                &own.region,
                &own.postal_code,
                &own.country,
            ];
            self.item(&Item {
                name: "ADR",
                label: &own.label,
                country_code: &own.country_code,
                value: parts.map(escape).join(";"),
                ..Item::default()
            });
        }
    }

    pub(super) fn relations(&mut self, contact: &Contact) {
        for own in &contact.relations {
            if self.copy(|copy| copy.relations == [own.clone()]) {
                continue;
            }
            let (label, name) = (own.label.as_str(), escape(&own.name));
            let property = match self.version {
                VCardVersion::V3 => "X-ABRELATEDNAMES",
                VCardVersion::V4 => "RELATED;VALUE=text",
            };
            if label.is_empty() {
                self.line(&format!("{property}:{name}"));
            } else if self.version == VCardVersion::V4 && RELATED.contains(&label) {
                self.line(&format!("{property};TYPE={label}:{name}"));
            } else {
                let group = self.new_group();
                self.line(&format!("{group}.{property}:{name}"));
                self.apple_label(&group, label);
            }
        }
    }

    fn item(&mut self, item: &Item<'_>) {
        let is_v3 = self.version == VCardVersion::V3;
        let types = labels::to_types(item.label);
        let own_label = if types.is_none() { item.label } else { "" };
        let mut parameters = String::new();
        let mut types: Vec<String> = types
            .unwrap_or_default()
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect();
        if is_v3 {
            types.extend(item.types.iter().map(|kind| (*kind).to_owned()));
            types.extend(item.is_primary.then(|| "PREF".to_owned()));
            for kind in &mut types {
                kind.make_ascii_uppercase();
            }
        }
        if !types.is_empty() {
            // A list in 4.0 would need quotes, which older programs do not read.
            parameters.extend(types.iter().map(|kind| format!(";TYPE={kind}")));
        }
        if !is_v3 && item.is_primary {
            parameters.push_str(";PREF=1");
        }
        let has_country = !item.country_code.is_empty();
        if !is_v3 && has_country {
            parameters.push_str(";CC=");
            parameters.push_str(item.country_code);
        }
        if own_label.is_empty() && !(is_v3 && has_country) {
            return self.line(&format!("{}{parameters}:{}", item.name, item.value));
        }
        let group = self.new_group();
        self.line(&format!("{group}.{}{parameters}:{}", item.name, item.value));
        if !own_label.is_empty() {
            self.apple_label(&group, own_label);
        }
        if is_v3 && has_country {
            self.line(&format!(
                "{group}.X-ABADR:{}",
                item.country_code.to_ascii_lowercase()
            ));
        }
    }
}

/// A URI is not escaped, except for what would be read as an escape.
fn uri(uri: &str) -> String {
    uri.replace('\\', "\\\\")
}
