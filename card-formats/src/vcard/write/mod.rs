//! Writes a contact as a vCard.
//!
//! What the model defines is written as the version wants it; properties without one are
//! those that Apple introduced and most programs read. Our own are:
//!
//! - `X-ADDRESSBOOK-STARRED:1`: the contact is starred.
//! - `X-ADDRESSBOOK-CUSTOM-FIELD:KEY;VALUE`: a custom field.
//! - the parameter `X-AS-WRITTEN=1` of FN: the name was written as a whole, although it is as
//!   the parts are put together.

mod copies;
mod items;

use proto::contacts::v1::{Contact, Date, Organization};

use super::VCardVersion;
use super::date;
use super::labels;
use super::text::{cut, escape, fold};
use crate::card::Photo;
use crate::limits;
use crate::name::{as_parts, display_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use copies::Copies;

/// A card that is being written.
struct Card<'a> {
    version: VCardVersion,
    copies: Copies,
    /// The number of the last group.
    group: usize,
    out: &'a mut Vec<u8>,
}

/// Appends the vCard of a contact.
pub(crate) fn write(
    version: VCardVersion,
    contact: &Contact,
    photo: Option<&Photo>,
    out: &mut Vec<u8>,
) {
    let mut card = Card {
        version,
        copies: Copies::of(&contact.raw_properties),
        group: 0,
        out,
    };
    card.line("BEGIN:VCARD");
    card.line(match version {
        VCardVersion::V3 => "VERSION:3.0",
        VCardVersion::V4 => "VERSION:4.0",
    });
    card.names(contact);
    card.organizations(contact);
    card.items(contact);
    card.dates(contact);
    card.relations(contact);
    card.rest(contact);
    if let Some(photo) = photo {
        card.photo(photo);
    }
    for raw in card.copies.others(photo.is_some()) {
        card.line(&raw);
    }
    card.line("END:VCARD");
}

impl Card<'_> {
    fn line(&mut self, line: &str) {
        fold(line, self.out);
    }

    /// Writes a property as it was, if it says the same as the contact. Returns whether it
    /// does.
    fn copy(&mut self, is_same: impl Fn(&Contact) -> bool) -> bool {
        self.copy_at(usize::MAX, is_same)
    }

    /// As `copy`, for the element of a list at this place.
    fn copy_at(&mut self, at: usize, is_same: impl Fn(&Contact) -> bool) -> bool {
        let copy = self
            .copies
            .take_at(at, is_same)
            .map(|(raw, _)| raw.to_owned());
        if let Some(raw) = &copy {
            self.line(raw);
        }
        copy.is_some()
    }

    /// The name of a group that nothing else is in.
    fn new_group(&mut self) -> String {
        loop {
            self.group += 1;
            let group = format!("item{}", self.group);
            if !self.copies.has_group(&group) {
                return group;
            }
        }
    }

    fn names(&mut self, contact: &Contact) {
        let names = |of: &Contact| {
            [
                of.family_name.clone(),
                of.given_name.clone(),
                of.middle_name.clone(),
                of.name_prefix.clone(),
                of.name_suffix.clone(),
            ]
        };
        let own = names(contact);
        let is_named = own.iter().any(|name| !name.is_empty());
        if !is_named || !self.copy(|copy| names(copy) == own) {
            let parts = own.each_ref().map(|name| escape(name));
            self.line(&format!("N:{}", parts.join(";")));
        }
        let mut shown = display_name(contact);
        cut(&mut shown, limits::NAME);
        let is_written = !contact.formatted_name.is_empty() && as_parts(contact);
        if is_written || !self.copy(|copy| !shown.is_empty() && copy.formatted_name == shown) {
            let mark = if is_written { ";X-AS-WRITTEN=1" } else { "" };
            self.line(&format!("FN{mark}:{}", escape(&shown)));
        }
        self.text("NICKNAME", &contact.nickname, |of| &of.nickname);
        self.text(
            "X-PHONETIC-FIRST-NAME",
            &contact.phonetic_given_name,
            |of| &of.phonetic_given_name,
        );
        self.text(
            "X-PHONETIC-LAST-NAME",
            &contact.phonetic_family_name,
            |of| &of.phonetic_family_name,
        );
    }

    fn text(&mut self, name: &str, text: &str, of: impl Fn(&Contact) -> &String) {
        if !text.is_empty() && !self.copy(|copy| of(copy) == text) {
            self.line(&format!("{name}:{}", escape(text)));
        }
    }

    fn organizations(&mut self, contact: &Contact) {
        let is_one = contact.organizations.len() == 1;
        // A title without a group belongs to the first organization that has none.
        let mut are_titled = true;
        for own in &contact.organizations {
            let has_title = !own.title.is_empty();
            let group = self.organization(own, is_one, has_title && !are_titled);
            if has_title {
                self.title(own, &group, are_titled);
            }
            are_titled &= has_title;
        }
    }

    /// Writes an organization without its title, and returns its group.
    fn organization(&mut self, own: &Organization, is_one: bool, needs_group: bool) -> String {
        let copy = self.copies.take(|copy| {
            let found = copy.organizations.first();
            found.is_some_and(|found| {
                (&found.name, &found.department) == (&own.name, &own.department)
            }) && (!own.name.is_empty() || !own.department.is_empty())
        });
        if let Some((raw, _)) = copy {
            let (mut group, raw) = (group_of(raw).to_owned(), raw.to_owned());
            if group.is_empty() && needs_group {
                group = format!("{}.", self.new_group());
                self.line(&format!("{group}{raw}"));
            } else {
                self.line(&raw);
            }
            return group;
        }
        let group = if is_one {
            String::new()
        } else {
            format!("{}.", self.new_group())
        };
        let name = escape(&own.name);
        if !own.department.is_empty() {
            self.line(&format!("{group}ORG:{name};{}", escape(&own.department)));
        } else if !name.is_empty() || !is_one {
            self.line(&format!("{group}ORG:{name}"));
        }
        group
    }

    /// Writes the title of an organization of this group; `are_titled` if all before it have
    /// one.
    fn title(&mut self, own: &Organization, group: &str, are_titled: bool) {
        let copy = self.copies.take(|copy| {
            let found = copy.organizations.first();
            found.is_some_and(|found| {
                found.title == own.title && found.name.is_empty() && found.department.is_empty()
            })
        });
        let line = if let Some((raw, _)) = copy {
            let (raw, other) = (raw.to_owned(), group_of(raw).to_owned());
            let is_free = other.is_empty() || !self.copies.has_organization(&other);
            if other == group || (are_titled && is_free) {
                raw
            } else {
                format!("{group}{}", &raw[other.len()..])
            }
        } else {
            format!("{group}TITLE:{}", escape(&own.title))
        };
        self.line(&line);
    }

    fn dates(&mut self, contact: &Contact) {
        if let Some(birthday) = contact.birthday
            && !self.copy(|copy| copy.birthday == Some(birthday))
        {
            self.date("BDAY", birthday);
        }
        if let Some(death) = contact.date_of_death
            && !self.copy(|copy| copy.date_of_death == Some(death))
        {
            self.date("DEATHDATE", death);
        }
        let mut has_anniversary = self.version == VCardVersion::V3;
        for event in &contact.events {
            let Some(date) = event.date else {
                continue;
            };
            if self.copy(|copy| copy.events == [event.clone()]) {
                continue;
            }
            if event.label == "anniversary" && !has_anniversary {
                has_anniversary = true;
                self.date("ANNIVERSARY", date);
            } else if event.label.is_empty() {
                self.date("X-ABDATE", date);
            } else {
                let group = self.new_group();
                self.date(&format!("{group}.X-ABDATE"), date);
                self.apple_label(&group, &event.label);
            }
        }
    }

    fn date(&mut self, name: &str, date: Date) {
        let (parameter, text) = date::text(date, self.version);
        self.line(&format!("{name}{parameter}:{text}"));
    }

    fn apple_label(&mut self, group: &str, label: &str) {
        let label = escape(&labels::to_apple(label));
        self.line(&format!("{group}.X-ABLabel:{label}"));
    }

    fn rest(&mut self, contact: &Contact) {
        self.notes(&contact.notes);
        self.labels(&contact.labels);
        for (key, value) in &contact.custom_fields {
            let (key, value) = (escape(key), escape(value));
            self.line(&format!("X-ADDRESSBOOK-CUSTOM-FIELD:{key};{value}"));
        }
        if contact.starred {
            self.line("X-ADDRESSBOOK-STARRED:1");
        }
        if !contact.uid.is_empty() {
            self.line(&format!("UID:{}", escape(&contact.uid)));
        }
        if let Some(time) = &contact.update_time {
            let time = time.to_string();
            let time = match self.version {
                VCardVersion::V3 => time,
                VCardVersion::V4 => time
                    .split('.')
                    .next()
                    .unwrap_or_default()
                    .replace(['-', ':'], ""),
            };
            let time = time.trim_end_matches('Z');
            self.line(&format!("REV:{time}Z"));
        }
    }

    /// Several properties may have made the notes: those that were kept are written as they
    /// were, and what is between them as one each.
    fn notes(&mut self, notes: &str) {
        const JOIN: &str = "\n\n";
        let mut own: Vec<&str> = Vec::new();
        let mut rest = Some(notes).filter(|notes| !notes.is_empty());
        while let Some(text) = rest {
            let begins = |copy: &Contact| {
                let after = text.strip_prefix(copy.notes.as_str());
                !copy.notes.is_empty()
                    && after.is_some_and(|after| after.is_empty() || after.starts_with(JOIN))
            };
            let copy = self.copies.take(begins);
            let copy = copy.map(|(raw, says)| (raw.to_owned(), says.notes.len()));
            if let Some((raw, len)) = copy {
                self.texts("NOTE", &mut own, JOIN);
                self.line(&raw);
                rest = text[len..].strip_prefix(JOIN);
            } else {
                let (paragraph, after) = match text.split_once(JOIN) {
                    Some((paragraph, after)) => (paragraph, Some(after)),
                    None => (text, None),
                };
                own.push(paragraph);
                rest = after;
            }
        }
        self.texts("NOTE", &mut own, JOIN);
    }

    /// As `notes`.
    fn labels(&mut self, labels: &[String]) {
        let mut own: Vec<&str> = Vec::new();
        let mut at = 0;
        while let Some(name) = labels.get(at) {
            let begins =
                |copy: &Contact| !copy.labels.is_empty() && labels[at..].starts_with(&copy.labels);
            let copy = self.copies.take(begins);
            let copy = copy.map(|(raw, says)| (raw.to_owned(), says.labels.len()));
            if let Some((raw, count)) = copy {
                self.categories(&mut own);
                self.line(&raw);
                at += count;
            } else {
                own.push(name);
                at += 1;
            }
        }
        self.categories(&mut own);
    }

    fn texts(&mut self, name: &str, texts: &mut Vec<&str>, join: &str) {
        if !texts.is_empty() {
            let text = std::mem::take(texts).join(join);
            self.line(&format!("{name}:{}", escape(&text)));
        }
    }

    fn categories(&mut self, names: &mut Vec<&str>) {
        if !names.is_empty() {
            let names: Vec<String> = names.drain(..).map(escape).collect();
            self.line(&format!("CATEGORIES:{}", names.join(",")));
        }
    }

    fn photo(&mut self, photo: &Photo) {
        let data = STANDARD.encode(&photo.data);
        let others = self.copies.take_photo();
        let media_type: String = photo
            .media_type
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.'))
            .collect();
        let line = match self.version {
            VCardVersion::V4 => format!("PHOTO{others}:data:{media_type};base64,{data}"),
            VCardVersion::V3 => {
                let kind = media_type.rsplit('/').next().unwrap_or_default();
                let kind = match kind.to_ascii_uppercase() {
                    kind if kind.is_empty() => kind,
                    kind => format!(";TYPE={kind}"),
                };
                format!("PHOTO;ENCODING=b{kind}{others}:{data}")
            }
        };
        self.line(&line);
    }
}

/// The group of a property with its dot; empty if it has none.
fn group_of(raw: &str) -> &str {
    let head = raw.split([';', ':']).next().unwrap_or_default();
    head.rfind('.').map_or("", |dot| &raw[..=dot])
}
