//! What contacts are compared for when duplicates are looked for: two with a key in common
//! may be one person.

use std::collections::BTreeSet;

use proto::contacts::v1::{Contact, Date, Phone};

use super::fold::{digits, fold};
use super::identity::identity;
use super::match_key::{MatchKey, ValueKind};
use super::placeholders::{is_placeholder_email, is_placeholder_name, is_placeholder_phone};
use super::search_text::full;
use super::spellings::plain_digraphs;

/// The maximum number of e-mails, and of phones, of which a contact has keys. The cost of a
/// search so depends on the number of contacts.
const VALUES_MAX: usize = 10;

/// A phone of fewer digits is not personal.
const PHONE_DIGITS_MIN: usize = 5;

/// The keys of a contact, and its date of birth.
#[must_use]
pub fn match_keys(contact: &Contact) -> BTreeSet<MatchKey> {
    let mut keys = BTreeSet::new();
    let mut add = |kind, value: &str| {
        if !value.is_empty() {
            keys.insert(MatchKey::of(kind, value));
        }
    };
    for email in contact.emails.iter().take(VALUES_MAX) {
        let email = identity(&email.address);
        if !is_placeholder_email(&email) {
            add(ValueKind::Email, &email);
        }
    }
    for phone in contact.phones.iter().take(VALUES_MAX) {
        for number in numbers(phone) {
            add(ValueKind::Phone, &number);
        }
    }
    if let Some(name) = compared_name(contact) {
        add(ValueKind::Name, &name);
        let words = name_words(contact);
        add(ValueKind::Words, &words.join(" "));
        add(ValueKind::Words, &without_digraphs(&words));
        for word in dated_words(contact, &words) {
            add(ValueKind::BirthdayAndWord, &word);
        }
    }
    keys.extend(contact.birthday.map(MatchKey::of_birthday));
    keys
}

/// The forms of a number that are compared: a company has many extensions, so one without
/// its extension, or with another, is another number.
fn numbers(phone: &Phone) -> Vec<String> {
    let typed = digits(&phone.number);
    if typed.len() < PHONE_DIGITS_MIN || is_placeholder_phone(&typed) {
        return Vec::new();
    }
    let dialled = digits(&phone.e164);
    if dialled.is_empty() {
        vec![typed]
    } else if phone.extension.is_empty() {
        vec![typed, dialled]
    } else {
        vec![format!("{dialled};{}", phone.extension)]
    }
}

/// The identity of the name that is shown; `None` if it is an e-mail, a phone or nobody's.
pub(super) fn compared_name(contact: &Contact) -> Option<String> {
    let shown = &contact.display_name;
    let is_reach = contact.emails.iter().any(|email| email.address == *shown)
        || contact.phones.iter().any(|phone| phone.number == *shown);
    let name = Some(identity(shown)).filter(|_| !is_reach);
    name.filter(|name| !is_placeholder_name(name))
}

/// The words of the given and the family name, else those of the name that is shown, folded
/// and sorted: some people type the family name first.
pub(super) fn name_words(contact: &Contact) -> Vec<String> {
    let names = fold(&full(&[&contact.given_name, &contact.family_name]));
    let names = if names.is_empty() {
        fold(&contact.display_name)
    } else {
        names
    };
    let mut words: Vec<String> = names.split(' ').map(str::to_owned).collect();
    words.sort_unstable();
    words
}

/// The words as they are also typed: "mueller" is "muller".
fn without_digraphs(words: &[String]) -> String {
    let mut words: Vec<String> = words.iter().map(|word| plain_digraphs(word)).collect();
    words.sort_unstable();
    words.join(" ")
}

/// The date of birth with each word of the name: where one word has a typing error, another
/// one does not.
fn dated_words(contact: &Contact, words: &[String]) -> Vec<String> {
    let is_full = |day: &Date| day.year > 0 && day.day > 0;
    let Some(day) = contact.birthday.filter(is_full) else {
        return Vec::new();
    };
    let dated = |word: &str| format!("{}-{}-{} {word}", day.year, day.month, day.day);
    match words {
        // A single word may be the one with the error.
        [only] => only
            .chars()
            .take(1)
            .map(|first| dated(&first.to_string()))
            .collect(),
        _ => words.iter().map(|word| dated(word)).collect(),
    }
}
