//! Makes a contact of the cells of a row.

use std::collections::BTreeMap;

use prost::Message;
use proto::contacts::v1::{Contact, Date};

use super::columns::Slot;
use super::dates::{self, Found};
use super::field::{self, Field, List, One, Part};
use crate::card::{Problem, Warning};
use crate::limits::{self, ITEMS, LABEL, LINE, NAME, NOTES_BYTES, UID};
use crate::vcard::text::{cut, many_lines, one_line};

/// Between the elements of one cell.
pub(super) const SEPARATOR: &str = ":::";
/// The separator in the text of an element, as our writer writes it.
pub(super) const ESCAPED: &str = "::\\:";

/// Columns that Outlook writes for every contact, and what they contain if nobody chose it.
const DEFAULTS: [(&str, &str); 21] = [
    ("e-mail type", "smtp"),
    ("e-mail 2 type", "smtp"),
    ("e-mail 3 type", "smtp"),
    ("e-mail-typ", "smtp"),
    ("e-mail 2: typ", "smtp"),
    ("e-mail 3: typ", "smtp"),
    ("type de messagerie", "smtp"),
    ("tipo de correo electrónico", "smtp"),
    ("gender", "unspecified"),
    ("geschlecht", "nicht angegeben"),
    ("geschlecht", "keine angabe"),
    ("sexe", "non spécifié"),
    ("sexo", "sin especificar"),
    ("priority", "normal"),
    ("priorität", "normal"),
    ("sensitivity", "normal"),
    ("vertraulichkeit", "normal"),
    ("private", "false"),
    ("privat", "falsch"),
    ("privat", "aus"),
    ("privé", "faux"),
];

/// One cell of an element of a list.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) is_foreign: bool,
}

/// A contact as far as it was read.
#[derive(Default)]
pub(super) struct Build {
    pub(super) contact: Contact,
    warnings: Vec<Warning>,
    items: BTreeMap<(List, usize), BTreeMap<Part, Cell>>,
}

/// The contact of a row, and what was not kept as it was.
pub(super) fn contact(
    slots: &[Slot],
    cells: &[String],
) -> (Result<Contact, Problem>, Vec<Warning>) {
    let mut build = Build::default();
    for (slot, cell) in slots.iter().zip(cells) {
        if !one_line(cell).is_empty() {
            build.cell(slot, cell);
        }
    }
    for (at, cell) in cells.iter().enumerate().skip(slots.len()) {
        if !one_line(cell).is_empty() {
            let name = format!("Column {}", at + 1);
            build.warn(&name, "is not in the header; kept as a custom field");
            build.keep(&name, cell);
        }
    }
    for ((list, index), parts) in std::mem::take(&mut build.items) {
        build.items(list, index, &parts);
    }
    build.finish()
}

impl Build {
    pub(super) fn warn(&mut self, property: &str, text: &str) {
        if self.warnings.len() < limits::WARNINGS {
            let (property, text) = (property.to_owned(), text.to_owned());
            self.warnings.push(Warning { property, text });
        }
    }

    /// Keeps a text as a custom field, or as several if it is long.
    pub(super) fn keep(&mut self, name: &str, text: &str) {
        let name = one_line(name);
        let mut name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        cut(&mut name, LABEL - 6);
        let name = name.trim_end();
        let text = many_lines(text);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .nth(LINE)
                .map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            let fields = &mut self.contact.custom_fields;
            if fields.len() >= ITEMS {
                return self.warn(name, "was dropped: there are more than 100 custom fields");
            }
            let mut key = name.to_owned();
            for number in 2.. {
                if !fields.contains_key(&key) {
                    break;
                }
                key = format!("{name} ({number})");
            }
            fields.insert(key, piece.trim().to_owned());
            rest = after.trim_start();
        }
    }

    fn cell(&mut self, slot: &Slot, cell: &str) {
        match slot.field {
            None => {
                let name = field::fold(&slot.name);
                let text = cell.trim().to_lowercase();
                if !DEFAULTS.contains(&(name.as_str(), text.as_str())) {
                    self.keep(&slot.name, cell);
                }
            }
            Some(Field::One(one)) => self.one(one, slot, cell),
            Some(Field::Item(list, index, part)) => {
                let parts = self.items.entry((list, index)).or_default();
                let is_foreign = slot.is_foreign;
                if let Some(before) = parts.get_mut(&part) {
                    before.text.push('\n');
                    before.text.push_str(cell);
                } else {
                    let text = cell.to_owned();
                    parts.insert(part, Cell { text, is_foreign });
                }
            }
        }
    }

    fn one(&mut self, one: One, slot: &Slot, cell: &str) {
        let contact = &mut self.contact;
        let target = match one {
            One::Prefix => &mut contact.name_prefix,
            One::Given => &mut contact.given_name,
            One::Middle => &mut contact.middle_name,
            One::Family => &mut contact.family_name,
            One::Suffix => &mut contact.name_suffix,
            One::Nickname => &mut contact.nickname,
            One::PhoneticGiven => &mut contact.phonetic_given_name,
            One::PhoneticFamily => &mut contact.phonetic_family_name,
            One::Formatted => &mut contact.formatted_name,
            One::Notes => {
                contact.notes = many_lines(cell);
                let notes = &mut contact.notes;
                if notes.len() > NOTES_BYTES {
                    notes.truncate(notes.floor_char_boundary(NOTES_BYTES));
                    self.warn(&slot.name, "was cut to 16 KiB");
                }
                return;
            }
            One::Birthday => {
                let date = self.date(&slot.name, cell, slot.is_foreign);
                self.contact.birthday = date;
                return;
            }
            One::Death => {
                let date = self.date(&slot.name, cell, slot.is_foreign);
                self.contact.date_of_death = date;
                return;
            }
            One::Starred => {
                let text = cell.trim().to_lowercase();
                contact.starred = !matches!(text.as_str(), "false" | "0" | "no");
                return;
            }
            One::Groups | One::Categories | One::Labels => return self.labels(one, slot, cell),
            One::Uid => {
                let uid = one_line(cell);
                if uid.chars().count() <= UID {
                    contact.uid = uid;
                } else {
                    self.keep(&slot.name, cell);
                }
                return;
            }
        };
        *target = one_line(cell);
        if cut(target, NAME) {
            self.warn(&slot.name, "was cut to 200 characters");
        }
    }

    /// The date of a cell. What it says beside a date is kept.
    pub(super) fn date(&mut self, name: &str, cell: &str, is_day_first: bool) -> Option<Date> {
        let why = match dates::parse(cell, is_day_first) {
            Found::Nothing => return None,
            Found::Date(date, true) => return Some(date),
            Found::Date(date, false) => {
                self.warn(name, "has a time of day; kept as a custom field, too");
                self.keep(name, cell);
                return Some(date);
            }
            Found::Ambiguous => "does not show which number is the day; kept as a custom field",
            Found::Unknown => "is not a date of the calendar; kept as a custom field",
        };
        self.warn(name, why);
        self.keep(name, cell);
        None
    }

    fn labels(&mut self, one: One, slot: &Slot, cell: &str) {
        let names: Vec<&str> = if one != One::Categories && cell.contains(SEPARATOR) {
            cell.split(SEPARATOR).collect()
        } else if one == One::Groups {
            vec![cell]
        } else if one == One::Labels && !cell.contains(';') {
            cell.split(',').collect()
        } else {
            cell.split(';').collect()
        };
        for name in names {
            let mut name = one_line(name);
            if one == One::Groups
                && let Some(group) = name.strip_prefix("* ")
            {
                match group.to_lowercase().as_str() {
                    // Google's groups of the system.
                    "mycontacts" | "my contacts" => continue,
                    "starred" => {
                        self.contact.starred = true;
                        continue;
                    }
                    "friends" | "family" | "coworkers" => name = one_line(group),
                    _ => {}
                }
            }
            if self.contact.labels.len() >= ITEMS {
                return self.warn(&slot.name, "was dropped in part: there are more than 100");
            }
            if cut(&mut name, LABEL) {
                self.warn(&slot.name, "was cut to 100 characters");
            }
            if !name.is_empty() && !self.contact.labels.contains(&name) {
                self.contact.labels.push(name);
            }
        }
    }

    fn finish(mut self) -> (Result<Contact, Problem>, Vec<Warning>) {
        let contact = &mut self.contact;
        let parts = [
            &contact.name_prefix,
            &contact.given_name,
            &contact.middle_name,
            &contact.family_name,
            &contact.name_suffix,
        ];
        let words = |range: std::ops::Range<usize>| -> Vec<&str> {
            let parts = parts[range].iter();
            parts.flat_map(|part| part.split_whitespace()).collect()
        };
        let formatted: Vec<&str> = contact.formatted_name.split_whitespace().collect();
        if formatted == words(0..5) || formatted == words(1..4) {
            contact.formatted_name.clear();
        }
        // The largest first.
        let mut by_size: Vec<(usize, String)> = contact
            .custom_fields
            .iter()
            .map(|(name, text)| (text.len(), name.clone()))
            .collect();
        by_size.sort();
        while self.contact.encoded_len() > limits::CONTACT_BYTES
            && let Some((_, name)) = by_size.pop()
        {
            self.contact.custom_fields.remove(&name);
            self.warn(
                &name,
                "was dropped: the row has more than fits in a contact",
            );
        }
        let outcome = if self.contact == Contact::default() {
            Err(Problem::Empty)
        } else {
            Ok(self.contact)
        };
        (outcome, self.warnings)
    }
}
