//! Our own format.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use card_formats::{Card, Entry, ExportFormat, Format, Options, Photo, Problem, Reader, Writer};
use proto::contacts::v1::{Contact, Date, Email};

fn cards(pieces: &[&[u8]]) -> Vec<Card> {
    let mut reader = Reader::new(Format::Auto, &Options::default());
    let mut cards = Vec::new();
    for piece in pieces {
        reader.push(piece);
        while let Some(card) = reader.next().unwrap() {
            cards.push(card);
        }
    }
    reader.finish();
    while let Some(card) = reader.next().unwrap() {
        cards.push(card);
    }
    cards
}

fn ada() -> Contact {
    Contact {
        uid: "ada-1".into(),
        given_name: "Ada".into(),
        notes: "\"photoData\":\"{\\\n".into(),
        version: 7,
        starred: true,
        emails: vec![Email {
            address: "ada@example.com".into(),
            label: "home".into(),
            primary: true,
        }],
        birthday: Some(Date {
            year: 0,
            month: 2,
            day: 29,
        }),
        custom_fields: [("photoData".into(), "not one".into())].into(),
        ..Contact::default()
    }
}

fn written(contact: &Contact, photo: Option<&Photo>) -> Vec<u8> {
    let mut writer = Writer::new(ExportFormat::JsonLines);
    let mut out = Vec::new();
    writer.header(&mut out);
    writer.contact(contact, photo, &mut out);
    writer.end(&mut out);
    out
}

#[test]
fn what_is_written_comes_back_whole() {
    for data in [None, Some(Vec::new()), Some(vec![0xff; 2 * 1024 * 1024])] {
        let photo = data.map(|data| Photo {
            media_type: String::new(),
            data,
        });
        let file = written(&ada(), photo.as_ref());

        let cards = cards(&[&file]);

        assert_eq!(cards.len(), 1);
        let Ok(Entry::Contact(parsed)) = &cards[0].outcome else {
            panic!("{:?}", cards[0].outcome);
        };
        assert_eq!(parsed.contact, ada());
        assert_eq!(parsed.photo, photo);
    }
}

#[test]
fn a_bad_line_costs_only_itself() {
    let file = "{\"givenName\":\"Ada\"}\n\n{\"givenName\":7}\r\n[]\nnonsense\n{\"photoData\":3}\n\
                {\"photoData\":\"?\"}\n{\"givenName\":\"Bob\"} x\n{\"given_name\":\"Eve\"}";

    let cards = cards(&file.as_bytes().chunks(1).collect::<Vec<_>>());

    let lines: Vec<_> = cards
        .iter()
        .map(|card| (card.line, card.outcome.is_ok()))
        .collect();
    assert_eq!(
        lines,
        [
            (1, true),
            (3, false),
            (4, false),
            (5, false),
            (6, false),
            (7, false),
            (8, false),
            (9, true)
        ]
    );
    assert_eq!(cards[1].byte_offset, 21);
}

#[test]
fn a_line_over_its_limit_is_refused_and_the_next_one_read() {
    let long = format!("{{\"notes\":\"{}\"}}\n", "x".repeat(1024 * 1024));
    let endless = vec![b'x'; 1024 * 1024];
    let mut pieces: Vec<&[u8]> = vec![long.as_bytes()];
    pieces.extend(std::iter::repeat_n(endless.as_slice(), 20));
    pieces.push(b"\n{\"givenName\":\"Ada\"}");

    let cards = cards(&pieces);

    let outcomes: Vec<_> = cards
        .iter()
        .map(|card| card.outcome.clone().err())
        .collect();
    assert_eq!(
        outcomes,
        [Some(Problem::TooLarge), Some(Problem::TooLarge), None]
    );
    assert_eq!(cards[2].line, 3);
}

#[test]
fn deep_json_is_refused() {
    let deep = "[".repeat(100_000);
    let file = format!("{{\"emails\":{deep}}}\n{{\"x\":1}}\n");

    assert!(
        cards(&[file.as_bytes()])
            .iter()
            .all(|card| card.outcome.is_err())
    );
}

#[test]
fn an_archive_is_refused_as_one() {
    for (start, expected) in [
        (b"PK\x03\x04....".as_slice(), "zip archive"),
        (b"\x1f\x8b\x08.....", "gzip archive"),
    ] {
        let mut reader = Reader::new(Format::JsonLines, &Options::default());
        reader.push(start);
        reader.finish();

        let error = reader.next().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
