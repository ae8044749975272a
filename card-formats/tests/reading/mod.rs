//! Reads and writes whole files.

#![allow(dead_code, reason = "each test uses some")]

pub(crate) mod anything;
pub(crate) mod errors;

use card_formats::{
    Card, Entry, ExportFormat, Format, FormatError, Options, Parsed, Reader, Writer,
};

/// The cards of a file that arrives in pieces.
pub(crate) fn read(pieces: &[&[u8]]) -> Result<Vec<Card>, FormatError> {
    read_as(&Format::Auto, pieces)
}

/// The cards of a file of this format.
pub(crate) fn read_as(format: &Format, pieces: &[&[u8]]) -> Result<Vec<Card>, FormatError> {
    let mut reader = Reader::new(format.clone(), &Options::default());
    let mut cards = Vec::new();
    for piece in pieces {
        reader.push(piece);
        while let Some(card) = reader.next()? {
            cards.push(card);
        }
    }
    reader.finish();
    while let Some(card) = reader.next()? {
        cards.push(card);
    }
    Ok(cards)
}

pub(crate) fn read_file(file: &[u8]) -> Vec<Card> {
    read(&[file]).unwrap()
}

/// The only contact of a vCard with these lines.
pub(crate) fn card(lines: &str) -> Card {
    let mut cards = read_file(format!("BEGIN:VCARD\n{lines}\nEND:VCARD\n").as_bytes());
    assert_eq!(cards.len(), 1);
    cards.remove(0)
}

/// What the cards say that are contacts.
pub(crate) fn parsed(cards: &[Card]) -> Vec<Parsed> {
    let entries = cards.iter().filter_map(|card| card.outcome.as_ref().ok());
    let contacts = entries.filter_map(|entry| match entry {
        Entry::Contact(parsed) => Some(parsed.as_ref().clone()),
        Entry::Group(_) => None,
    });
    contacts.collect()
}

pub(crate) fn contacts(cards: &[Card]) -> Vec<proto::contacts::v1::Contact> {
    parsed(cards)
        .into_iter()
        .map(|parsed| parsed.contact)
        .collect()
}

pub(crate) fn written(format: ExportFormat, contacts: &[Parsed]) -> Vec<u8> {
    let mut writer = Writer::new(format);
    let mut out = Vec::new();
    writer.header(&mut out);
    for parsed in contacts {
        writer.contact(&parsed.contact, parsed.photo.as_ref(), &mut out);
    }
    writer.end(&mut out);
    out
}

/// The only card of a file of JSContact.
pub(crate) fn card_of(json: &str) -> Card {
    let mut cards = read_file(json.as_bytes());
    assert_eq!(cards.len(), 1);
    cards.remove(0)
}
