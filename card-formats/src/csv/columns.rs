//! The first row of a table.

use std::collections::{BTreeSet, HashSet};

use super::Kind;
use super::field::{self, Field, List, NUMBERED, One, Part};
use crate::format::{Column, FormatError};

/// A column.
pub(super) struct Slot {
    /// A name that no other column has.
    pub(super) name: String,
    /// `None` if it becomes a custom field.
    pub(super) field: Option<Field>,
    /// Its name is not in English.
    pub(super) is_foreign: bool,
}

/// Names that make a table one of Google's.
const GOOGLE: [&str; 5] = [
    "given name",
    "family name",
    "group membership",
    "labels",
    "organization name",
];

/// Whether a table with these names of columns is one of Google or of Outlook.
pub(super) fn recognize(names: &[String]) -> Option<Kind> {
    let known = names
        .iter()
        .filter(|name| field::of_header(name).is_some())
        .count();
    if known < 2 {
        return None;
    }
    let is_google = names
        .iter()
        .map(|name| field::fold(name))
        .any(|name| GOOGLE.contains(&name.as_str()) || name.ends_with(" - value"));
    Some(if is_google {
        Kind::Google
    } else {
        Kind::Outlook
    })
}

/// The columns of a table with these names.
pub(super) fn slots(kind: &Kind, names: &[String]) -> Result<Vec<Slot>, FormatError> {
    let map = match kind {
        Kind::Mapped(columns) => Some(fields(columns)?),
        Kind::Google | Kind::Outlook => None,
    };
    let mut used = BTreeSet::new();
    let mut seen = HashSet::new();
    let slots: Vec<Slot> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let found = match &map {
                Some(map) => {
                    let folded = field::fold(name);
                    let mapped = map.iter().find(|(name, _)| *name == folded);
                    mapped.map(|(_, field)| (*field, false))
                }
                None => field::of_header(name),
            };
            let (field, is_foreign) = found.unzip();
            Slot {
                name: unique(name, at, &mut seen),
                field: field.and_then(|field| free(field, at, &mut used)),
                is_foreign: is_foreign.unwrap_or_default(),
            }
        })
        .collect();
    if slots.iter().all(|slot| slot.field.is_none()) {
        return Err(FormatError::Unknown(match kind {
            Kind::Google => "a table with a header of Google",
            Kind::Outlook => "a table with a header of Outlook",
            Kind::Mapped(_) => "a table with one of the columns that were named",
        }));
    }
    Ok(slots)
}

/// The fields of a map, by the folded names of their columns.
fn fields(columns: &[Column]) -> Result<Vec<(String, Field)>, FormatError> {
    let fields = columns.iter().map(|column| {
        let field = field::of_path(&column.field);
        let field = field.ok_or(FormatError::Unknown(
            "readable: a column is said to be a field that does not exist",
        ))?;
        Ok((field::fold(&column.header), field))
    });
    fields.collect()
}

/// The field if no column before has it, or another element of its list.
fn free(field: Field, at: usize, used: &mut BTreeSet<Field>) -> Option<Field> {
    if used.insert(field) {
        return Some(field);
    }
    match field {
        // In French, both titles have the same name; that of the person is first.
        Field::One(One::Prefix) => {
            let title = Field::Item(List::Organization, 0, Part::Title);
            used.insert(title).then_some(title)
        }
        // Several columns are the lines of one street.
        Field::Item(List::Address, _, Part::Value | Part::Extended) => Some(field),
        Field::Item(list @ (List::Email | List::Phone | List::Url), index, Part::Value)
            if index < NUMBERED =>
        {
            // Its order in the file.
            Some(Field::Item(list, 100 * NUMBERED + at, Part::Value))
        }
        _ => None,
    }
}

fn unique(name: &str, at: usize, seen: &mut HashSet<String>) -> String {
    let name = name.trim();
    let name = if name.is_empty() {
        format!("Column {}", at + 1)
    } else {
        name.to_owned()
    };
    if seen.insert(name.clone()) {
        return name;
    }
    let other = format!("{name} ({})", at + 1);
    seen.insert(other.clone());
    other
}
