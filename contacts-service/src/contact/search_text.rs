//! The search text of a contact: folded lines, each with the code of its field.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proto::contacts::v1::{Contact, SearchField};

use super::domain::with_unicode_domains;
use super::east_asian::initials;
use super::fold::{cut, fold, fold_closed, joined, latin};
use super::spellings;

/// The maximum size of one line of the search text, in bytes.
const SEARCH_LINE_BYTES: usize = 4000;
/// The maximum size of the search text in bytes: some characters fold to eighteen.
pub(super) const SEARCH_TEXT_BYTES: usize = 192 * 1024;

/// Room for an empty line of each code.
const MARKS_BYTES: usize = 128;

/// The line code of phone numbers reduced to their digits; the other codes are those of
/// [`code`]. Folded text contains no control character, so a code cannot be confused with
/// text, nor become part of a line's first word.
pub const DIGITS: char = '\u{5}';

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
    /// The same of a Latin name, for words in Cyrillic or Greek.
    Romanised,
}

/// The fields that are searched, the most important first.
pub const FIELDS: [SearchField; 13] = [
    SearchField::Name,
    SearchField::Nickname,
    SearchField::Email,
    SearchField::Phone,
    SearchField::Organization,
    SearchField::Address,
    SearchField::Url,
    SearchField::Impp,
    SearchField::Relation,
    SearchField::Event,
    SearchField::CustomField,
    SearchField::Label,
    SearchField::Notes,
];

/// The code at the beginning of a line with the text of a field. An earlier version of the
/// program skips the lines whose codes it does not know.
#[must_use]
pub fn code(field: SearchField) -> char {
    match field {
        SearchField::Unspecified | SearchField::Name => '\u{2}',
        SearchField::Nickname => '\u{3}',
        SearchField::Email => '\u{4}',
        SearchField::Phone => '\u{6}',
        SearchField::Organization => '\u{7}',
        SearchField::Notes => NOTES,
        SearchField::Address => '\u{9}',
        SearchField::Url => '\u{b}',
        SearchField::Impp => '\u{c}',
        SearchField::Relation => '\u{d}',
        SearchField::Event => '\u{11}',
        SearchField::CustomField => '\u{15}',
        SearchField::Label => '\u{16}',
    }
}

const NOTES: char = '\u{8}';

/// The code of names without spaces, which are found from their beginning only: no name
/// contains "smu" because of Hans Müller.
fn joined_code(name: SearchField) -> Option<char> {
    match name {
        SearchField::Name => Some('\u{e}'),
        SearchField::Nickname => Some('\u{f}'),
        SearchField::Organization => Some('\u{13}'),
        _ => None,
    }
}

/// The code of other spellings of names.
fn spelling_code(name: SearchField) -> Option<char> {
    match name {
        SearchField::Name => Some('\u{17}'),
        SearchField::Nickname => Some('\u{18}'),
        SearchField::Organization => Some('\u{1c}'),
        _ => None,
    }
}

/// The code of the reduced words of Latin names.
fn romanised_code(name: SearchField) -> Option<char> {
    match name {
        SearchField::Name => Some('\u{1e}'),
        SearchField::Nickname => Some('\u{1f}'),
        SearchField::Organization => Some('\u{7f}'),
        _ => None,
    }
}

/// The lines by their codes, which are ASCII.
static LINES: LazyLock<[Option<(SearchField, LineKind)>; 128]> = LazyLock::new(|| {
    let mut lines = [None; 128];
    for field in FIELDS {
        let codes = [
            (Some(code(field)), LineKind::Text),
            (joined_code(field), LineKind::Joined),
            (spelling_code(field), LineKind::Spelling),
            (romanised_code(field), LineKind::Romanised),
        ];
        for (code, kind) in codes {
            if let Some(code) = code {
                lines[code as usize] = Some((field, kind));
            }
        }
    }
    lines[DIGITS as usize] = Some((SearchField::Phone, LineKind::Digits));
    lines
});

/// The field of a line, and how it is compared; `None` if no line has this code.
#[must_use]
pub fn line_of(line_code: char) -> Option<(SearchField, LineKind)> {
    LINES.get(line_code as usize).copied().flatten()
}

/// The search text without the labels.
#[must_use]
pub fn without_labels(search_text: &str) -> Cow<'_, str> {
    let label = code(SearchField::Label);
    let lines = || search_text.split_inclusive('\n');
    if lines().any(|line| line.starts_with(label)) {
        lines().filter(|line| !line.starts_with(label)).collect()
    } else {
        search_text.into()
    }
}

/// The lines of labels, with which a search text may end.
#[must_use]
pub fn label_lines(labels: &[String]) -> String {
    let mut lines = Lines::default();
    for label in labels {
        lines.add(SearchField::Label, label);
    }
    let lines = lines.texts.into_iter();
    let each: Vec<String> = lines
        .map(|(code, line)| format!("{code}{line}\n"))
        .collect();
    each.concat()
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
        lines.add_with_domain(SearchField::Email, &email.address);
    }
    for phone in &contact.phones {
        lines.add(SearchField::Phone, &phone.number);
    }
    lines
        .texts
        .extend(phones.iter().map(|digits| (DIGITS, digits.clone())));
    for organization in &contact.organizations {
        lines.add_name(SearchField::Organization, &organization.name);
        lines.add(SearchField::Organization, &organization.department);
        lines.add(SearchField::Organization, &organization.title);
    }
    lines.add(SearchField::Notes, &contact.notes);
    lines.add_others(contact);
    lines.mark_parts(contact);
    lines.text()
}

/// The parts that are not empty, with spaces between them.
pub(super) fn full(parts: &[&String]) -> String {
    let parts = parts.iter().map(|part| part.as_str());
    let parts = parts.filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Lines {
    texts: BTreeSet<(char, String)>,
    /// The reduced words of Latin names.
    romanised: BTreeMap<char, BTreeSet<String>>,
}

impl Lines {
    fn add(&mut self, field: SearchField, text: &str) {
        self.add_folded(field, fold(cut(text, SEARCH_LINE_BYTES)));
    }

    fn add_folded(&mut self, field: SearchField, folded: String) {
        if folded.is_empty() {
            return;
        }
        if let Some(latin) = latin(&folded) {
            self.texts.insert((code(field), latin));
        }
        self.texts.insert((code(field), folded));
    }

    /// An address is found by its domain as it is displayed, too.
    fn add_with_domain(&mut self, field: SearchField, address: &str) {
        self.add(field, address);
        self.add(field, &with_unicode_domains(address));
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
        if let Some(code) = spelling_code(field) {
            let spellings = spellings::of_name(name).into_iter();
            self.texts.extend(spellings.map(|line| (code, line)));
        }
        if let Some(code) = romanised_code(field) {
            let words = self.romanised.entry(code).or_default();
            words.extend(folded.split(' ').flat_map(spellings::of_latin_word));
        }
        let Some(code) = joined_code(field) else {
            return;
        };
        if let Some(initials) = initials(&joined) {
            self.texts.insert((code, initials));
        }
        if joined != folded {
            if let Some(latin) = latin(&joined) {
                self.texts.insert((code, latin));
            }
            self.texts.insert((code, joined));
        }
    }

    /// What is less important than names, e-mails and phones. An address is one line, so that
    /// a name comes before the same word in an address.
    fn add_others(&mut self, contact: &Contact) {
        for at in &contact.addresses {
            let place = [&at.street, &at.extended, &at.city, &at.region];
            let (place, code, country) = (full(&place), &at.postal_code, &at.country);
            self.add(SearchField::Address, &full(&[&place, code, country]));
        }
        for url in &contact.urls {
            self.add_with_domain(SearchField::Url, &url.url);
        }
        for impp in &contact.impps {
            self.add_with_domain(SearchField::Impp, &impp.uri);
        }
        for relation in &contact.relations {
            self.add(SearchField::Relation, &relation.name);
        }
        for event in &contact.events {
            self.add(SearchField::Event, &event.label);
        }
        for (name, value) in &contact.custom_fields {
            self.add(SearchField::CustomField, &full(&[name, value]));
        }
        for label in &contact.labels {
            self.add(SearchField::Label, label);
        }
    }

    /// Marks the parts whose text has nothing to search for with an empty line: filters find
    /// a part by its line.
    fn mark_parts(&mut self, contact: &Contact) {
        for (field, is_there) in [
            (SearchField::Nickname, !contact.nickname.is_empty()),
            (SearchField::Phone, !contact.phones.is_empty()),
            (SearchField::Organization, !contact.organizations.is_empty()),
            (SearchField::Address, !contact.addresses.is_empty()),
            (SearchField::Url, !contact.urls.is_empty()),
            (SearchField::Impp, !contact.impps.is_empty()),
            (SearchField::Relation, !contact.relations.is_empty()),
            (SearchField::Event, !contact.events.is_empty()),
            (SearchField::CustomField, !contact.custom_fields.is_empty()),
            (SearchField::Notes, !contact.notes.is_empty()),
        ] {
            let code = code(field);
            let mut lines = self.texts.range((code, String::new())..);
            let has_line = lines.next().is_some_and(|(other, _)| *other == code);
            if is_there && !has_line {
                self.texts.insert((code, String::new()));
            }
        }
    }

    /// The lines, names first and notes last, as far as there is room for them; of others a
    /// field has an empty line.
    fn text(&self) -> String {
        let romanised = self.romanised.iter().map(|(code, words)| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            (*code, words.join(" "))
        });
        let romanised: Vec<_> = romanised.filter(|(_, line)| !line.is_empty()).collect();
        let (notes, texts): (Vec<_>, Vec<_>) =
            self.texts.iter().partition(|(code, _)| *code == NOTES);
        let mut text = String::from("\n");
        let mut last = None;
        for (code, line) in texts.into_iter().chain(&romanised).chain(notes) {
            let has_room = text.len() + line.len() + 2 <= SEARCH_TEXT_BYTES - MARKS_BYTES;
            if !has_room && last == Some(*code) {
                continue;
            }
            last = Some(*code);
            text.push(*code);
            text.push_str(if has_room { line } else { "" });
            text.push('\n');
        }
        text
    }
}
