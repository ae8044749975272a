//! The search text of a contact: folded lines, each with the code of its field.

use std::collections::BTreeSet;

use proto::contacts::v1::{Contact, SearchField};

use super::east_asian::initials;
use super::fold::{cut, fold, fold_closed, joined, latin};
use super::spellings;

/// The maximum size of one line of the search text, in bytes.
const SEARCH_LINE_BYTES: usize = 4000;
/// The maximum size of the search text in bytes: some characters fold to eighteen.
pub(super) const SEARCH_TEXT_BYTES: usize = 192 * 1024;

/// The line code of phone numbers reduced to their digits; the other codes are those of
/// [`code`]. Folded text contains no control character, so a code cannot be confused with
/// text, nor become part of a line's first word.
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

/// Added to the code of a field for names without spaces, which are found from their
/// beginning only: no name contains "smu" because of Hans Müller.
const JOINED: u8 = 0xc;
/// Added to it for other spellings of names.
const SPELLING: u8 = 0x15;

/// How a line of the search text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// As it is.
    Text,
    /// The digits of a phone.
    Digits,
    /// From its beginning.
    Joined,
    /// Another spelling of a name, from the beginnings of its words.
    Spelling,
}

/// The field of a line, and how it is compared; `None` if no line has this code.
#[must_use]
pub fn line_of(line_code: char) -> Option<(SearchField, LineKind)> {
    const ALL: [SearchField; 6] = [
        SearchField::Name,
        SearchField::Nickname,
        SearchField::Email,
        SearchField::Phone,
        SearchField::Organization,
        SearchField::Notes,
    ];
    if line_code == DIGITS {
        return Some((SearchField::Phone, LineKind::Digits));
    }
    ALL.into_iter().find_map(|field| match line_code {
        _ if line_code == code(field) => Some((field, LineKind::Text)),
        _ if line_code == joined_code(field) => Some((field, LineKind::Joined)),
        _ if line_code == spelling_code(field) => Some((field, LineKind::Spelling)),
        _ => None,
    })
}

fn spelling_code(field: SearchField) -> char {
    char::from(code(field) as u8 + SPELLING)
}

fn joined_code(field: SearchField) -> char {
    char::from(code(field) as u8 + JOINED)
}

/// The search text of a contact whose phones have these digits. Each text is one line, a
/// code and the folded text; and one more in Latin letters if it has others. The whole
/// begins and ends with a line break.
pub(super) fn search_text(contact: &Contact, phones: &BTreeSet<String>) -> String {
    let mut lines = Lines::default();
    for (given, family) in [
        (&contact.given_name, &contact.family_name),
        (&contact.phonetic_given_name, &contact.phonetic_family_name),
    ] {
        for name in [
            given,
            family,
            &full(&[given, family]),
            &full(&[family, given]),
        ] {
            lines.add_name(SearchField::Name, name);
        }
    }
    let (given, family) = (&contact.given_name, &contact.family_name);
    lines.add_name(SearchField::Name, &contact.formatted_name);
    lines.add_name(SearchField::Name, &contact.middle_name);
    for name in [
        full(&[given, &contact.middle_name, family]),
        full(&[&contact.name_prefix, given, family, &contact.name_suffix]),
    ] {
        lines.add(SearchField::Name, &name);
    }
    lines.add_name(SearchField::Nickname, &contact.nickname);
    for email in &contact.emails {
        lines.add(SearchField::Email, &email.address);
    }
    for phone in &contact.phones {
        lines.add(SearchField::Phone, &phone.number);
    }
    lines
        .0
        .extend(phones.iter().map(|digits| (DIGITS, digits.clone())));
    for organization in &contact.organizations {
        lines.add_name(SearchField::Organization, &organization.name);
        lines.add(SearchField::Organization, &organization.department);
        lines.add(SearchField::Organization, &organization.title);
    }
    lines.add(SearchField::Notes, &contact.notes);
    lines.text()
}

/// The parts that are not empty, with spaces between them.
pub(super) fn full(parts: &[&String]) -> String {
    let parts = parts.iter().map(|part| part.as_str());
    let parts = parts.filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Lines(BTreeSet<(char, String)>);

impl Lines {
    fn add(&mut self, field: SearchField, text: &str) {
        self.add_folded(field, fold(cut(text, SEARCH_LINE_BYTES)));
    }

    fn add_folded(&mut self, field: SearchField, folded: String) {
        if folded.is_empty() {
            return;
        }
        if let Some(latin) = latin(&folded) {
            self.0.insert((code(field), latin));
        }
        self.0.insert((code(field), folded));
    }

    /// A name is often typed without the spaces, hyphens and apostrophes between its parts.
    fn add_name(&mut self, field: SearchField, name: &str) {
        let folded = fold(name);
        self.add_folded(field, fold_closed(name));
        self.add_folded(field, folded.clone());
        let joined = joined(&folded);
        if joined.is_empty() {
            return;
        }
        let spellings = spellings::of_name(name).into_iter();
        self.0
            .extend(spellings.map(|spelling| (spelling_code(field), spelling)));
        if let Some(initials) = initials(&joined) {
            self.0.insert((joined_code(field), initials));
        }
        if joined != folded {
            if let Some(latin) = latin(&joined) {
                self.0.insert((joined_code(field), latin));
            }
            self.0.insert((joined_code(field), joined));
        }
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
