//! Makes a contact of the properties of a vCard.
//!
//! A property that the model does not define is kept in `raw_properties`. One that the
//! model defines only in part, as with a parameter of its own, is in both: the writer
//! returns it as it was, as long as it says what the contact says.

mod dates;
mod name;
mod people;
pub(crate) mod photo;
pub(crate) mod reach;

use std::collections::{HashMap, HashSet};

use proto::contacts::v1::Contact;

use super::labels;
use super::property::{CUSTOM, Property};
use super::text::{cut, escape, many_lines, one_line, split, unescape};
use crate::card::{Group, Parsed, Photo, Problem, Warning};
use crate::limits::{self, ITEMS, LABEL, NOTES_BYTES, UID};
use crate::name::{as_parts, display_name};
use crate::raw::fit;

/// What became of a property.
pub(super) enum Taken {
    /// The contact says all of it.
    Whole,
    /// The contact says a part of it.
    Part,
    /// Nothing of it is known.
    Not,
}

impl Taken {
    fn whole_if(is_whole: bool) -> Self {
        if is_whole { Self::Whole } else { Self::Part }
    }
}

/// The parameter of a property that says something else than one before it, where a contact
/// has one value, or is one too many of a list.
const SECOND: &str = "X-ADDRESSBOOK-SECOND";

/// Marks a raw property as one that says something else.
pub(super) fn second(raw: &str) -> String {
    let (name, rest) = raw.split_at(raw.find([';', ':']).unwrap_or_default());
    format!("{name};{SECOND}=1{rest}")
}

pub(super) fn is_second(property: &Property) -> bool {
    property.parameter(SECOND).is_some()
}

/// The raw property with a uid that is too long for a contact.
pub(crate) fn other_uid(uid: &str) -> String {
    format!("UID;{SECOND}=1:{}", escape(&one_line(uid)))
}

/// Whether a property makes its card a group.
pub(super) fn is_group(property: &Property) -> bool {
    matches!(property.name.as_str(), "KIND" | "X-ADDRESSBOOKSERVER-KIND")
        && !is_second(property)
        && one_line(&unescape(&property.value)).eq_ignore_ascii_case("group")
}

/// A card as far as it was read.
#[derive(Default)]
pub(super) struct Build {
    pub(super) contact: Contact,
    pub(super) photo: Option<Photo>,
    pub(super) warnings: Vec<Warning>,
    /// Raw properties with their groups.
    raw: Vec<(String, String)>,
    /// Of each group, the label and the country that Apple writes.
    group_labels: HashMap<String, String>,
    group_countries: HashMap<String, String>,
    /// Which organization a group is about.
    group_organizations: HashMap<String, usize>,
    titles: Vec<(String, String)>,
    is_written_name: bool,
    /// It is read to see what a property says, not to keep it.
    is_alone: bool,
    is_group: bool,
    members: Vec<String>,
}

impl Build {
    /// Reads the properties of a card.
    pub(super) fn of(properties: &[Property]) -> Self {
        Self::default().read(properties)
    }

    fn read(self, properties: &[Property]) -> Self {
        let mut build = self;
        build.is_group = properties.iter().any(is_group);
        for property in properties.iter().filter(|property| !is_second(property)) {
            let value = || one_line(&unescape(&property.value));
            let group = property.group.clone();
            match property.name.as_str() {
                "X-ABLABEL" if !group.is_empty() => {
                    build.group_labels.entry(group).or_insert_with(value);
                }
                "X-ABADR" if !group.is_empty() => {
                    build.group_countries.entry(group).or_insert_with(value);
                }
                _ => {}
            }
        }
        for property in properties {
            build.take(property);
        }
        build.take_titles();
        build
            .contact
            .organizations
            .retain(|organization| *organization != <_>::default());
        build
    }

    fn take(&mut self, property: &Property) {
        let may_be_large = matches!(property.name.as_str(), "PHOTO" | "NOTE");
        if property.value.len() > limits::PROPERTY_BYTES && !may_be_large {
            return self.warn(property, "was dropped: it has more than 64 KiB");
        }
        if is_second(property) {
            return self.keep(property, &property.raw);
        }
        let taken = self
            .take_name(property)
            .or_else(|| self.take_reach(property))
            .or_else(|| self.take_date(property))
            .or_else(|| self.take_people(property))
            .or_else(|| self.take_other(property));
        match taken.unwrap_or(Taken::Not) {
            Taken::Whole => {}
            Taken::Part => self.keep(property, &property.raw),
            Taken::Not => self.keep(property, &self.marked(property)),
        }
    }

    /// A property that is not taken. If it would be without those before it, it is marked: a
    /// writer would return it in their place, or not at all, because the contact says
    /// something else.
    fn marked(&self, property: &Property) -> String {
        let says_nothing = || Self::alone(std::slice::from_ref(property)).is_empty();
        // A writer writes a uid itself, also in place of one that is too long.
        if self.is_alone || (property.name != "UID" && says_nothing()) {
            return property.raw.clone();
        }
        second(&property.raw)
    }

    /// Reads a property and what belongs to it.
    pub(super) fn alone(properties: &[Property]) -> Self {
        let build = Self {
            is_alone: true,
            ..Self::default()
        };
        build.read(properties)
    }

    /// Whether the contact says all that was read.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.raw.is_empty()
    }

    /// Whether it says nothing that the model defines.
    pub(super) fn is_empty(&self) -> bool {
        self.contact == Contact::default()
    }

    fn keep(&mut self, property: &Property, raw: &str) {
        let raw = many_lines(raw);
        if raw.chars().count() > limits::RAW_PROPERTY {
            let text = "was dropped: it has more than 16,384 characters";
            return self.warn(property, text);
        }
        self.raw.push((property.group.clone(), raw));
    }

    pub(super) fn warn(&mut self, property: &Property, text: impl Into<String>) {
        if self.warnings.len() < limits::WARNINGS {
            self.warnings.push(Warning {
                property: property.name.clone(),
                text: text.into(),
            });
        }
    }

    fn take_other(&mut self, property: &Property) -> Option<Taken> {
        let text = || one_line(&unescape(&property.value));
        let taken = match property.name.as_str() {
            // About the file, not about the person.
            "VERSION" | "REV" | "PRODID" | "BEGIN" | "END" => Taken::Whole,
            // They belong to another property of their group, which `finish` looks for.
            "X-ABLABEL" | "X-ABADR" if !property.group.is_empty() => Taken::Whole,
            "UID" => {
                let uid = text();
                if !self.contact.uid.is_empty() || uid.chars().count() > UID {
                    return Some(Taken::Not);
                }
                self.contact.uid = uid;
                Taken::Whole
            }
            "NOTE" => self.note(property),
            "CATEGORIES" | "CATEGORY" => self.categories(property),
            "PHOTO" => self.take_photo(property),
            "KIND" | "X-ADDRESSBOOKSERVER-KIND" => match text().to_lowercase().as_str() {
                "group" | "individual" => Taken::Whole,
                _ => Taken::Not,
            },
            "MEMBER" | "X-ADDRESSBOOKSERVER-MEMBER" if self.is_group => {
                if self.members.len() <= limits::MEMBERS {
                    self.members.push(text());
                }
                Taken::Whole
            }
            "X-ADDRESSBOOK-STARRED" => {
                self.contact.starred = true;
                Taken::Whole
            }
            "X-ADDRESSBOOK-CUSTOM-FIELD" => match property.components().as_slice() {
                [key, value] => {
                    let key = one_line(&unescape(key));
                    let value = many_lines(&unescape(value));
                    if self.contact.custom_fields.contains_key(&key) {
                        return Some(Taken::Not);
                    }
                    self.contact.custom_fields.insert(key, value);
                    Taken::Whole
                }
                _ => Taken::Not,
            },
            _ => return None,
        };
        Some(taken)
    }

    fn note(&mut self, property: &Property) -> Taken {
        let text = many_lines(&unescape(&property.value));
        let notes = &mut self.contact.notes;
        if !notes.is_empty() && !text.is_empty() {
            notes.push_str("\n\n");
        }
        notes.push_str(&text);
        if notes.len() > NOTES_BYTES {
            notes.truncate(notes.floor_char_boundary(NOTES_BYTES));
            self.warn(property, "was cut to 16 KiB");
            return Taken::Part;
        }
        Taken::whole_if(!property.has_others_than(&[]))
    }

    fn categories(&mut self, property: &Property) -> Taken {
        let names: Vec<String> = split(&property.value, ',')
            .into_iter()
            .map(|name| one_line(&unescape(name)))
            .filter(|name| !name.is_empty())
            .collect();
        // Google's groups of the system are in each of its files.
        let is_google = names.iter().any(|name| name == "myContacts");
        let is_repeated = names.iter().any(|name| self.contact.labels.contains(name));
        if is_repeated && property.has_others_than(&[]) {
            // Alone it says more than the labels that it adds.
            self.keep(property, &self.marked(property));
            self.add_labels(property, names, is_google);
            return Taken::Whole;
        }
        self.add_labels(property, names, is_google);
        Taken::whole_if(!property.has_others_than(&[]))
    }

    fn add_labels(&mut self, property: &Property, names: Vec<String>, is_google: bool) {
        for mut name in names {
            match name.as_str() {
                "myContacts" => {}
                "starred" if is_google => self.contact.starred = true,
                _ if self.contact.labels.len() >= ITEMS => {
                    self.warn(property, "was dropped in part: there are more than 100");
                    break;
                }
                _ => {
                    cut(&mut name, LABEL);
                    if !self.contact.labels.contains(&name) {
                        self.contact.labels.push(name);
                    }
                }
            }
        }
    }

    /// The label of a property, and whether it is all that the property says about its kind.
    pub(super) fn label(&self, property: &Property) -> (String, bool) {
        let (label, is_whole) = labels::of_types(property);
        let own = self
            .group_labels
            .get(&property.group)
            .map(|own| labels::of_apple(own))
            .or_else(|| property.parameter(CUSTOM).map(one_line));
        let own = own.filter(|own| !own.is_empty());
        let is_whole =
            is_whole && (own.is_none() || label.is_empty() || own.as_ref() == Some(&label));
        let text = own.unwrap_or(label);
        let mut label = one_line(&text);
        cut(&mut label, LABEL);
        let is_whole = is_whole && label == text;
        (label, is_whole)
    }

    /// The group that the card is, if it is one.
    pub(super) fn group(&mut self) -> Option<Result<Group, Problem>> {
        if !self.is_group {
            return None;
        }
        if self.members.len() > limits::MEMBERS {
            return Some(Err(Problem::TooManyMembers));
        }
        let mut name = display_name(&self.contact);
        cut(&mut name, LABEL);
        Some(Ok(Group {
            uid: self.contact.uid.clone(),
            name,
            members: std::mem::take(&mut self.members),
        }))
    }

    /// The contact that the card is.
    pub(super) fn finish(mut self, properties: &[Property]) -> (Parsed, Vec<Warning>) {
        let raw = std::mem::take(&mut self.raw);
        // What Apple says about a property is kept with it. The first label of a group counts.
        let beside = properties.iter().filter(|property| {
            matches!(property.name.as_str(), "X-ABLABEL" | "X-ABADR")
                && !is_second(property)
                && raw
                    .iter()
                    .any(|(group, _)| !group.is_empty() && *group == property.group)
        });
        let mut known = HashSet::new();
        let beside = beside.map(|property| {
            let is_first = known.insert((&property.group, &property.name));
            let raw = many_lines(&property.raw);
            if is_first { raw } else { second(&raw) }
        });
        let mut raw: Vec<String> = raw
            .iter()
            .map(|(_, raw)| raw.clone())
            .chain(beside)
            .collect();
        fit(&self.contact, &mut raw, &mut self.warnings);
        // A writer returns them in another order.
        raw.sort();
        self.contact.raw_properties = raw;
        // A name that is as the parts are put together needs no field of its own.
        if !self.is_written_name && as_parts(&self.contact) {
            self.contact.formatted_name.clear();
        }
        let parsed = Parsed {
            contact: self.contact,
            photo: self.photo,
        };
        (parsed, self.warnings)
    }
}
