//! What is true of a file, whatever it contains. The fuzz targets check it, and the tests for
//! the files of their corpus.

use card_formats::{Card, Column, Entry, ExportFormat, Format, Parsed, VCardVersion, limits};
use prost::Message;
use proto::contacts::v1::Contact;

use super::errors::{LOSSLESS, as_written, comes_back_in, stays_in_tables};
use super::{parsed, read_as, read_file, written};

/// What a target does with its input.
pub(crate) type Check = fn(&[u8]);

/// The targets with their names.
pub(crate) const TARGETS: [(&str, Check); 9] = [
    ("auto", auto),
    ("vcard", vcard),
    ("jscontact", jscontact),
    ("json_lines", json_lines),
    ("google", google),
    ("outlook", outlook),
    ("mapped", mapped),
    ("raw", raw),
    ("date", date),
];

fn auto(file: &[u8]) {
    for contact in parsed(&cards(&Format::Auto, file)) {
        any_contact(&contact);
    }
}

fn vcard(file: &[u8]) {
    let own = [
        ExportFormat::VCard(VCardVersion::V3),
        ExportFormat::VCard(VCardVersion::V4),
        ExportFormat::JsonLines,
    ];
    says_the_same(&Format::VCard, &own, file);
}

fn jscontact(file: &[u8]) {
    let own = [ExportFormat::JsContact, ExportFormat::JsonLines];
    says_the_same(&Format::JsContact, &own, file);
}

/// A contact of which the server would refuse much is the same only in its own format.
fn json_lines(file: &[u8]) {
    for contact in parsed(&cards(&Format::JsonLines, file)) {
        comes_back_in(ExportFormat::JsonLines, &contact);
        any_contact(&contact);
    }
}

// A table has no raw properties, so nothing of it is lost in another format.

fn google(file: &[u8]) {
    says_the_same(&Format::GoogleCsv, &LOSSLESS, file);
}

fn outlook(file: &[u8]) {
    says_the_same(&Format::OutlookCsv, &LOSSLESS, file);
}

/// The name of each column is its field.
fn mapped(file: &[u8]) {
    let columns = [
        "given_name",
        "family_name",
        "formatted_name",
        "birthday",
        "notes",
        "labels",
        "starred",
        "uid",
        "emails[0].address",
        "emails[0].primary",
        "phones[1].number",
        "phones[1].label",
        "addresses[0].street",
        "organizations[0].title",
        "events[0].date",
        "relations[0].name",
    ];
    let columns = columns.map(|field| Column {
        header: field.into(),
        field: field.into(),
    });
    says_the_same(&Format::MappedCsv(columns.into()), &LOSSLESS, file);
}

/// Raw properties, one on each line.
fn raw(lines: &[u8]) {
    let lines = String::from_utf8_lossy(lines);
    let contact = Contact {
        given_name: "Ada".into(),
        raw_properties: lines.lines().take(20).map(str::to_owned).collect(),
        ..Contact::default()
    };
    let photo = None;
    any_contact(&Parsed { contact, photo });
}

/// A date, in each format.
fn date(text: &[u8]) {
    let text = String::from_utf8_lossy(text).replace(char::is_control, " ");
    let card = format!("BEGIN:VCARD\nFN:Ada\nBDAY:{text}\nX-ABDATE;X-A=b:{text}\nEND:VCARD\n");
    vcard(card.as_bytes());
    let cell = text.replace('"', "\"\"");
    let table = format!("First Name,Birthday,Anniversary\nAda,\"{cell}\",\"{cell}\"\n");
    outlook(table.as_bytes());
    let date = serde_json::json!({"kind": "birth", "date": {"utc": text}});
    let card = serde_json::json!({"@type": "Card", "anniversaries": {"1": date}});
    jscontact(card.to_string().as_bytes());
}

/// The cards of a file that is read whole and in pieces: the same, and none over a limit.
fn cards(format: &Format, file: &[u8]) -> Vec<Card> {
    let whole = read_as(format, &[file]);
    let size = 1 + file.len() % 61;
    let pieces: Vec<&[u8]> = file.chunks(size).collect();
    let in_pieces = read_as(format, &pieces);
    assert_eq!(in_pieces, whole, "the pieces make no difference");
    let cards = whole.unwrap_or_default();
    for card in &cards {
        is_bounded(card, file.len());
    }
    cards
}

/// Nothing of a card is larger than its limits, or than the file lets expect.
fn is_bounded(card: &Card, len: usize) {
    assert!(usize::try_from(card.byte_offset).unwrap() < len);
    assert!(card.excerpt.chars().count() <= limits::EXCERPT);
    assert!(card.warnings.len() <= limits::WARNINGS);
    match &card.outcome {
        Ok(Entry::Contact(parsed)) => {
            let bytes = parsed.contact.encoded_len();
            assert!(bytes <= limits::CONTACT_BYTES + 8 * len, "{bytes}");
        }
        Ok(Entry::Group(group)) => {
            assert!(group.name.chars().count() <= limits::LABEL);
            assert!(group.members.len() <= limits::MEMBERS);
        }
        Err(_) => {}
    }
}

/// Each contact of a file is the same after it was written in its own formats and read again.
/// In others all but its raw properties is the same, and from then on all of it.
fn says_the_same(format: &Format, own: &[ExportFormat], file: &[u8]) {
    for before in parsed(&cards(format, file)) {
        for format in LOSSLESS {
            if own.contains(&format) {
                comes_back_in(format, &before);
                continue;
            }
            let file = written(format, std::slice::from_ref(&before));
            let again = parsed(&read_file(&file));
            let text = String::from_utf8_lossy(&file);
            assert_eq!(again.len(), 1, "{format:?}:\n{text}");
            let [one, other] = [&before, &again[0]].map(|parsed| {
                let mut parsed = as_written(format, parsed);
                parsed.contact.raw_properties.clear();
                parsed
            });
            assert_eq!(other, one, "{format:?}:\n{text}");
            comes_back_in(format, &again[0]);
        }
        stays_in_tables(&before);
    }
}

/// A contact of which nothing is known is written and read again: no panic, and at most one
/// contact, which is the same from then on.
fn any_contact(contact: &Parsed) {
    for format in LOSSLESS {
        let file = written(format, std::slice::from_ref(contact));
        let cards = read_file(&file);
        assert!(cards.len() <= 1, "{format:?}");
        for again in parsed(&cards) {
            comes_back_in(format, &again);
        }
    }
    stays_in_tables(contact);
}
