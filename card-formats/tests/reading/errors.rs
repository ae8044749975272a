//! Files with errors that nobody thought of.

use card_formats::{Entry, ExportFormat, Format, Parsed, VCardVersion};

use super::{parsed, read_as, read_file, written};

/// A file with some bytes changed, removed or inserted; it may be cut.
pub(crate) fn spoiled(random: &mut fastrand::Rng, sample: &[u8], inserted: &[u8]) -> Vec<u8> {
    let mut file = sample.to_vec();
    for _ in 0..random.usize(1..12) {
        if file.len() < 2 {
            break;
        }
        let at = random.usize(0..file.len());
        match random.u8(0..5) {
            0 => file[at] = random.u8(..),
            1 => drop(file.remove(at)),
            2..=3 => file.insert(at, *random.choice(inserted).unwrap()),
            _ if random.bool() => file.truncate(at.max(1)),
            _ => {}
        }
    }
    file
}

/// Reads a file whole and in pieces, and writes what it contains in every format.
pub(crate) fn survives(format: &Format, random: &mut fastrand::Rng, file: &[u8]) {
    let mut pieces = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.usize(1..=rest.len().min(300)));
        pieces.push(piece);
        rest = after;
    }
    let cards = read_as(format, &pieces);
    assert_eq!(
        read_as(format, &[file]),
        cards,
        "the pieces make no difference"
    );
    let Ok(cards) = cards else { return };
    for card in &cards {
        assert!(usize::try_from(card.byte_offset).unwrap() < file.len());
        if let Ok(Entry::Contact(parsed)) = &card.outcome {
            comes_back(parsed);
        }
    }
}

/// The formats that hold all of a contact.
pub(crate) const LOSSLESS: [ExportFormat; 4] = [
    ExportFormat::VCard(VCardVersion::V3),
    ExportFormat::VCard(VCardVersion::V4),
    ExportFormat::JsContact,
    ExportFormat::JsonLines,
];

/// A contact that was read is the same after it was written in this format and read again.
pub(crate) fn comes_back_in(format: ExportFormat, before: &Parsed) {
    let before = as_written(format, before);
    let file = written(format, std::slice::from_ref(&before));
    let again = parsed(&read_file(&file));
    let text = String::from_utf8_lossy(&file);
    assert_eq!(again.len(), 1, "{format:?}:\n{text}");
    assert!(
        again[0] == before,
        "{format:?}:\n{text}\n{}",
        difference(&before, &again[0])
    );
}

/// A contact that was read is the same after it was written and read again.
pub(crate) fn comes_back(before: &Parsed) {
    for format in LOSSLESS {
        comes_back_in(format, before);
    }
    stays_in_tables(before);
}

/// A table has neither photos nor raw properties, but what is in one stays in it.
pub(crate) fn stays_in_tables(before: &Parsed) {
    for format in [ExportFormat::GoogleCsv, ExportFormat::OutlookCsv] {
        let after = parsed(&read_file(&written(format, std::slice::from_ref(before))));
        let again = parsed(&read_file(&written(format, &after)));
        assert_eq!(again, after, "{format:?}");
    }
}

/// What a format is to say of a contact.
pub(crate) fn as_written(format: ExportFormat, parsed: &Parsed) -> Parsed {
    let mut parsed = parsed.clone();
    let info = parsed.contact.photo.clone();
    if format == ExportFormat::JsonLines {
        if let Some(photo) = &mut parsed.photo
            && info.is_none()
        {
            // It is what the contact says of it.
            photo.media_type.clear();
        }
        return parsed;
    }
    parsed.contact.photo = None;
    if matches!(format, ExportFormat::VCard(_)) {
        // Of the card, not of the contact.
        parsed.contact.create_time = None;
        parsed.contact.update_time = None;
    }
    parsed
}

/// The lines in which two contacts differ.
fn difference(before: &Parsed, after: &Parsed) -> String {
    let (before, after) = (format!("{before:#?}"), format!("{after:#?}"));
    let only = |one: &str, other: &str| -> Vec<String> {
        let lines = one.lines();
        let lines = lines.filter(|line| !other.lines().any(|other| other == *line));
        lines.map(str::to_owned).collect()
    };
    let (lost, new) = (only(&before, &after), only(&after, &before));
    format!("lost: {lost:#?}\nnew: {new:#?}")
}
