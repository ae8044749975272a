//! Merges one contact into another without losing data: equal values are kept once, new
//! ones are added, and conflicting ones become a line of the notes.

mod labelled;

use std::collections::{BTreeMap, HashSet};
use std::mem::take;

use proto::contacts::v1::{Contact, Event};

use self::labelled::unite_labelled;
use super::identity::identity;
use super::{date, limits};

/// The label of an event that was another contact's birthday.
const BIRTHDAY: &str = "birthday";
/// The same of its date of death.
const DEATH: &str = "date of death";

/// Adds all data of `other`.
pub fn absorb(primary: &mut Contact, mut other: Contact) {
    let mut lines = Vec::new();
    names(primary, &mut other, &mut lines);
    dates(primary, &mut other);
    reaches(primary, &mut other, &mut lines);
    unite(&mut primary.organizations, other.organizations, |item| {
        [&item.name, &item.department, &item.title].map(|text| identity(text))
    });
    events(&mut primary.events, other.events);
    unite(&mut primary.relations, other.relations, |item| {
        [&item.name, &item.label].map(|text| identity(text))
    });
    unite(&mut primary.labels, other.labels, |label| identity(label));
    unite(
        &mut primary.raw_properties,
        other.raw_properties,
        Clone::clone,
    );
    custom_fields(&mut primary.custom_fields, other.custom_fields, &mut lines);
    primary.starred |= other.starred;
    primary.photo = take(&mut primary.photo).or(other.photo);
    add_notes(&mut primary.notes, &other.notes);
    lines.retain(|line| !primary.notes.lines().any(|known| known == line));
    add_notes(&mut primary.notes, &lines.join("\n"));
}

/// Fills empty parts of the name from a name that does not conflict; a conflicting one is
/// kept as a whole, because a mixture would be wrong.
fn names(primary: &mut Contact, other: &mut Contact, lines: &mut Vec<String>) {
    let mut mine = name_fields(primary);
    let mut theirs = name_fields(other);
    let is_other_name = fill(&mut mine, &mut theirs).is_err();
    if is_other_name {
        lines.push(line("Name", &joined(&theirs)));
    }
    let (mine, theirs) = (&mut primary.formatted_name, &mut other.formatted_name);
    if (is_other_name && !theirs.is_empty() && identity(mine) != identity(theirs))
        || fill(&mut [mine], &mut [theirs]).is_err()
    {
        lines.push(line("Formatted name", theirs));
    }
    let mut mine = phonetic_fields(primary);
    let mut theirs = phonetic_fields(other);
    if fill(&mut mine, &mut theirs).is_err() {
        lines.push(line("Phonetic name", &joined(&theirs)));
    }
    let (mine, theirs) = (&mut primary.nickname, &mut other.nickname);
    if fill(&mut [mine], &mut [theirs]).is_err() {
        lines.push(line("Nickname", theirs));
    }
}

fn name_fields(contact: &mut Contact) -> [&mut String; 5] {
    [
        &mut contact.name_prefix,
        &mut contact.given_name,
        &mut contact.middle_name,
        &mut contact.family_name,
        &mut contact.name_suffix,
    ]
}

fn phonetic_fields(contact: &mut Contact) -> [&mut String; 2] {
    [
        &mut contact.phonetic_given_name,
        &mut contact.phonetic_family_name,
    ]
}

/// The other's fields conflict.
struct Contradicts;

/// Fills empty fields with those of the other, unless any two differ.
fn fill(mine: &mut [&mut String], theirs: &mut [&mut String]) -> Result<(), Contradicts> {
    let pairs = || mine.iter().zip(theirs.iter());
    let differ = |(mine, theirs): (&&mut String, &&mut String)| {
        !mine.is_empty() && !theirs.is_empty() && identity(mine) != identity(theirs)
    };
    if pairs().any(differ) {
        return Err(Contradicts);
    }
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        if mine.is_empty() {
            **mine = take(*theirs);
        }
    }
    Ok(())
}

fn joined(fields: &[&mut String]) -> String {
    let texts = fields.iter().map(|text| text.as_str());
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(" ")
}

fn line(what: &str, text: &str) -> String {
    format!("{what}: {text}")
}

/// A different date of birth or death becomes an event. Missing parts are filled.
fn dates(primary: &mut Contact, other: &mut Contact) {
    for (mine, theirs, label) in [
        (&mut primary.birthday, other.birthday, BIRTHDAY),
        (&mut primary.date_of_death, other.date_of_death, DEATH),
    ] {
        let together = match (*mine, theirs) {
            (Some(mine), Some(theirs)) => date::united(mine, theirs),
            (one, another) => one.or(another),
        };
        if together.is_some() {
            *mine = together;
        } else if theirs.is_some() {
            other.events.push(Event {
                date: theirs,
                label: label.into(),
            });
        }
    }
}

/// Adds missing events. One with the same label and a date that can be the same day is not
/// missing; what its date lacks is filled.
fn events(mine: &mut Vec<Event>, theirs: Vec<Event>) {
    let mut labels: Vec<String> = mine.iter().map(|event| identity(&event.label)).collect();
    for event in theirs {
        let label = identity(&event.label);
        let alike = mine.iter_mut().zip(&labels);
        let alike = alike.filter(|(_, other)| **other == label);
        let alike: Vec<&mut Event> = alike.map(|(known, _)| known).collect();
        if alike.iter().any(|known| known.date == event.date) {
            continue;
        }
        let together = |known: &mut Event| date::united(known.date?, event.date?);
        let mut filled = alike.into_iter();
        let filled = filled.find_map(|known| Some((together(known)?, known)));
        if let Some((date, known)) = filled {
            known.date = Some(date);
        } else {
            mine.push(event);
            labels.push(label);
        }
    }
}

/// E-mails, phones and similar: each is kept once, whatever its label.
fn reaches(primary: &mut Contact, other: &mut Contact, lines: &mut Vec<String>) {
    let has_primary = primary.emails.iter().any(|email| email.primary);
    for email in &mut other.emails {
        email.primary &= !has_primary;
    }
    let has_primary = primary.phones.iter().any(|phone| phone.primary);
    for phone in &mut other.phones {
        phone.primary &= !has_primary;
    }
    unite_labelled(&mut primary.emails, take(&mut other.emails), lines);
    unite_labelled(&mut primary.phones, take(&mut other.phones), lines);
    unite_labelled(&mut primary.addresses, take(&mut other.addresses), lines);
    unite_labelled(&mut primary.urls, take(&mut other.urls), lines);
    unite_labelled(&mut primary.impps, take(&mut other.impps), lines);
}

/// Adds missing values.
fn unite<T, K: Eq + std::hash::Hash>(mine: &mut Vec<T>, theirs: Vec<T>, key: impl Fn(&T) -> K) {
    let mut known: HashSet<K> = mine.iter().map(&key).collect();
    let new = theirs.into_iter().filter(|item| known.insert(key(item)));
    mine.extend(new);
}

/// A key with a different value gets the first free number appended; if that would be too
/// long, it becomes a line of the notes.
fn custom_fields(
    mine: &mut BTreeMap<String, String>,
    theirs: BTreeMap<String, String>,
    lines: &mut Vec<String>,
) {
    for (key, value) in theirs {
        let mut name = key.clone();
        let mut number = 1;
        while mine.get(&name).is_some_and(|known| *known != value) {
            number += 1;
            name = format!("{key} ({number})");
        }
        if name.chars().count() > limits::LABEL {
            lines.push(line(&key, &value));
        } else {
            mine.insert(name, value);
        }
    }
}

/// Appends the paragraphs of a text that are not there yet, after an empty line.
fn add_notes(notes: &mut String, text: &str) {
    let known: HashSet<&str> = notes.split("\n\n").map(str::trim).collect();
    let is_known = |paragraph: &str| known.contains(paragraph.trim());
    let new = if text.split("\n\n").any(is_known) {
        let new = text.split("\n\n").filter(|paragraph| !is_known(paragraph));
        new.collect::<Vec<_>>().join("\n\n")
    } else {
        text.to_owned()
    };
    if !new.trim().is_empty() {
        if !notes.is_empty() {
            notes.push_str("\n\n");
        }
        notes.push_str(&new);
    }
}

#[cfg(test)]
mod tests {
    use proto::contacts::v1::Email;

    use super::*;

    fn noted(notes: &str) -> Contact {
        Contact {
            notes: notes.into(),
            ..Contact::default()
        }
    }

    fn mail(address: &str, primary: bool) -> Email {
        Email {
            address: address.into(),
            primary,
            ..Email::default()
        }
    }

    #[test]
    fn a_paragraph_of_the_notes_is_kept_once() {
        for (mine, theirs, both) in [
            ("a\n\nb", "b\n\nc", "a\n\nb\n\nc"),
            ("a\n\nb", "b \n\na", "a\n\nb"),
            ("a", "a\n\nb\n\na", "a\n\nb"),
            ("a", "b\n\n\n\nc", "a\n\nb\n\n\n\nc"),
            ("", "b\n\nc", "b\n\nc"),
            ("a b", "a", "a b\n\na"),
        ] {
            let mut merged = noted(mine);
            absorb(&mut merged, noted(theirs));
            assert_eq!(merged.notes, both, "{mine:?} and {theirs:?}");
        }
    }

    #[test]
    fn a_line_about_a_conflict_is_added_once() {
        let mut merged = Contact {
            nickname: "Ada".into(),
            ..Contact::default()
        };
        for _ in 0..2 {
            let other = Contact {
                nickname: "Countess".into(),
                ..Contact::default()
            };
            absorb(&mut merged, other);
        }
        assert_eq!(merged.notes, "Nickname: Countess");
    }

    #[test]
    fn the_other_contacts_preferred_value_stays_preferred_if_there_was_none() {
        for (mine, theirs, expected) in [
            (
                mail("A@example.com", false),
                mail("a@example.com", true),
                true,
            ),
            (
                mail("a@example.com", true),
                mail("a@example.com", true),
                true,
            ),
            (
                mail("a@example.com", false),
                mail("a@example.com", false),
                false,
            ),
        ] {
            let mut merged = Contact {
                emails: vec![mine, mail("b@example.com", false)],
                ..Contact::default()
            };
            let other = Contact {
                emails: vec![theirs],
                ..Contact::default()
            };
            absorb(&mut merged, other);
            let preferred: Vec<bool> = merged.emails.iter().map(|email| email.primary).collect();
            assert_eq!(preferred, [expected, false]);
        }
    }

    #[test]
    fn there_is_one_preferred_value_at_most() {
        let mut merged = Contact {
            emails: vec![mail("a@example.com", false), mail("b@example.com", true)],
            ..Contact::default()
        };
        let other = Contact {
            emails: vec![mail("a@example.com", true)],
            ..Contact::default()
        };
        absorb(&mut merged, other);
        assert_eq!(
            merged.emails,
            [mail("a@example.com", false), mail("b@example.com", true)]
        );
    }
}
