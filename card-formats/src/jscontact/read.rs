//! Makes a contact of a card.

use std::str::FromStr;

use proto::contacts::v1::{Contact, Email, Phone};

use super::dates::Day;
use super::{address, dates, kept, name, people, reach, vcard_props, write};
use crate::card::{Entry, Group, Parsed, Photo, Problem, Warning};
use crate::json::Json;
use crate::limits::{self, ITEMS};
use crate::name::display_name;
use crate::photo::image_type;
use crate::raw::fit;
use crate::vcard::read::other_uid;
use crate::vcard::read::photo::{data_uri, photo};
use crate::vcard::text::{cut, many_lines, one_line};

/// Where the bytes of a photo were in a card that is kept.
pub(super) const NO_DATA: &str = "data:";

/// What a card describes.
pub(super) fn entry(mut card: Json, warnings: &mut Vec<Warning>) -> Result<Entry, Problem> {
    let kind = card.text_of("@type");
    if !matches!(kind, "" | "Card" | "CardGroup") {
        let text = format!("it is not a Card, but of the type {kind:.40}");
        return Err(Problem::Malformed(text));
    }
    let mut contact = Contact::default();
    fields(&card, &mut contact);
    if card.text_of("kind") == "group" || kind == "CardGroup" {
        return group(&card, &contact).map(Entry::Group);
    }
    let mut warn = |property: &str, text: &str| {
        if warnings.len() < limits::WARNINGS {
            warnings.push(Warning {
                property: property.to_owned(),
                text: text.to_owned(),
            });
        }
    };
    let photo = take_photo(&mut card, &mut warn);
    warn_of_entries(&card, &mut warn);
    let mut raw = raw(card, &contact, photo.is_some(), &mut warn);
    fit(&contact, &mut raw, warnings);
    raw.sort();
    contact.raw_properties = raw;
    let parsed = Parsed { contact, photo };
    if parsed == Parsed::default() {
        return Err(Problem::Empty);
    }
    Ok(Entry::Contact(Box::new(parsed)))
}

/// The fields that the model defines, without the photo and raw properties.
fn fields(card: &Json, contact: &mut Contact) {
    let none = Json::default();
    let member = |name| card.get(name).unwrap_or(&none);
    contact.uid = uid(member("uid"));
    contact.create_time = time(member("created"));
    contact.update_time = time(member("updated"));
    contact.nickname = nickname(member("nicknames"));
    contact.organizations = people::read_organizations(member("organizations"), member("titles"));
    contact.emails = list(member("emails"), reach::read_email);
    contact.phones = list(member("phones"), reach::read_phone);
    contact.impps = list(member("onlineServices"), reach::read_service);
    contact.addresses = list(member("addresses"), address::read);
    contact.urls = list(member("links"), reach::read_link);
    contact.relations = people::read_relations(member("relatedTo"), card.get(people::RELATIONS));
    contact.labels = labels(member("keywords"));
    contact.notes = notes(member("notes"));
    contact.starred = card.is_set(write::STARRED);
    for (key, value) in member(write::CUSTOM_FIELDS).members() {
        if let Some(text) = value.text() {
            let value = many_lines(text);
            contact.custom_fields.insert(one_line(key), value);
        }
    }
    for (_, entry) in member("anniversaries").members() {
        match dates::read(entry) {
            Some(Day::Birth(date)) => drop(contact.birthday.get_or_insert(date)),
            Some(Day::Death(date)) => drop(contact.date_of_death.get_or_insert(date)),
            Some(Day::Other(event)) if contact.events.len() < ITEMS => contact.events.push(event),
            _ => {}
        }
    }
    one_primary(contact);
    // What else the contact is called decides whether its name is as its parts.
    name::read(member("name"), contact);
}

fn uid(value: &Json) -> String {
    if is_long_uid(value) {
        return String::new();
    }
    one_line(value.text().unwrap_or_default())
}

/// Whether a uid does not fit in a contact, which gets another one.
fn is_long_uid(value: &Json) -> bool {
    let uid = one_line(value.text().unwrap_or_default());
    uid.chars().count() > limits::UID
}

pub(super) fn time(value: &Json) -> Option<prost_types::Timestamp> {
    prost_types::Timestamp::from_str(value.text()?).ok()
}

fn list<T>(map: &Json, read: impl Fn(&Json) -> Option<T>) -> Vec<T> {
    let entries = map.members().iter().filter_map(|(_, entry)| read(entry));
    entries.take(ITEMS).collect()
}

/// The texts of a map, joined.
fn joined(map: &Json, name: &str, join: &str, clean: fn(&str) -> String) -> String {
    let entries = map.members().iter();
    let texts = entries.map(|(_, entry)| clean(entry.text_of(name)));
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(join)
}

pub(super) fn nickname(map: &Json) -> String {
    let mut nickname = joined(map, "name", ", ", one_line);
    cut(&mut nickname, limits::NAME);
    nickname
}

pub(super) fn notes(map: &Json) -> String {
    let mut notes = joined(map, "note", "\n\n", many_lines);
    notes.truncate(notes.floor_char_boundary(limits::NOTES_BYTES));
    notes
}

pub(super) fn labels(keywords: &Json) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for (name, _) in keywords.members() {
        let mut label = one_line(name);
        cut(&mut label, limits::LABEL);
        if labels.len() < ITEMS && !label.is_empty() && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

/// At most one e-mail and one phone is the preferred one.
fn one_primary(contact: &mut Contact) {
    let mut emails = contact.emails.iter_mut().filter(|email| email.primary);
    emails.next();
    emails.for_each(|email| email.primary = false);
    let mut phones = contact.phones.iter_mut().filter(|phone| phone.primary);
    phones.next();
    phones.for_each(|phone| phone.primary = false);
}

fn group(card: &Json, contact: &Contact) -> Result<Group, Problem> {
    let members = card.get("members").map(Json::members).unwrap_or_default();
    if members.len() > limits::MEMBERS {
        return Err(Problem::TooManyMembers);
    }
    // Before RFC 9553, the name of a group was a text.
    let mut name = match card.get("name") {
        Some(Json::String(name)) => one_line(name),
        _ => display_name(contact),
    };
    cut(&mut name, limits::LABEL);
    Ok(Group {
        uid: contact.uid.clone(),
        name,
        members: members.iter().map(|(uid, _)| uid.clone()).collect(),
    })
}

/// Whether an entry of `media` is a photo, with or without its bytes.
pub(super) fn is_photo(entry: &Json) -> bool {
    let is_data = |uri: &str| {
        uri.get(..NO_DATA.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(NO_DATA))
    };
    entry.text_of("kind") == "photo" && is_data(entry.text_of("uri"))
}

/// Takes the bytes of the first photo out of a card.
fn take_photo(card: &mut Json, warn: &mut impl FnMut(&str, &str)) -> Option<Photo> {
    let Json::Object(members) = card else {
        return None;
    };
    let (_, media) = members.iter_mut().find(|(name, _)| name == "media")?;
    let Json::Object(media) = media else {
        return None;
    };
    let mut found = None;
    media.retain_mut(|(_, entry)| {
        if found.is_some() || !is_photo(entry) {
            return true;
        }
        let Some((kind, data)) = data_uri(entry.text_of("uri")) else {
            return true;
        };
        let kind = kind.or_else(|| image_type(entry.text_of("mediaType")));
        match photo(kind, data) {
            Ok(photo) => found = photo,
            Err(problem) => warn("media", problem),
        }
        if found.is_some()
            && let Json::Object(entry) = entry
        {
            for (_, uri) in entry.iter_mut().filter(|(name, _)| name == "uri") {
                *uri = NO_DATA.into();
            }
        }
        found.is_some()
    });
    found
}

/// Warns of entries that look like those of a contact, and cannot be.
fn warn_of_entries(card: &Json, warn: &mut impl FnMut(&str, &str)) {
    let entries = |name| card.get(name).map(Json::members).unwrap_or_default();
    for (_, entry) in entries("emails") {
        if reach::read_email(entry).is_none() {
            warn(
                "emails",
                "has one that is not an e-mail address; kept as it is",
            );
        }
    }
    for (_, entry) in entries("anniversaries") {
        if dates::read(entry).is_none() {
            warn(
                "anniversaries",
                "has one that is not a date of the calendar; kept as it is",
            );
        }
    }
    let notes = entries("notes").iter();
    let bytes: usize = notes.map(|(_, note)| note.text_of("note").len()).sum();
    if bytes > limits::NOTES_BYTES {
        warn("notes", "was cut to 16 KiB");
    }
}

/// The raw properties of a card: what differs from the card that the contact is written as.
fn raw(
    card: Json,
    contact: &Contact,
    has_photo: bool,
    warn: &mut impl FnMut(&str, &str),
) -> Vec<String> {
    let written = write::card(contact, has_photo.then(|| NO_DATA.to_owned()));
    let mut raw = Vec::new();
    let Json::Object(members) = card else {
        return raw;
    };
    for (name, value) in members {
        let lines = match name.as_str() {
            "vCardProps" => {
                let (mut lines, left) = vcard_props::read(value);
                lines.extend(left.into_iter().flat_map(|left| kept::lines(&name, &left)));
                lines
            }
            _ if written.get(&name) == Some(&value) => continue,
            "uid" if is_long_uid(&value) => vec![other_uid(value.text().unwrap_or_default())],
            _ => kept::lines(&name, &value),
        };
        for line in lines {
            if line.chars().count() > limits::RAW_PROPERTY {
                warn(
                    &name,
                    "was dropped in part: it has more than 16,384 characters",
                );
            } else if many_lines(&line) != line {
                warn(&name, "was dropped: its name has control characters");
            } else {
                raw.push(line);
            }
        }
    }
    raw
}

/// Whether two e-mails are the same, except that only one is the preferred one.
pub(super) fn is_same_email(own: &Email, kept: &Email, had_primary: bool) -> bool {
    (&own.address, &own.label) == (&kept.address, &kept.label)
        && (own.primary == kept.primary || (kept.primary && had_primary))
}

/// As `is_same_email`, for phones; what is made of a number does not count.
pub(super) fn is_same_phone(own: &Phone, kept: &Phone, had_primary: bool) -> bool {
    (&own.number, &own.label) == (&kept.number, &kept.label)
        && (own.primary == kept.primary || (kept.primary && had_primary))
}
