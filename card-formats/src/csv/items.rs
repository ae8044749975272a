//! The elements of lists: e-mails, phones, addresses and the like.

use std::collections::BTreeMap;

use proto::contacts::v1::{Email, Event, Impp, Organization, Phone, PostalAddress, Relation, Url};

use super::build::{Build, Cell, ESCAPED, SEPARATOR};
use super::field::{List, Part};
use super::names::{ADDRESSES, PHONES, RELATIONS};
use crate::limits::{ITEMS, LABEL, LINE};
use crate::vcard::text::{cut, many_lines, one_line};

/// The most characters of a web address.
const URL: usize = 2000;
/// The most characters of a phone number.
const PHONE: usize = 100;
/// The most characters of an e-mail address.
const EMAIL: usize = 254;

/// Labels that the model writes in lower case, and Google with capitals.
#[rustfmt::skip]
const KNOWN: [&str; 31] = [
    "home", "work", "other", "mobile", "main", "pager", "fax", "home fax", "work fax",
    "other fax", "work mobile", "homepage", "home page", "blog", "profile", "anniversary",
    "spouse", "child", "mother", "father", "parent", "brother", "sister", "friend", "relative",
    "partner", "manager", "assistant", "school", "car", "son",
];

/// Of one element, the text of each part.
type Texts = BTreeMap<Part, String>;

/// The label that the columns of an element have by their names.
pub(super) fn fixed_label(list: List, index: usize) -> Option<&'static str> {
    match list {
        List::Phone => PHONES.get(index).copied(),
        List::Address => ADDRESSES.get(index).copied(),
        List::Relation => RELATIONS.get(index).copied(),
        List::Event if index == 0 => Some("anniversary"),
        _ => None,
    }
}

/// A label as Google writes it.
pub(super) fn to_google(label: &str) -> String {
    if !KNOWN.contains(&label) {
        return label.to_owned();
    }
    let words = label.split(' ').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The label that a table contains, and whether its element is the primary one.
fn of_google(text: &str) -> (bool, String) {
    let text = one_line(text);
    let (is_primary, label) = match text.strip_prefix("* ") {
        Some(label) => (true, label.to_owned()),
        None if text == "*" => (true, String::new()),
        None => (false, text),
    };
    let lower = label.to_lowercase();
    if KNOWN.contains(&lower.as_str()) {
        return (is_primary, lower);
    }
    (is_primary, label)
}

/// The elements that the cells of one element contain between `:::`.
fn split(list: List, parts: &BTreeMap<Part, Cell>) -> Vec<Texts> {
    let counts = parts
        .values()
        .map(|cell| cell.text.matches(SEPARATOR).count() + 1);
    let count = counts.clone().max().unwrap_or(1);
    let is_split = match list {
        // Anybody's text: it is split only as our writer joins it.
        List::Custom => parts.len() == 2 && counts.clone().all(|of_part| of_part == count),
        List::Organization => counts.clone().all(|of_part| of_part == count),
        _ => true,
    };
    if count == 1 || !is_split {
        let texts = parts.iter();
        return vec![
            texts
                .map(|(part, cell)| (*part, cell.text.clone()))
                .collect(),
        ];
    }
    let mut elements = vec![Texts::new(); count];
    for (part, cell) in parts {
        let pieces: Vec<&str> = cell.text.split(SEPARATOR).map(str::trim).collect();
        if let ([label], Part::Label) = (pieces.as_slice(), part) {
            for element in &mut elements {
                element.insert(*part, (*label).to_owned());
            }
            continue;
        }
        for (element, piece) in elements.iter_mut().zip(pieces) {
            element.insert(*part, piece.to_owned());
        }
    }
    elements
}

impl Build {
    pub(super) fn items(&mut self, list: List, index: usize, parts: &BTreeMap<Part, Cell>) {
        let is_foreign = parts.values().any(|cell| cell.is_foreign);
        for mut texts in split(list, parts) {
            for text in texts.values_mut() {
                *text = text.replace(ESCAPED, SEPARATOR);
            }
            if self.len(list) >= ITEMS {
                return self.warn(
                    name_of(list),
                    "was dropped in part: there are more than 100",
                );
            }
            let label = texts.remove(&Part::Label).unwrap_or_default();
            if texts.values().all(|text| one_line(text).is_empty()) {
                continue;
            }
            let (mut is_primary, mut label) = match list {
                List::Custom => (false, one_line(&label)),
                _ => of_google(&label),
            };
            if let Some(text) = texts.remove(&Part::Primary) {
                let text = text.trim().to_lowercase();
                is_primary |= !matches!(text.as_str(), "" | "false" | "0" | "no");
            }
            if label.is_empty() {
                label = one_line(fixed_label(list, index).unwrap_or_default());
            }
            if list != List::Custom && cut(&mut label, LABEL) {
                self.warn(name_of(list), "has a label that was cut to 100 characters");
            }
            self.item(list, label, is_primary, &texts, is_foreign);
        }
    }

    fn len(&self, list: List) -> usize {
        let contact = &self.contact;
        match list {
            List::Email => contact.emails.len(),
            List::Phone => contact.phones.len(),
            List::Address => contact.addresses.len(),
            List::Url => contact.urls.len(),
            List::Organization => contact.organizations.len(),
            List::Event => contact.events.len(),
            List::Relation => contact.relations.len(),
            List::Impp => contact.impps.len(),
            List::Custom => contact.custom_fields.len(),
        }
    }

    fn item(&mut self, list: List, label: String, primary: bool, texts: &Texts, foreign: bool) {
        let text = |part| texts.get(&part).map(String::as_str).unwrap_or_default();
        let mut value = one_line(text(Part::Value));
        match list {
            List::Address => return self.address(label, texts),
            List::Organization => return self.organization(texts),
            List::Custom => {
                let name = if label.is_empty() {
                    name_of(list)
                } else {
                    &label
                };
                return self.keep(name, text(Part::Value));
            }
            _ if value.is_empty() => return,
            _ => {}
        }
        if !fits(list, &value) {
            self.warn(name_of(list), "is not one; kept as a custom field");
            return self.keep(name_of(list), &value);
        }
        let contact = &mut self.contact;
        match list {
            List::Email => {
                let primary = primary && !contact.emails.iter().any(|email| email.primary);
                let address = value;
                contact.emails.push(Email {
                    address,
                    label,
                    primary,
                });
            }
            List::Phone => {
                let primary = primary && !contact.phones.iter().any(|phone| phone.primary);
                contact.phones.push(Phone {
                    number: value,
                    label,
                    primary,
                    ..Phone::default()
                });
            }
            List::Url => contact.urls.push(Url { url: value, label }),
            List::Relation => {
                if cut(&mut value, LINE) {
                    self.warn(name_of(list), "was cut to 1,000 characters");
                }
                self.contact.relations.push(Relation { name: value, label });
            }
            List::Impp => {
                let uri = uri(text(Part::Service), value);
                contact.impps.push(Impp { uri, label });
            }
            _ => {
                let name = if label.is_empty() {
                    name_of(list)
                } else {
                    &label
                };
                let date = self.date(name, &value, foreign);
                if date.is_some() {
                    self.contact.events.push(Event { date, label });
                }
            }
        }
    }

    fn address(&mut self, label: String, texts: &Texts) {
        let mut was_cut = false;
        let mut text = |part, is_one_line: bool| {
            let text = texts.get(&part).map(String::as_str).unwrap_or_default();
            let mut text = if is_one_line {
                one_line(text)
            } else {
                many_lines(text)
            };
            was_cut |= cut(&mut text, LINE);
            text
        };
        let formatted = text(Part::Formatted, false);
        let mut address = PostalAddress {
            label,
            street: text(Part::Value, false),
            extended: text(Part::Extended, false),
            city: text(Part::City, true),
            region: text(Part::Region, true),
            postal_code: text(Part::PostalCode, true),
            country: text(Part::Country, true),
            country_code: text(Part::CountryCode, true),
        };
        let code = &mut address.country_code;
        let other = std::mem::take(code);
        if other.len() == 2 && other.chars().all(|c| c.is_ascii_alphabetic()) {
            *code = other.to_uppercase();
        } else if !other.is_empty() {
            self.keep("Country Code", &other);
        }
        let said = [
            &address.street,
            &address.extended,
            &address.city,
            &address.region,
            &address.postal_code,
            &address.country,
        ];
        let words = |text: &str| -> Vec<String> {
            let words = text.split(|c: char| c.is_whitespace() || c == ',');
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let said: Vec<String> = said.iter().flat_map(|text| words(text)).collect();
        if said.is_empty() {
            address.street = formatted;
        } else if !words(&formatted).iter().all(|word| said.contains(word)) {
            self.keep("Formatted Address", &formatted);
        }
        if was_cut {
            self.warn(name_of(List::Address), "was cut to 1,000 characters");
        }
        self.contact.addresses.push(address);
    }

    fn organization(&mut self, texts: &Texts) {
        let mut was_cut = false;
        let mut text = |part| {
            let text = texts.get(&part).map(String::as_str).unwrap_or_default();
            let mut text = one_line(text);
            was_cut |= cut(&mut text, LINE);
            text
        };
        let organization = Organization {
            name: text(Part::Value),
            department: text(Part::Department),
            title: text(Part::Title),
        };
        if was_cut {
            self.warn(name_of(List::Organization), "was cut to 1,000 characters");
        }
        if organization != Organization::default() {
            self.contact.organizations.push(organization);
        }
    }
}

/// An address for instant messages of a service.
fn uri(service: &str, value: String) -> String {
    let mut service = service.to_lowercase();
    service.retain(|c| c.is_ascii_alphanumeric());
    cut(&mut service, LABEL);
    match service.as_str() {
        "" => value,
        _ if value.contains(':') => value,
        "googletalk" | "jabber" => format!("xmpp:{value}"),
        service => format!("{service}:{value}"),
    }
}

/// Whether a text is an element of a list.
fn fits(list: List, value: &str) -> bool {
    let count = value.chars().count();
    match list {
        List::Email => {
            let sides = value.split_once('@');
            count <= EMAIL
                && sides.is_some_and(|(before, after)| !before.is_empty() && !after.is_empty())
        }
        List::Phone => count <= PHONE,
        List::Url => count <= URL,
        // A service may be added.
        List::Impp => count <= URL / 2,
        _ => true,
    }
}

/// The name of an element without a label.
fn name_of(list: List) -> &'static str {
    match list {
        List::Email => "E-mail",
        List::Phone => "Phone",
        List::Address => "Address",
        List::Url => "Website",
        List::Organization => "Organization",
        List::Event => "Event",
        List::Relation => "Relation",
        List::Impp => "IM",
        List::Custom => "Custom Field",
    }
}
