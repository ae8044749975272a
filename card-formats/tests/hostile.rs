//! Files that nobody would write: bytes at random, and cards over every limit.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Format, FormatError, Options, Problem, Reader, limits};
use reading::{contacts, read_file};

const AFTER: &str = "BEGIN:VCARD\nFN:After\nEND:VCARD\n";

/// The problem of the card with these lines, before one that is fine.
fn problem(lines: &str) -> Problem {
    let file = format!("BEGIN:VCARD\nFN:A\n{lines}\nEND:VCARD\n{AFTER}");
    let cards = read_file(file.as_bytes());
    assert_eq!(cards.len(), 2);
    assert_eq!(contacts(&cards)[0].formatted_name, "After");
    cards[0].outcome.clone().unwrap_err()
}

#[test]
fn a_card_over_a_limit_costs_only_itself() {
    let photo = format!("PHOTO;ENCODING=b:{}", "A".repeat(limits::CARD_BYTES));
    let folds = "\n A".repeat(limits::CARD_BYTES / 2);
    let agents = "AGENT:\nBEGIN:VCARD\n".repeat(limits::NESTING + 1);
    let ends = "END:VCARD\n".repeat(limits::NESTING + 1);

    assert_eq!(problem(&photo), Problem::TooLarge);
    assert_eq!(problem(&format!("NOTE:{folds}")), Problem::TooLarge);
    assert_eq!(
        problem(&"X:1\n".repeat(limits::PROPERTIES + 1)),
        Problem::TooManyProperties
    );
    assert_eq!(problem(&format!("{agents}FN:x\n{ends}")), Problem::TooDeep);
    let members = "MEMBER:urn:uuid:1\n".repeat(limits::PROPERTIES + 1);
    assert_eq!(
        problem(&format!("KIND:group\n{members}")),
        Problem::TooManyProperties
    );
}

#[test]
fn a_property_of_very_many_parts_is_dropped_before_it_is_taken_apart() {
    let many = limits::CARD_BYTES / 3;
    for line in [
        format!("CATEGORIES:{}", "a,".repeat(many)),
        format!("N:{}", ";".repeat(many)),
        format!("ADR:;;{}", ",".repeat(many)),
        format!("X-FOO{}:1", ";a".repeat(many)),
        format!("TEL;TYPE={}:1", "a,".repeat(many)),
    ] {
        let cards = read_file(format!("BEGIN:VCARD\nFN:A\n{line}\nEND:VCARD\n").as_bytes());

        assert_eq!(cards[0].warnings.len(), 1);
        let expected = proto::contacts::v1::Contact {
            formatted_name: "A".into(),
            ..Default::default()
        };
        assert_eq!(contacts(&cards), [expected]);
    }
}

#[test]
fn an_endless_line_or_card_needs_no_more_memory() {
    for piece in [
        vec![b'x'; 1 << 16],
        b"\n x".repeat(1 << 14),
        b"\nX:1".repeat(1 << 14),
        b"\n".repeat(1 << 12),
    ] {
        let mut reader = Reader::new(Format::Auto, &Options::default());
        reader.push(b"BEGIN:VCARD\nNOTE:");
        for _ in 0..100 {
            reader.push(&piece);
            assert_eq!(reader.next().unwrap(), None);
        }
        reader.push(b"\nEND:VCARD\n");
        assert!(reader.next().unwrap().is_some());
    }
}

#[test]
fn a_contact_has_room_in_the_service() {
    use prost::Message;
    let lines: Vec<String> = (0..1900)
        .map(|at| match at % 5 {
            0 => format!("X-FOO:{}", "ü".repeat(1000)),
            1 => format!("TEL:{}", "1".repeat(at)),
            2 => format!("EMAIL:{}@example.com", "a".repeat(at)),
            3 => format!("N:{}", "n".repeat(5000)),
            _ => format!("CATEGORIES:{}", "c".repeat(at)),
        })
        .collect();
    let file = format!("BEGIN:VCARD\nFN:A\n{}\nEND:VCARD", lines.join("\n"));

    let cards = read_file(file.as_bytes());

    let contact = &contacts(&cards)[0];
    assert!(contact.encoded_len() < 64 * 1024);
    assert!(contact.raw_properties.len() <= 100);
    assert!(
        contact.phones.len() <= 100 && contact.emails.len() <= 100 && contact.labels.len() <= 100
    );
    assert!(contact.family_name.len() <= 200);
    assert_eq!(cards[0].warnings.len(), limits::WARNINGS);
}

#[test]
fn another_format_is_refused_as_a_whole() {
    for file in ["", "hello", "Name,Phone\nA,1\n", "%PDF-1.4", "\0\0\0\0\0"] {
        let mut reader = Reader::new(Format::VCard, &Options::default());
        reader.push(file.as_bytes());
        reader.finish();

        let expected = if file.is_empty() {
            Ok(None)
        } else {
            Err(FormatError::Unknown("a vCard file"))
        };
        assert_eq!(reader.next(), expected, "{file}");
    }
}

#[test]
fn bytes_at_random_never_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..100 {
        let mut file = b"BEGIN:VCARD\nFN:A\n".to_vec();
        for _ in 0..random.usize(0..400) {
            const PARTS: [&str; 30] = [
                "\n",
                "\r",
                "\r\n ",
                "\t",
                ":",
                ";",
                ",",
                "=",
                "\\",
                "\"",
                "^",
                ".",
                "BDAY",
                "TEL",
                "N",
                "ADR",
                "ENCODING=QUOTED-PRINTABLE",
                "BASE64",
                "CHARSET=utf-16",
                "--02",
                "=C3",
                "AGENT:",
                "BEGIN:VCARD",
                "END:VCARD",
                "item1.X-ABLabel",
                "ü",
                "\u{2028}",
                "X-CUSTOM(",
                "TYPE=",
                "PHOTO:data:",
            ];
            match random.u8(0..10) {
                0 => file.push(random.u8(..)),
                _ => file.extend_from_slice(random.choice(PARTS).unwrap().as_bytes()),
            }
        }
        reading::errors::survives(&Format::Auto, &mut random, &file);
    }
}
