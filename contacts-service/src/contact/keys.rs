//! Folded copies of parts of a contact, for sorting, filtering and searching.

use std::collections::BTreeSet;

use proto::contacts::v1::{Contact, SearchField};

use super::body::Body;
use super::date::month_day;
use super::fold::{cut, digits, fold, label_key, latin};

/// The columns beside a contact's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Family name, then given name.
    pub family: String,
    /// Given name, then family name.
    pub given: String,
    /// The display name.
    pub display: String,
    /// The birthday's month and day, as 229 for 29 February.
    pub birth_md: Option<i16>,
    /// Whether the contact is a favourite.
    pub starred: bool,
    /// The labels.
    pub labels: Vec<String>,
    /// The labels that may be new to the owner, as typed.
    pub new_labels: Vec<String>,
    /// The e-mail addresses.
    pub emails: Vec<String>,
    /// The digits of the phones, as typed and as E.164.
    pub phones: Vec<String>,
    /// The names of the organizations, one per line.
    pub organizations: String,
    /// The search text: folded lines, each with the code of its field.
    pub search_text: String,
}

/// The maximum size of a sort key in bytes, because an index entry must stay well under
/// 2700.
const SORT_KEY_BYTES: usize = 400;
/// The maximum size of one line of the search text, in bytes.
const SEARCH_LINE_BYTES: usize = 4000;
/// The maximum size of the search text in bytes: some characters fold to eighteen.
const SEARCH_TEXT_BYTES: usize = 192 * 1024;
/// The separator of a sort key's parts, which sorts before every character of a name.
const PART: char = '\u{1}';

impl Keys {
    /// Derives the keys of a contact.
    #[must_use]
    pub fn of(body: &Body) -> Self {
        let contact = body.message();
        let (family, given) = (fold(&contact.family_name), fold(&contact.given_name));
        let sort_key = |a: &str, b: &str| cut(&format!("{a}{PART}{b}"), SORT_KEY_BYTES).to_owned();
        let birthday = contact.birthday.as_ref();
        Self {
            family: sort_key(&family, &given),
            given: sort_key(&given, &family),
            display: cut(&fold(&contact.display_name), SORT_KEY_BYTES).to_owned(),
            birth_md: birthday
                .map(|date| month_day(date.month.cast_unsigned(), date.day.cast_unsigned())),
            starred: contact.starred,
            labels: contact
                .labels
                .iter()
                .map(|label| label_key(label))
                .collect(),
            new_labels: contact.labels.clone(),
            emails: contact
                .emails
                .iter()
                .map(|email| fold(&email.address))
                .collect(),
            phones: phone_digits(contact).into_iter().collect(),
            organizations: contact
                .organizations
                .iter()
                .map(|organization| fold(&organization.name))
                .collect::<Vec<_>>()
                .join("\n"),
            search_text: search_text(contact),
        }
    }
}

impl Keys {
    /// The same for a contact that had these labels before.
    #[must_use]
    pub fn after(mut self, labels: &[String]) -> Self {
        self.new_labels.retain(|label| !labels.contains(label));
        self
    }
}

fn phone_digits(contact: &Contact) -> BTreeSet<String> {
    let phones = contact.phones.iter();
    phones
        .flat_map(|phone| [digits(&phone.number), digits(&phone.e164)])
        .filter(|digits| !digits.is_empty())
        .collect()
}

/// The line code of phone numbers reduced to their digits; the other codes are those of
/// [`code`]. Folded text contains no control character, so a code cannot be confused with
/// text; a letter as code would become part of the first word in the trigram index, which
/// would break the tolerance of typing errors.
pub const DIGITS: char = '\u{5}';

/// The code at the beginning of a search text's line.
#[must_use]
pub fn code(field: SearchField) -> char {
    match field {
        SearchField::Unspecified | SearchField::Name => '\u{2}',
        SearchField::Nickname => '\u{3}',
        SearchField::Email => '\u{4}',
        SearchField::Phone => '\u{6}',
        SearchField::Organization => '\u{7}',
        SearchField::Notes => '\u{8}',
    }
}

/// One line for each searchable text: a code and the folded text, and the same in Latin
/// letters if it has others. The text begins and ends with a line break.
fn search_text(contact: &Contact) -> String {
    let mut lines = Lines::default();
    let full = |parts: &[&String]| {
        let parts = parts.iter().map(|part| part.as_str());
        parts
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (given, family) = (&contact.given_name, &contact.family_name);
    for name in [
        given,
        family,
        &contact.middle_name,
        &full(&[given, family]),
        &full(&[family, given]),
        &full(&[given, &contact.middle_name, family]),
        &full(&[&contact.name_prefix, given, family, &contact.name_suffix]),
        &full(&[&contact.phonetic_given_name, &contact.phonetic_family_name]),
        &contact.phonetic_family_name,
    ] {
        lines.add(SearchField::Name, name);
    }
    lines.add(SearchField::Nickname, &contact.nickname);
    for email in &contact.emails {
        lines.add(SearchField::Email, &email.address);
    }
    for phone in &contact.phones {
        lines.add(SearchField::Phone, &phone.number);
    }
    for digits in phone_digits(contact) {
        lines.0.insert((DIGITS, digits));
    }
    for organization in &contact.organizations {
        for text in [
            &organization.name,
            &organization.department,
            &organization.title,
        ] {
            lines.add(SearchField::Organization, text);
        }
    }
    lines.add(SearchField::Notes, &contact.notes);
    lines.text()
}

#[derive(Default)]
struct Lines(BTreeSet<(char, String)>);

impl Lines {
    fn add(&mut self, field: SearchField, text: &str) {
        if text.is_empty() {
            return;
        }
        let folded = fold(cut(text, SEARCH_LINE_BYTES));
        if let Some(latin) = latin(&folded) {
            self.0.insert((code(field), latin));
        }
        self.0.insert((code(field), folded));
    }

    /// The lines, names first, as far as there is room for them.
    fn text(&self) -> String {
        let mut text = String::from("\n");
        for (code, line) in &self.0 {
            if text.len() + line.len() + 2 > SEARCH_TEXT_BYTES {
                continue;
            }
            text.push(*code);
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proto::contacts::v1::{Email, Organization, Phone};

    use super::*;
    use crate::contact::phone::DefaultRegion;

    fn keys(contact: Contact) -> Keys {
        Keys::of(&Body::parse(contact, DefaultRegion::parse("DE").unwrap()).unwrap())
    }

    #[test]
    fn names_sort_without_case_and_marks() {
        let keys = keys(Contact {
            given_name: "Élodie".into(),
            family_name: "Müller".into(),
            ..Contact::default()
        });
        assert_eq!(keys.family, "muller\u{1}elodie");
        assert_eq!(keys.given, "elodie\u{1}muller");
        assert_eq!(keys.display, "elodie muller");
    }

    #[test]
    fn sort_keys_stay_short_whatever_a_name_unfolds_to() {
        let keys = keys(Contact {
            family_name: "\u{fdfa}".repeat(200),
            ..Contact::default()
        });
        assert!(keys.family.len() <= SORT_KEY_BYTES && keys.display.len() <= SORT_KEY_BYTES);
    }

    #[test]
    fn the_search_text_stays_short_whatever_a_contact_unfolds_to() {
        let organizations = (0..55).map(|number| Organization {
            name: format!("{}{number}", "\u{fdfa}".repeat(300)),
            ..Organization::default()
        });
        let keys = keys(Contact {
            given_name: "Ada".into(),
            organizations: organizations.collect(),
            notes: "Engine".into(),
            ..Contact::default()
        });
        let text = keys.search_text;
        assert!(text.len() <= SEARCH_TEXT_BYTES && text.len() > SEARCH_TEXT_BYTES / 2);
        assert!(text.contains("\u{2}ada\n") && text.contains("\u{8}engine\n"));
    }

    #[test]
    fn phones_are_found_by_their_digits_as_typed_and_as_dialled_from_abroad() {
        let keys = keys(Contact {
            phones: vec![Phone {
                number: "030 / 12 34 56".into(),
                ..Phone::default()
            }],
            ..Contact::default()
        });
        assert_eq!(keys.phones, ["030123456", "4930123456"]);
        assert!(keys.search_text.contains("\n\u{5}030123456\n"));
    }

    #[test]
    fn other_scripts_are_also_spelled_in_latin_letters() {
        let keys = keys(Contact {
            family_name: "Ковальчук".into(),
            emails: vec![Email {
                address: "K@Example.com".into(),
                ..Email::default()
            }],
            ..Contact::default()
        });
        assert_eq!(
            keys.search_text,
            "\n\u{2}kovalchuk\n\u{2}ковальчук\n\u{4}k@example.com\n"
        );
    }
}
