//! What is written as a table, and tables that nobody would write.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Card, ExportFormat, Format, Options, Parsed, Problem, Reader, limits};
use proto::contacts::v1::{
    Contact, Date, Email, Event, Impp, Organization, Phone, PostalAddress, Relation, Url,
};
use reading::{contacts, read_file, written};

const SAMPLES: [&str; 4] = [
    include_str!("../samples/google-old.csv"),
    include_str!("../samples/google-new.csv"),
    include_str!("../samples/outlook-en.csv"),
    include_str!("../samples/outlook-de.csv"),
];
const TABLES: [ExportFormat; 2] = [ExportFormat::GoogleCsv, ExportFormat::OutlookCsv];

fn label(at: usize) -> String {
    ["home", "", "work", "Ferienhaus", "mobile"][at % 5].to_owned()
}

/// A contact with this many elements in each list.
fn contact(count: usize) -> Contact {
    let date = |year| {
        Some(Date {
            year,
            month: 2,
            day: 28,
        })
    };
    Contact {
        uid: "ada-1".into(),
        name_prefix: "Dr.".into(),
        given_name: "Ada, \"the\"".into(),
        middle_name: "King;".into(),
        family_name: "Lovelace".into(),
        name_suffix: "Jr.".into(),
        nickname: "=1+1".into(),
        phonetic_given_name: "エイダ".into(),
        phonetic_family_name: "ラブレス".into(),
        formatted_name: "The Countess".into(),
        birthday: date(0),
        date_of_death: Some(Date {
            year: 1852,
            month: 11,
            day: 0,
        }),
        notes: "one\ntwo \"three\" ::: four".into(),
        starred: true,
        labels: (0..count).map(|at| format!("Label {at}")).collect(),
        custom_fields: (0..count)
            .map(|at| (format!("Key {at:03}"), format!("line {at}\nb ::: c")))
            .collect(),
        emails: (0..count)
            .map(|at| Email {
                address: format!("a{at}@example.com"),
                label: label(at),
                primary: at == 1,
            })
            .collect(),
        addresses: (0..count)
            .map(|at| PostalAddress {
                label: label(at),
                street: format!("{at} Main St\nBack"),
                extended: if at % 2 == 0 {
                    String::new()
                } else {
                    "Flat 2".into()
                },
                city: "London".into(),
                country_code: "GB".into(),
                ..PostalAddress::default()
            })
            .collect(),
        urls: (0..count)
            .map(|at| Url {
                url: format!("https://example.com/{at}"),
                label: label(at),
            })
            .collect(),
        organizations: organizations(count),
        relations: relations(count),
        impps: impps(count),
        ..Contact::default()
    }
}

fn organizations(count: usize) -> Vec<Organization> {
    (0..count)
        .map(|at| Organization {
            name: format!("Company {at}"),
            department: String::new(),
            title: "Boss".into(),
        })
        .collect()
}

fn relations(count: usize) -> Vec<Relation> {
    (0..count)
        .map(|at| Relation {
            name: format!("Person {at}"),
            label: label(at),
        })
        .collect()
}

fn impps(count: usize) -> Vec<Impp> {
    (0..count)
        .map(|at| Impp {
            uri: format!("xmpp:a{at}@example.com"),
            label: label(at),
        })
        .collect()
}

fn phones(count: usize) -> Vec<Phone> {
    let labels = ["mobile", "home", "", "work", "pager", "Ferienhaus"];
    (0..count)
        .map(|at| Phone {
            number: format!("+44 20 7946 {at:04}"),
            label: labels[at % 6].into(),
            primary: at == 2,
            ..Phone::default()
        })
        .collect()
}

fn events(count: i32) -> Vec<Event> {
    (0..count)
        .map(|at| Event {
            date: Some(Date {
                year: 1900 + at,
                month: 1,
                day: 2,
            }),
            label: if at == 0 {
                "anniversary".into()
            } else {
                format!("Day {at}")
            },
        })
        .collect()
}

fn again(format: ExportFormat, contact: Contact) -> Contact {
    let photo = None;
    let file = written(format, &[Parsed { contact, photo }]);
    let cards = read_file(&file);
    assert_eq!(cards.len(), 1);
    assert_eq!(cards[0].warnings, []);
    contacts(&cards).remove(0)
}

#[test]
fn a_table_of_google_comes_back_whole() {
    for count in [0, 1, 2, 5, 30] {
        let mut before = contact(count);
        before.phones = phones(count);
        before.events = events(i32::try_from(count).unwrap());

        assert_eq!(again(ExportFormat::GoogleCsv, before.clone()), before);
    }
}

/// Its columns have names instead of an order.
#[test]
fn a_table_of_outlook_comes_back_in_its_order() {
    for count in [0, 1, 2, 5, 30] {
        let mut before = contact(count);
        before.phones = phones(count);
        before.events = events(i32::try_from(count).unwrap());
        let mut after = again(ExportFormat::OutlookCsv, before.clone());

        for contact in [&mut before, &mut after] {
            contact.phones.sort_by_key(|phone| phone.number.clone());
            contact
                .addresses
                .sort_by_key(|address| address.street.clone());
            contact.urls.sort_by_key(|url| url.url.clone());
            contact
                .relations
                .sort_by_key(|relation| relation.name.clone());
        }
        assert_eq!(after, before);
        assert_eq!(
            again(ExportFormat::OutlookCsv, after.clone()).emails,
            after.emails
        );
    }
}

#[test]
fn samples_come_back_whole() {
    for sample in SAMPLES {
        for format in TABLES {
            for before in contacts(&read_file(sample.as_bytes())) {
                let mut before = before;
                let mut after = again(format, before.clone());
                for contact in [&mut before, &mut after] {
                    contact.phones.sort_by_key(|phone| phone.number.clone());
                }
                assert_eq!(after, before);
            }
        }
    }
}

#[test]
fn two_stray_quotes_do_not_cost_the_rows_between_them() {
    let names = |file: &str| {
        let cards = read_file(file.as_bytes());
        let lines: Vec<u64> = cards
            .iter()
            .filter(|card| card.outcome.is_err())
            .map(|card| card.line)
            .collect();
        let contacts = contacts(&cards).into_iter();
        let names: Vec<String> = contacts.map(|one| one.given_name).collect();
        (names.join(" "), lines)
    };
    let header = "First Name,Last Name,Notes\n";

    let stray = format!("{header}Ada,\"King,1\nBob,Ross,2\nJoe,Doe,3\r\nEve,\"Stone,4\nZoe,,5\n");
    assert_eq!(names(&stray), ("Bob Joe Zoe".into(), vec![2, 5]));

    // Texts of many lines are what they were, also with quotes that are not doubled.
    for notes in [
        "\"1,2,3\n4,5,6\n\"",
        "\"one\nHe said \"no\" and left\"",
        "a\"b",
    ] {
        let fine = format!("{header}Ada,King,{notes}\nBob,Ross,2\n");
        assert_eq!(names(&fine), ("Ada Bob".into(), vec![]), "{notes}");
    }
}

#[test]
fn an_endless_field_needs_no_more_memory() {
    for piece in [
        vec![b'x'; 1 << 16],
        b"\nx".repeat(1 << 14),
        b"\"\"".repeat(1 << 14),
        b"a,".repeat(1 << 14),
        b"\n".repeat(1 << 12),
    ] {
        let mut reader = Reader::new(Format::Auto, &Options::default());
        let mut cards: Vec<Card> = Vec::new();
        reader.push(b"First Name,Last Name\nAda,\"");
        for _ in 0..200 {
            reader.push(&piece);
            while let Some(card) = reader.next().unwrap() {
                cards.push(card);
            }
        }
        assert!(cards.iter().all(|card| card.outcome.is_err()));
        let Some(card) = cards.first() else { continue };
        assert_eq!(card.line, 2);
        assert!(matches!(card.outcome, Err(Problem::Malformed(_))));
    }
    const { assert!(limits::ROW_BYTES < 4 * 1024 * 1024) };
}

#[test]
fn bytes_at_random_never_panic() {
    const PARTS: [&str; 22] = [
        "\n",
        "\r",
        "\r\n",
        ",",
        ";",
        "\t",
        "\"",
        "\"\"",
        ",\"",
        "\",",
        " ::: ",
        "* ",
        "Ada",
        "a@example.com",
        "3/4/1990",
        "--02-29",
        "ü",
        "\u{feff}",
        "\u{2028}",
        "\0",
        "sep=;",
        ",,,,,",
    ];
    const HEADERS: [&str; 4] = [
        "First Name,Last Name,Birthday,E-mail 1 - Label,E-mail 1 - Value,Labels\n",
        "Vorname;Nachname;Geburtstag;Telefon;Kategorien\r\n",
        "Name,Custom Field 1 - Type,Custom Field 1 - Value,Address 1 - Street,Address 1 - City\r",
        "",
    ];
    let mut random = fastrand::Rng::with_seed(13);
    for _ in 0..100 {
        let mut file = random.choice(HEADERS).unwrap().as_bytes().to_vec();
        for _ in 0..random.usize(0..300) {
            match random.u8(0..10) {
                0 => file.push(random.u8(..)),
                _ => file.extend_from_slice(random.choice(PARTS).unwrap().as_bytes()),
            }
        }
        reading::errors::survives(&Format::Auto, &mut random, &file);
    }
}
