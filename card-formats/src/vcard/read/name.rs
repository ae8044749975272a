//! Names, organizations and titles.

use proto::contacts::v1::Organization;

use super::{Build, Taken};
use crate::limits::{ITEMS, LINE, NAME};
use crate::vcard::property::Property;
use crate::vcard::text::{cut, one_line, split, unescape};

impl Build {
    pub(super) fn take_name(&mut self, property: &Property) -> Option<Taken> {
        let text = || one_line(&unescape(&property.value));
        let contact = &mut self.contact;
        let taken = match property.name.as_str() {
            "N" => self.name(property),
            "FN" => {
                if !contact.formatted_name.is_empty() {
                    return Some(Taken::Not);
                }
                contact.formatted_name = text();
                self.is_written_name = property.parameter("X-AS-WRITTEN").is_some();
                let was_cut = cut(&mut contact.formatted_name, NAME);
                Taken::whole_if(!was_cut && !property.has_others_than(&["X-AS-WRITTEN"]))
            }
            "NICKNAME" | "X-NICKNAME" => {
                let names = split(&property.value, ',').into_iter();
                let names = names.map(|name| one_line(&unescape(name)));
                let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
                single(&mut contact.nickname, names.join(", "), property)
            }
            "X-PHONETIC-FIRST-NAME" => single(&mut contact.phonetic_given_name, text(), property),
            "X-PHONETIC-LAST-NAME" => single(&mut contact.phonetic_family_name, text(), property),
            "SOUND" if property.types().any(|kind| kind == "x-irmc-n") => self.reading(property),
            "ORG" => self.organization(property),
            "TITLE" => {
                if self.titles.len() >= ITEMS {
                    return Some(Taken::Not);
                }
                let mut title = text();
                let was_cut = cut(&mut title, LINE);
                self.titles.push((property.group.clone(), title));
                Taken::whole_if(!was_cut && !property.has_others_than(&[]))
            }
            _ => return None,
        };
        Some(taken)
    }

    fn name(&mut self, property: &Property) -> Taken {
        let contact = &mut self.contact;
        let mut fields = [
            &mut contact.family_name,
            &mut contact.given_name,
            &mut contact.middle_name,
            &mut contact.name_prefix,
            &mut contact.name_suffix,
        ];
        if fields.iter().any(|field| !field.is_empty()) {
            return Taken::Not;
        }
        let components = property.components();
        let mut is_whole = components.len() <= fields.len() && !property.has_others_than(&[]);
        let joins = [", ", " ", " ", " ", ", "];
        for ((component, field), join) in components.iter().zip(&mut fields).zip(joins) {
            let names = split(component, ',').into_iter();
            let names = names.map(|name| one_line(&unescape(name)));
            let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
            **field = names.join(join);
            is_whole &= !cut(field, NAME);
        }
        Taken::whole_if(is_whole)
    }

    /// How a name is read, as Japanese phones write it.
    fn reading(&mut self, property: &Property) -> Taken {
        let components = property.components();
        let [family, given, rest @ ..] = components.as_slice() else {
            return Taken::Not;
        };
        let contact = &mut self.contact;
        let is_known = rest.iter().all(|part| part.is_empty())
            && contact.phonetic_family_name.is_empty()
            && contact.phonetic_given_name.is_empty();
        if !is_known {
            return Taken::Not;
        }
        contact.phonetic_family_name = one_line(&unescape(family));
        contact.phonetic_given_name = one_line(&unescape(given));
        let was_cut = cut(&mut contact.phonetic_family_name, NAME)
            | cut(&mut contact.phonetic_given_name, NAME);
        Taken::whole_if(!was_cut)
    }

    fn organization(&mut self, property: &Property) -> Taken {
        let at = self.contact.organizations.len();
        if at >= ITEMS {
            return Taken::Not;
        }
        let parts = property
            .components()
            .into_iter()
            .map(|part| one_line(&unescape(part)));
        let mut parts: Vec<String> = parts.collect();
        let mut name = parts.remove(0);
        parts.retain(|part| !part.is_empty());
        let mut department = parts.join(", ");
        let was_cut = cut(&mut name, LINE) | cut(&mut department, LINE);
        self.contact.organizations.push(Organization {
            name,
            department,
            title: String::new(),
        });
        if !property.group.is_empty() {
            self.group_organizations
                .entry(property.group.clone())
                .or_insert(at);
        }
        Taken::whole_if(!was_cut && parts.len() <= 1 && !property.has_others_than(&[]))
    }

    /// Gives the titles to the organizations: those of the same group, then in order.
    pub(super) fn take_titles(&mut self) {
        let organizations = &mut self.contact.organizations;
        let mut others = Vec::new();
        for (group, title) in std::mem::take(&mut self.titles) {
            let at = self.group_organizations.get(&group).copied();
            match at.filter(|at| organizations[*at].title.is_empty()) {
                Some(at) => organizations[at].title = title,
                None => others.push(title),
            }
        }
        for title in others {
            let free = organizations
                .iter()
                .position(|organization| organization.title.is_empty());
            match free {
                Some(at) => organizations[at].title = title,
                None if organizations.len() < ITEMS => organizations.push(Organization {
                    title,
                    ..Organization::default()
                }),
                None => {}
            }
        }
    }
}

/// Sets a field that has one value.
fn single(field: &mut String, text: String, property: &Property) -> Taken {
    if !field.is_empty() {
        return Taken::Not;
    }
    *field = text;
    let was_cut = cut(field, NAME);
    Taken::whole_if(!was_cut && !property.has_others_than(&[]))
}
