//! One property each, as some program writes it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod reading;

use card_formats::{Card, Entry, ExportFormat, Problem, VCardVersion};
use proto::contacts::v1::{Contact, Date};
use reading::{card, contacts, parsed, read_file, written};

fn contact(card: &Card) -> &Contact {
    match card.outcome.as_ref().unwrap() {
        Entry::Contact(parsed) => &parsed.contact,
        Entry::Group(_) => panic!("a group"),
    }
}

/// The contact of a card with these lines, after it came back from both versions.
fn read(lines: &str) -> Contact {
    let card = card(lines);
    let before = parsed(std::slice::from_ref(&card));
    for version in [VCardVersion::V3, VCardVersion::V4] {
        let file = written(ExportFormat::VCard(version), &before);
        let after = parsed(&read_file(&file));
        assert_eq!(after, before, "{}", String::from_utf8_lossy(&file));
    }
    contact(&card).clone()
}

#[expect(clippy::unnecessary_wraps, reason = "a field is optional")]
fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

#[test]
fn birthdays_of_all_producers_are_read() {
    for (line, expected, is_copied) in [
        ("BDAY:--0229", date(0, 2, 29), false),
        ("BDAY:--02-29", date(0, 2, 29), false),
        ("BDAY:1604-02-29", date(0, 2, 29), false),
        (
            "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29",
            date(0, 2, 29),
            false,
        ),
        (
            "BDAY;X-APPLE-OMIT-YEAR=1904;VALUE=date:1904-02-29",
            date(0, 2, 29),
            false,
        ),
        ("BDAY;VALUE=date:1990-01-02", date(1990, 1, 2), false),
        ("BDAY:19900102", date(1990, 1, 2), false),
        ("BDAY:1990-01-02T00:00:00Z", date(1990, 1, 2), false),
        ("BDAY:19900102T231000Z", date(1990, 1, 2), true),
        (
            "BDAY;VALUE=date-and-or-time:1990-01",
            date(1990, 1, 0),
            false,
        ),
        ("BDAY:1990", date(1990, 0, 0), false),
        ("BDAY:1990-01-01;", date(1990, 1, 1), false),
        ("BDAY;VALUE=text:1990-01-02", date(1990, 1, 2), true),
        ("BDAY;CALSCALE=gregorian:1990-01-02", date(1990, 1, 2), true),
        ("BDAY:", None, false),
        ("BDAY:0000-00-00", None, false),
    ] {
        let contact = read(&format!("FN:A\n{line}"));

        assert_eq!(contact.birthday, expected, "{line}");
        assert_eq!(
            contact.raw_properties.len(),
            usize::from(is_copied),
            "{line}"
        );
    }
}

#[test]
fn what_is_not_a_date_is_kept_with_a_warning() {
    for line in [
        "BDAY;VALUE=text:circa 1800",
        "BDAY:12/04/1985",
        "BDAY:1990-02-30",
        "BDAY:---29",
        "ANNIVERSARY:soon",
        "DEATHDATE;VALUE=text:before 1900",
    ] {
        let card = card(&format!("FN:A\n{line}"));

        assert_eq!(contact(&card).raw_properties, [line]);
        assert_eq!(contact(&card).birthday, None);
        assert_eq!(card.warnings.len(), 1, "{line}");
        read(&format!("FN:A\n{line}"));
    }
}

#[test]
fn dates_of_death_and_anniversaries_are_read() {
    let contact = read(
        "FN:A\nDEATHDATE:19960415\nANNIVERSARY:20090808\nX-ANNIVERSARY:2009-08-08\n\
         X-EVOLUTION-ANNIVERSARY:2009-08-08\nitem1.X-ABDATE:2001-02-03\nitem1.X-ABLabel:First day",
    );

    assert_eq!(contact.date_of_death, date(1996, 4, 15));
    let events: Vec<_> = contact
        .events
        .iter()
        .map(|event| (event.label.as_str(), event.date))
        .collect();
    assert_eq!(
        events,
        [
            ("anniversary", date(2009, 8, 8)),
            ("First day", date(2001, 2, 3))
        ]
    );
}

#[test]
fn parameters_of_phones_become_labels() {
    for (line, label, is_primary) in [
        ("TEL;HOME;VOICE:1", "home", false),
        ("TEL;CELL;PREF:1", "mobile", true),
        ("TEL;TYPE=CELL,PREF:1", "mobile", true),
        ("TEL;TYPE=home;TYPE=fax:1", "home fax", false),
        ("TEL;TYPE=\"work,voice\";PREF=1:1", "work", true),
        ("TEL;type=cell;value=uri;pref=1:tel:1", "mobile", true),
        ("tel;type=MAIN:1", "main", false),
        ("TEL;X-FOO:1", "x-foo", false),
        ("a.TEL;TYPE=pref:1\na.X-ABLabel:Boat", "Boat", true),
        ("a.X-ABLabel:_$!<Mobile>!$_\nA.TEL:1", "mobile", false),
        (
            "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=C3=84):1",
            "Ä",
            false,
        ),
        ("TEL;X-CUSTOM(Boat):1", "Boat", false),
        ("TEL:1", "", false),
    ] {
        let contact = read(&format!("FN:A\n{line}"));

        let phone = &contact.phones[0];
        assert_eq!(
            (phone.number.as_str(), phone.label.as_str(), phone.primary),
            ("1", label, is_primary),
            "{line}"
        );
    }
}

#[test]
fn what_the_model_lacks_is_kept_with_its_parameters_and_groups() {
    for line in [
        "X-FOO;A=\"b;c:d\",e;F=^n^'g^^:h\\,i\\;j\\\\k",
        "item1.X-FOO:bar",
        "GEO:37.386013;-122.082932",
        "TZ:-05:00",
        "KEY;TYPE=PGP;ENCODING=b:AAEC",
        "SOUND;VALUE=uri:https://example.com/a.ogg",
        "LOGO;TYPE=PNG;ENCODING=b:AAEC",
        "PHOTO;VALUE=uri:https://example.com/a.jpg",
        "LABEL;TYPE=home:1 Main St.\\nTown",
        "SORT-STRING:Harten",
        "CLASS:PRIVATE",
        "KIND:org",
        "X-ABShowAs:COMPANY",
        "EMAIL:/o=Example/ou=First",
        "RELATED;TYPE=friend:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "X-ANDROID-CUSTOM:vnd.example;a",
        "X-Mixed-Case;lAnGuAgE=De:Straße",
    ] {
        let contact = read(&format!("FN:A\n{line}"));

        assert_eq!(contact.raw_properties, [line]);
    }
}

#[test]
fn a_property_with_a_parameter_of_its_own_is_known_and_kept() {
    for line in [
        "TEL;TYPE=cell;X-FOO=bar:1",
        "TEL;PREF=7:1",
        "EMAIL;LANGUAGE=de:a@example.com",
        "N;SORT-AS=\"Harten,Rene\":van der Harten;Rene;J.;;",
        "ADR;LABEL=\"x\\ny\";TYPE=home:;;a;b;c;d;e",
        "ORG;SORT-AS=ABC:ABC\\, Inc.;Sales",
        "ORG:Name;Unit;Sub unit",
        "ADR:PO 1;Flat 2;a;b;c;d;e",
        "NOTE;LANGUAGE=en:Hello",
        "CATEGORIES;PREF=2:a,b",
        "TITLE;LANGUAGE=en:Boss",
    ] {
        let contact = read(&format!("FN:A\n{line}"));

        assert_eq!(contact.raw_properties, [line]);
        let mut edited = card_formats::Parsed {
            contact,
            photo: None,
        };
        edited.contact.phones.clear();
        edited.contact.emails.clear();
        edited.contact.addresses.clear();
        edited.contact.organizations.clear();
        edited.contact.labels.clear();
        edited.contact.notes.clear();
        edited.contact.family_name = "Other".into();
        let file = written(ExportFormat::VCard(VCardVersion::V4), &[edited]);
        let file = String::from_utf8(file).unwrap();
        assert!(
            !file.contains(line),
            "an edited value is not the old one: {file}"
        );
    }
}

#[test]
fn escapes_are_read_in_structured_values() {
    let contact = read(
        "N:a\\,b;c\\;d;e\\\\;;\nADR:;;1\\, Main\\nBack;To\\;wn;;;\nORG:A\\;B\\, C;D\\,E\n\
         CATEGORIES:a\\,b,c;d",
    );

    assert_eq!(contact.family_name, "a,b");
    assert_eq!(contact.given_name, "c;d");
    assert_eq!(contact.middle_name, "e\\");
    assert_eq!(contact.addresses[0].street, "1, Main\nBack");
    assert_eq!(contact.addresses[0].city, "To;wn");
    assert_eq!(contact.organizations[0].name, "A;B, C");
    assert_eq!(contact.organizations[0].department, "D,E");
    assert_eq!(contact.labels, ["a,b", "c;d"]);
}

#[test]
fn names_are_what_the_card_says() {
    for (lines, given, family, formatted) in [
        ("N:Doe;Jane;;;", "Jane", "Doe", ""),
        ("FN:Jane Doe", "", "", "Jane Doe"),
        ("N:Doe;Jane;;;\nFN:Jane Doe", "Jane", "Doe", ""),
        ("N:Doe;Jane;;;\nFN:Jane  Doe ", "Jane", "Doe", ""),
        ("N:Doe;Jane;;;\nFN:JD", "Jane", "Doe", "JD"),
        ("N:Nagy;Anna;;;\nFN:Nagy Anna", "Anna", "Nagy", "Nagy Anna"),
        ("N:山田;太郎;;;\nFN:山田太郎", "太郎", "山田", ""),
        ("N:;;;;\nFN:ACME\nORG:ACME", "", "", ""),
        ("N:Doe\nFN:Doe", "", "Doe", ""),
        ("FN:a@example.com\nEMAIL:a@example.com", "", "", ""),
    ] {
        let contact = read(lines);

        assert_eq!(
            (
                contact.given_name.as_str(),
                contact.family_name.as_str(),
                contact.formatted_name.as_str()
            ),
            (given, family, formatted),
            "{lines}"
        );
    }
}

#[test]
fn lines_are_unfolded_as_bytes() {
    let folded = b"BEGIN:VCARD\r\nFN:M\xc3\r\n \xbcller\r\nNOTE:a\r\n\tb\n  c\n\nEND:VCARD\r\n";

    let contact = &contacts(&read_file(folded))[0];

    assert_eq!(contact.formatted_name, "Müller");
    assert_eq!(contact.notes, "ab c");
}

#[test]
fn files_in_other_encodings_are_read() {
    let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Müller;Jürgen;;;\r\nNOTE:Grüße aus Köln, schöne Straße\r\nEND:VCARD\r\n";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let utf16 = |bom: &[u8], bytes: fn(u16) -> [u8; 2]| {
        let text = text.encode_utf16().flat_map(bytes);
        bom.iter().copied().chain(text).collect::<Vec<u8>>()
    };
    for file in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        latin,
        utf16(b"\xff\xfe", u16::to_le_bytes),
        utf16(b"\xfe\xff", u16::to_be_bytes),
        utf16(b"", u16::to_le_bytes),
        utf16(b"", u16::to_be_bytes),
    ] {
        for size in [1, 3, 4096] {
            let pieces: Vec<_> = file.chunks(size).collect();
            let cards = reading::read(&pieces).unwrap();

            assert_eq!(contact(&cards[0]).family_name, "Müller");
            assert_eq!(contact(&cards[0]).given_name, "Jürgen");
            let at = usize::try_from(cards[0].byte_offset).unwrap();
            let is_utf8 = str::from_utf8(&file).is_ok() && !file.contains(&0);
            assert!(!is_utf8 || file[at..].starts_with(b"BEGIN"), "{at}");
        }
    }
    let euro = read_file(b"BEGIN:VCARD\nN;CHARSET=windows-1252:\x80;\x93A\x94\nX-A;CHARSET=ISO-8859-1;B=C:\xfc\nEND:VCARD");
    assert_eq!(contact(&euro[0]).family_name, "€");
    assert_eq!(contact(&euro[0]).raw_properties, ["X-A;B=C:ü"]);
}

#[test]
fn a_card_without_its_end_ends_where_the_next_begins() {
    let file = "BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\nnoise\nmore\nBEGIN:VCARD\nFN:C";

    let cards = read_file(file.as_bytes());

    let names: Vec<_> = contacts(&cards)
        .into_iter()
        .map(|contact| contact.formatted_name)
        .collect();
    assert_eq!(names, ["A", "B", "C"]);
    let warned: Vec<_> = cards.iter().map(|card| card.warnings.len()).collect();
    assert_eq!(warned, [1, 0, 0, 1]);
    assert!(matches!(cards[2].outcome, Err(Problem::Malformed(_))));
    assert_eq!((cards[2].line, cards[2].index), (6, 2));
}

#[test]
fn a_line_break_that_is_not_escaped_costs_nothing() {
    let card = card("FN:A\nNOTE:one\ntwo\n\nthree\nTEL:1");

    assert_eq!(contact(&card).notes, "one\ntwo\nthree");
    assert_eq!(contact(&card).phones.len(), 1);
    assert_eq!(card.warnings.len(), 1);
}

#[test]
fn photos_are_read_in_every_form() {
    for line in [
        "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ",
        "PHOTO;TYPE=JPEG;ENCODING=BASE64:\n /9j/\n 4AAQ\n",
        "PHOTO;JPEG;BASE64:\n/9j/\n4AAQ\n",
        "PHOTO:data:image/jpeg;base64,/9j/4AAQ",
        "PHOTO;VALUE=uri:data:image/jpeg;base64\\,/9j/4AAQ",
        "PHOTO;MEDIATYPE=image/jpeg;ENCODING=b:/9j/4AAQ",
    ] {
        let card = card(&format!("FN:A\n{line}"));

        let parsed = parsed(&[card]);
        let photo = parsed[0].photo.as_ref().expect(line);
        assert_eq!(photo.media_type, "image/jpeg", "{line}");
        assert_eq!(photo.data, [0xff, 0xd8, 0xff, 0xe0, 0, 0x10], "{line}");
        assert_eq!(parsed[0].contact.raw_properties, [""; 0]);
    }
    let bad = card("FN:A\nPHOTO;ENCODING=b:?!");
    assert_eq!(bad.warnings.len(), 1);
    assert!(contact(&bad).raw_properties.is_empty());
}

#[test]
fn an_empty_card_is_refused_alone() {
    let cards = read_file(
        b"BEGIN:VCARD\nVERSION:3.0\nN:;;;;\nFN:\nEND:VCARD\nBEGIN:VCARD\nFN:A\nEND:VCARD",
    );

    assert_eq!(cards[0].outcome, Err(Problem::Empty));
    assert!(cards[1].outcome.is_ok());
}

#[test]
fn a_reserved_text_in_a_raw_property_cannot_end_the_card() {
    let contact = Contact {
        formatted_name: "A".into(),
        notes: "x\nEND:VCARD\nBEGIN:VCARD\nFN:evil".into(),
        raw_properties: [
            "X-A:1\nEND:VCARD",
            "END:VCARD",
            "BEGIN:VCARD",
            "UID:other",
            "no property",
            "X-B;QUOTED-PRINTABLE:abc=",
            "AGENT:",
            " X-C:1\r\nBEGIN:VCARD",
        ]
        .map(Into::into)
        .into(),
        uid: "own\r\nEND:VCARD".into(),
        ..Contact::default()
    };
    for version in [VCardVersion::V3, VCardVersion::V4] {
        let parsed = card_formats::Parsed {
            contact: contact.clone(),
            photo: None,
        };
        let cards = read_file(&written(ExportFormat::VCard(version), &[parsed]));

        assert_eq!(cards.len(), 1);
        assert_eq!(contacts(&cards)[0].notes, contact.notes);
        assert_eq!(contacts(&cards)[0].formatted_name, "A");
    }
}
