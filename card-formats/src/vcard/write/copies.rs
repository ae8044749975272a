//! The raw properties of a contact that is written.

use proto::contacts::v1::Contact;

use crate::vcard::property::Property;
use crate::vcard::read::{Build, is_group, is_second, second};

/// Raw properties that are not written yet.
pub(super) struct Copies(Vec<Copy>);

struct Copy {
    property: Property,
    /// What the property alone says.
    says: Contact,
    is_photo: bool,
    /// The contact says all of it if it is the first of its kind.
    is_whole: bool,
    is_taken: bool,
}

/// Properties that a writer sets itself.
const OWN: [&str; 6] = ["BEGIN", "END", "VERSION", "PRODID", "REV", "UID"];
/// Properties that belong to another one of their group.
const BESIDE: [&str; 2] = ["X-ABLABEL", "X-ABADR"];

impl Copies {
    pub(super) fn of(raw: &[String]) -> Self {
        let parse = |raw: &String| {
            let line = raw
                .trim()
                .replace("\r\n", "\n")
                .replace(['\r', '\n'], "\\n");
            let mut property = Property::parse(line.as_bytes(), encoding_rs::WINDOWS_1252)?;
            if is_group(&property) {
                property.raw = second(&property.raw);
            }
            let is_own = OWN.contains(&property.name.as_str());
            Some(property).filter(|property| !is_own || is_second(property))
        };
        let properties: Vec<Property> = raw.iter().filter_map(parse).collect();
        let copies = properties.iter().map(|property| {
            let beside = properties.iter().filter(|other| {
                BESIDE.contains(&other.name.as_str())
                    && !is_second(other)
                    && !other.group.is_empty()
                    && other.group == property.group
            });
            let alone: Vec<Property> = std::iter::once(property).chain(beside).cloned().collect();
            let build = Build::alone(&alone);
            Copy {
                property: property.clone(),
                is_photo: build.photo.is_some(),
                is_whole: build.keeps_nothing(),
                says: build.contact,
                is_taken: false,
            }
        });
        Self(copies.collect())
    }

    /// Takes the first property that says what `is_same` accepts: as it was, and what it says.
    pub(super) fn take(&mut self, is_same: impl Fn(&Contact) -> bool) -> Option<(&str, &Contact)> {
        self.take_at(usize::MAX, is_same)
    }

    /// As `take`, for the element of a list at this place. One that is preferred was kept
    /// because it was not the first.
    pub(super) fn take_at(
        &mut self,
        at: usize,
        is_same: impl Fn(&Contact) -> bool,
    ) -> Option<(&str, &Contact)> {
        let mut copies = self.0.iter_mut();
        let copy = copies.find(|copy| {
            let is_free = !copy.is_taken && copy.is_known() && !(at == 0 && copy.is_whole);
            is_free && is_same(&copy.says)
        })?;
        copy.is_taken = true;
        Some((&copy.property.raw, &copy.says))
    }

    /// The other parameters of the photo, of which a property without its bytes was kept.
    pub(super) fn take_photo(&mut self) -> String {
        let is_it = |copy: &&mut Copy| copy.is_photo_without_data() && !is_second(&copy.property);
        let Some(copy) = self.0.iter_mut().find(is_it) else {
            return String::new();
        };
        copy.is_taken = true;
        let head = copy.property.raw.trim_end_matches(':');
        head[head.find(';').unwrap_or(head.len())..].to_owned()
    }

    /// The properties that are left: those that the model does not define, and what belongs
    /// to those that were taken. The rest said what the contact no longer says.
    pub(super) fn others(&self, has_photo: bool) -> Vec<String> {
        let is_other = |copy: &Copy| {
            let is_fine = if copy.is_photo {
                has_photo
            } else {
                !copy.is_known() || copy.property.parameter("ALTID").is_some()
            };
            is_fine && !copy.is_taken && !copy.is_beside()
        };
        let is_written = |copy: &&Copy| copy.is_taken || is_other(copy);
        let groups: Vec<&str> = self
            .0
            .iter()
            .filter(is_written)
            .map(|copy| copy.property.group.as_str())
            .collect();
        let others = self.0.iter().filter(|copy| {
            is_other(copy) || (copy.is_beside() && groups.contains(&copy.property.group.as_str()))
        });
        others.map(|copy| copy.property.raw.clone()).collect()
    }

    /// Whether an organization has this group, which ends with its dot.
    pub(super) fn has_organization(&self, group: &str) -> bool {
        let mut properties = self.0.iter().map(|copy| &copy.property);
        let group = group.trim_end_matches('.');
        properties.any(|one| one.name == "ORG" && one.group.eq_ignore_ascii_case(group))
    }

    pub(super) fn has_group(&self, group: &str) -> bool {
        self.0.iter().any(|copy| copy.property.group == group)
    }
}

impl Copy {
    fn is_photo_without_data(&self) -> bool {
        self.property.name == "PHOTO" && self.property.value.trim().is_empty()
    }

    fn is_known(&self) -> bool {
        self.says != Contact::default()
    }

    fn is_beside(&self) -> bool {
        BESIDE.contains(&self.property.name.as_str()) && !self.property.group.is_empty()
    }
}
