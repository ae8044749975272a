//! The name that a contact is shown by.

use icu_properties::CodePointMapData;
use icu_properties::props::Script;
use proto::contacts::v1::Contact;

use crate::limits;

/// Whether the formatted name is as the contact would be shown without it.
pub(crate) fn as_parts(contact: &Contact) -> bool {
    let formatted = contact.formatted_name.as_str();
    // As much as fits in the field.
    let shown: String = unformatted_name(contact)
        .chars()
        .take(limits::NAME)
        .collect();
    let together = format!("{}{}", contact.family_name, contact.given_name);
    let is_east_asian = together.chars().all(|c| c >= '\u{2e80}');
    formatted.split_whitespace().eq(shown.split_whitespace())
        || (is_east_asian && formatted == together)
}

/// The name that a contact is shown by: the formatted name, else the names, the nickname, the
/// first organization, e-mail or phone. Names of East Asia have the family name first.
#[must_use]
pub fn display_name(contact: &Contact) -> String {
    if !contact.formatted_name.is_empty() {
        return contact.formatted_name.clone();
    }
    unformatted_name(contact)
}

/// Whether the family name is shown before the given one.
pub(crate) fn is_family_first(contact: &Contact) -> bool {
    is_east_asian(&contact.family_name) && is_east_asian(&contact.given_name)
}

fn unformatted_name(contact: &Contact) -> String {
    let (first, last) = if is_family_first(contact) {
        (&contact.family_name, &contact.given_name)
    } else {
        (&contact.given_name, &contact.family_name)
    };
    let names = [
        &contact.name_prefix,
        first,
        &contact.middle_name,
        last,
        &contact.name_suffix,
    ];
    let names: Vec<&str> = names
        .into_iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    let organizations = contact.organizations.iter().map(|organization| {
        let texts = [
            &organization.name,
            &organization.department,
            &organization.title,
        ];
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_default()
    });
    [names.join(" "), contact.nickname.clone()]
        .into_iter()
        .chain(organizations)
        .chain(contact.emails.iter().map(|email| email.address.clone()))
        .chain(contact.phones.iter().map(|phone| phone.number.clone()))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

/// Whether a text begins with a character of Chinese, Japanese or Korean.
#[must_use]
pub fn is_east_asian(text: &str) -> bool {
    let scripts = CodePointMapData::<Script>::new();
    let first = text.chars().next().map(|c| scripts.get(c));
    matches!(
        first,
        Some(Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo)
    )
}
