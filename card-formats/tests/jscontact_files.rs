//! Files of JSContact: how cards follow each other, what is wrong with them, and what nobody
//! would write.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Entry, ExportFormat, Format, FormatError, Options, Problem, Reader, limits};
use reading::{card_of, contacts, read, read_file, written};
use serde_json::{Value, json};

const ADA: &str = "{\"@type\":\"Card\",\"name\":{\"full\":\"Ada\"}}";
const BOB: &str = "{\"@type\":\"Card\",\"name\":{\"full\":\"Bob\"}}";

/// The name of each card, or what is wrong with it.
fn names(file: &str) -> Vec<String> {
    let cards = read_file(file.as_bytes());
    let in_pieces = read(&file.as_bytes().chunks(1).collect::<Vec<_>>());
    assert_eq!(in_pieces.unwrap(), cards, "the pieces make no difference");
    let names = cards.into_iter().map(|card| {
        if card.outcome.is_ok() {
            let at = usize::try_from(card.byte_offset).unwrap();
            assert!(file[at..].starts_with('{'), "{file}");
            let line = file[..at].matches('\n').count() + 1;
            assert_eq!(card.line, line as u64, "{file}");
        }
        match card.outcome {
            Ok(Entry::Contact(parsed)) => parsed.contact.formatted_name,
            Ok(Entry::Group(group)) => format!("group {}", group.name),
            Err(problem) => problem.to_string(),
        }
    });
    names.collect()
}

#[test]
fn cards_may_follow_each_other_in_any_way() {
    for file in [
        format!("[{ADA},{BOB}]"),
        format!("[\n  {ADA},\r\n  {BOB}\n]\n"),
        format!("{ADA}\n{BOB}\n"),
        format!("{ADA}{BOB}"),
        format!("\n{ADA}\r\n\r\n{BOB}"),
        format!("[{ADA}]\n[{BOB}]"),
        format!("[{ADA} {BOB}]"),
        format!("\u{feff}[{ADA}]\n\u{feff}{BOB}"),
    ] {
        assert_eq!(names(&file), ["Ada", "Bob"], "{file}");
    }
    assert_eq!(names("[]"), [""; 0]);
    assert_eq!(names(&format!(" {ADA}")), ["Ada"]);
}

#[test]
fn a_bad_card_costs_only_itself() {
    let text = "cannot be read: ";
    for (file, problem) in [
        (format!("[{ADA},7,{BOB}]"), "it is not an object"),
        (
            format!("[{ADA},\n{{\"@type\":\"Card\",\n{BOB}]"),
            "it is not closed before the next one",
        ),
        (
            format!("{ADA}\n{{\"@type\":\"Card\",\"name\":{{\"full\":\"Eve\n{BOB}"),
            "it has a text with a line break",
        ),
        (
            format!("{ADA}\n{{\"@type\":\"Card\",\"x\":[}}\n{BOB}"),
            "its brackets do not match",
        ),
        (
            format!("[{ADA},{{\"@type\":\"Card\",}},{BOB}]"),
            "trailing comma at line 1 column 17",
        ),
        (
            format!("[{ADA},{{\"@type\":\"Event\"}},{BOB}]"),
            "it is not a Card, but of the type Event",
        ),
        (
            format!("[{ADA},{{\"x\":{}\n{BOB}]", "[".repeat(50)),
            "is nested too deep",
        ),
        (format!("[{ADA},[[\"x\"],1],{BOB}]"), "it is not an object"),
    ] {
        let names = names(&file);
        assert_eq!(names.first().unwrap(), "Ada", "{file}");
        assert_eq!(names.last().unwrap(), "Bob", "{file}");
        assert_eq!(names[1].trim_start_matches(text), problem, "{file}");
        assert!(names.len() <= 4, "{file}: {names:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_reported() {
    let in_card = names(&format!("[{ADA},{}", &BOB[..20]));
    let in_array = names(&format!("[{ADA},\n"));

    assert_eq!(in_card[1], "cannot be read: the file ends before it does");
    assert!(in_array[1].contains("cards may be missing"), "{in_array:?}");
    assert_eq!(in_array.len(), 2);
}

#[test]
fn a_card_over_a_limit_costs_only_itself() {
    let many = |count: usize, text: &str| text.repeat(count);
    for (members, expected) in [
        (
            format!("\"x\":\"{}\"", many(limits::CARD_BYTES, "x")),
            Problem::TooLarge,
        ),
        (
            format!("\"x\":{}1", many(limits::CARD_BYTES, " ")),
            Problem::TooLarge,
        ),
        (
            format!("\"x\":[{}1]", many(100_000, "1,")),
            Problem::TooManyProperties,
        ),
        (
            format!("\"x\":{}{}", many(40, "["), many(40, "]")),
            Problem::TooDeep,
        ),
        (
            format!("\"x\":{}1{}", many(100_000, "{\"x\":"), many(100_000, "}")),
            Problem::TooDeep,
        ),
    ] {
        let file = format!("[{{\"@type\":\"Card\",{members}}},\n{ADA}]");
        let cards = read_file(file.as_bytes());

        assert_eq!(cards[0].outcome, Err(expected));
        assert_eq!(cards.len(), 2);
        assert_eq!(contacts(&cards)[0].formatted_name, "Ada");
    }
}

#[test]
fn groups_have_members_up_to_a_limit() {
    for (count, is_fine) in [(limits::MEMBERS, true), (limits::MEMBERS + 1, false)] {
        let members: Vec<String> = (0..count).map(|at| format!("\"{at}\":true")).collect();
        let members = members.join(",");
        let file = format!(
            "{{\"@type\":\"Card\",\"kind\":\"group\",\"name\":{{\"full\":\"All\"}},\
             \"members\":{{{members}}}}}"
        );
        let card = card_of(&file);

        match card.outcome {
            Ok(Entry::Group(group)) => assert!(is_fine && group.members.len() == count),
            outcome => {
                assert_eq!(outcome, Err(Problem::TooManyMembers));
                assert!(!is_fine);
            }
        }
    }
}

#[test]
fn an_endless_card_needs_no_more_memory() {
    for piece in [
        vec![b'x'; 1 << 16],
        b"\"a\":1,".repeat(1 << 13),
        b"[".repeat(1 << 16),
        b"\\\"".repeat(1 << 15),
        b"\n".repeat(1 << 12),
    ] {
        let mut reader = Reader::new(Format::JsContact, &Options::default());
        reader.push(b"[{\"notes\":\"");
        let mut problems = 0;
        for _ in 0..200 {
            reader.push(&piece);
            while let Some(card) = reader.next().unwrap() {
                assert!(card.outcome.is_err());
                problems += 1;
            }
        }
        assert!(problems <= 1);
    }
}

#[test]
fn other_files_are_refused_as_a_whole() {
    for file in [
        "hello",
        "[\"vcard\",[]]",
        "[[\"vcard\",[]]]",
        "7",
        "BEGIN:VCARD\nFN:A\nEND:VCARD\n",
    ] {
        let mut reader = Reader::new(Format::JsContact, &Options::default());
        reader.push(file.as_bytes());
        reader.finish();

        assert_eq!(
            reader.next(),
            Err(FormatError::Unknown("JSContact")),
            "{file}"
        );
    }
}

#[test]
fn members_of_another_type_come_back() {
    let card = json!({
        "@type": "Card", "uid": 7, "name": "Ada", "emails": [{"address": "ada@example.com"}],
        "phones": "1", "addresses": null, "titles": [], "media": 1, "anniversaries": [1],
        "keywords": ["a"], "relatedTo": "x", "notes": "text", "organizations": {"1": "x"},
        "created": 1, "vCardProps": {"a": 1}, "nicknames": {"1": "x"}, "links": {"1": 2},
    });

    let Ok(Entry::Contact(read)) = card_of(&card.to_string()).outcome else {
        panic!();
    };

    let file = written(ExportFormat::JsContact, std::slice::from_ref(&*read));
    let again: Value = serde_json::from_slice(&file).unwrap();
    for (name, value) in card.as_object().unwrap() {
        assert_eq!(again[0].get(name), Some(value), "{name}");
    }
    reading::errors::comes_back(&read);
}
