//! The refused cards of a file, as a file of the same format.

use std::borrow::Cow;

use addressbook_client::proto::contacts::v1::ImportColumn;
use card_formats::{Column, Format, Options, Reader};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use crate::cli;

/// U+FEFF in UTF-8, with which some programs begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The cards with these numbers, as they are in the file; of a table with its first row. A
/// file in UTF-16 becomes one in UTF-8.
pub(crate) fn of(
    file: &[u8],
    format: cli::Format,
    columns: &[ImportColumn],
    indices: &[u64],
) -> Vec<u8> {
    let text = in_bytes(file);
    let starts = starts(file, reader_of(format, columns));
    let cards = indices.iter().filter_map(|index| {
        let index = usize::try_from(*index).ok()?;
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        text.get(*starts.get(index)?..end)
    });
    if is_array(&text) {
        let cards: Vec<_> = cards.map(without_separator).collect();
        return [b"[\n", &*cards.join(b",\n".as_slice()), b"\n]\n"].concat();
    }
    // Everything before the first card: the header of a table.
    let head = starts.first().copied().unwrap_or(text.len());
    let mut found = text.get(..head).unwrap_or_default().to_vec();
    for card in cards {
        found.extend_from_slice(card);
        if !card.ends_with(b"\n") && !card.ends_with(b"\r") {
            found.push(b'\n');
        }
    }
    found
}

/// Whether the cards are elements of a JSON array.
fn is_array(text: &[u8]) -> bool {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.trim_ascii_start().starts_with(b"[")
}

/// An element without what follows it in its array.
fn without_separator(card: &[u8]) -> &[u8] {
    let end = card.iter().rposition(|byte| *byte == b'}');
    &card[..end.map_or(card.len(), |end| end + 1)]
}

/// Where each card begins, in the bytes of [`in_bytes`].
fn starts(file: &[u8], mut reader: Reader) -> Vec<usize> {
    let mut starts = Vec::new();
    reader.push(file);
    for is_last in [false, true] {
        if is_last {
            reader.finish();
        }
        while let Ok(Some(card)) = reader.next() {
            starts.push(usize::try_from(card.byte_offset).unwrap_or(usize::MAX));
        }
    }
    starts
}

fn reader_of(format: cli::Format, columns: &[ImportColumn]) -> Reader {
    let columns = columns.iter().map(|column| Column {
        header: column.header.clone(),
        field: column.field.clone(),
    });
    let format = match format {
        cli::Format::Auto => Format::Auto,
        cli::Format::Vcard => Format::VCard,
        cli::Format::GoogleCsv => Format::GoogleCsv,
        cli::Format::OutlookCsv => Format::OutlookCsv,
        cli::Format::Csv => Format::MappedCsv(columns.collect()),
        cli::Format::Jscontact => Format::JsContact,
        cli::Format::JsonLines => Format::JsonLines,
    };
    Reader::new(format, &Options::default())
}

/// The bytes that the reader counts: UTF-8 in place of UTF-16.
fn in_bytes(file: &[u8]) -> Cow<'_, [u8]> {
    let decoded = |encoding: &'static Encoding| {
        let (text, _) = encoding.decode_with_bom_removal(file);
        Cow::Owned(text.into_owned().into_bytes())
    };
    match *file {
        [0xff, 0xfe, ..] => decoded(UTF_16LE),
        [0xfe, 0xff, ..] => decoded(UTF_16BE),
        [a, 0, b, 0, ..] if a != 0 && b != 0 => decoded(UTF_16LE),
        [0, a, 0, b, ..] if a != 0 && b != 0 => decoded(UTF_16BE),
        _ => Cow::Borrowed(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(file: &[u8], indices: &[u64]) -> String {
        String::from_utf8(of(file, cli::Format::Auto, &[], indices)).unwrap()
    }

    const CARDS: &str = "BEGIN:VCARD\r\nFN:One\r\nEND:VCARD\r\n\
                         BEGIN:VCARD\r\nFN:Two\r\nEND:VCARD\r\n\
                         BEGIN:VCARD\r\nFN:Three\r\nEND:VCARD";

    #[test]
    fn cards_are_copied_as_they_are() {
        let two = "BEGIN:VCARD\r\nFN:Two\r\nEND:VCARD\r\n";
        assert_eq!(failed(CARDS.as_bytes(), &[1]), two);

        let last = failed(CARDS.as_bytes(), &[0, 2]);
        assert!(last.starts_with("BEGIN:VCARD\r\nFN:One"), "{last}");
        assert!(last.ends_with("FN:Three\r\nEND:VCARD\n"), "{last}");
    }

    #[test]
    fn a_table_keeps_its_first_row() {
        let table = "First Name,Last Name,E-mail 1 - Value\n\
                     Ada,Lovelace,ada@example.com\n\
                     \"Grace\nB.\",Hopper,nowhere\n";

        let failed = failed(table.as_bytes(), &[1]);

        let expected = "First Name,Last Name,E-mail 1 - Value\n\"Grace\nB.\",Hopper,nowhere\n";
        assert_eq!(failed, expected);
    }

    #[test]
    fn a_file_in_utf_16_becomes_one_in_utf_8() {
        let marked: Vec<u8> = std::iter::once(0xfeff)
            .chain(CARDS.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();

        assert_eq!(failed(&marked, &[1]), failed(CARDS.as_bytes(), &[1]));
        assert_eq!(failed(&marked[2..], &[1]), failed(CARDS.as_bytes(), &[1]));
    }

    #[test]
    fn a_byte_order_mark_moves_nothing() {
        let marked = format!("\u{feff}{CARDS}");

        let found = failed(marked.as_bytes(), &[1]);
        assert_eq!(found, format!("\u{feff}{}", failed(CARDS.as_bytes(), &[1])));
    }

    #[test]
    fn elements_of_an_array_make_another_array() {
        let card = |name: &str| {
            format!(
                r#"{{"@type":"Card","version":"1.0","uid":"{name}","name":{{"full":"{name}"}}}}"#
            )
        };
        let file = format!("[\n  {},\n  {},\n  {}\n]", card("a"), card("b"), card("c"));

        let found = failed(file.as_bytes(), &[0, 2]);

        assert_eq!(found, format!("[\n{},\n{}\n]\n", card("a"), card("c")));
        assert_eq!(failed(format!("\u{feff}{file}").as_bytes(), &[0, 2]), found);
    }
}
