//! JSContact (RFC 9553).

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Entry, ExportFormat, Parsed, Photo, Problem};
use proto::contacts::v1::{Contact, Date, Organization, Relation};
use reading::{card_of, parsed, read_file, written};
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../samples/people.json");

/// The first card of the sample, as it is in the file, and as it is read.
fn ada() -> (Value, Parsed) {
    let cards: Value = serde_json::from_str(SAMPLE).unwrap();
    let cards = cards.as_array().unwrap().clone();
    (
        cards[0].clone(),
        parsed(&read_file(SAMPLE.as_bytes())).remove(0),
    )
}

const fn date(year: i32, month: i32, day: i32) -> Date {
    Date { year, month, day }
}

#[test]
fn names_and_organizations_are_read() {
    let (_, ada) = ada();
    let ada = ada.contact;

    assert_eq!(ada.uid, "urn:uuid:5f1b0c52-0000-4000-8000-00000000000a");
    assert_eq!(ada.name_prefix, "Dr.");
    assert_eq!(ada.given_name, "Ada");
    assert_eq!(ada.phonetic_given_name, "eɪdə");
    assert_eq!(ada.middle_name, "Augusta King");
    assert_eq!(ada.family_name, "Lovelace Byron");
    assert_eq!(ada.name_suffix, "Jr., PhD");
    assert_eq!(ada.formatted_name, "Dr. Ada King Lovelace, Jr.");
    assert_eq!(ada.nickname, "Countess, Ada L.");
    let organizations: Vec<_> = ada
        .organizations
        .iter()
        .map(|one| [&one.name, &one.department, &one.title].map(String::as_str))
        .collect();
    assert_eq!(
        organizations,
        [
            ["Analytical Engines", "Research, Notes", "Programmer"],
            ["Royal Society", "", "Fellow"]
        ]
    );
    assert_eq!(ada.labels, ["science", "poetry, old"]);
    assert!(ada.notes.ends_with("commas.\n\nAnother."));
}

#[test]
fn ways_to_reach_a_person_are_read() {
    let (_, ada) = ada();
    let ada = ada.contact;

    let emails: Vec<_> = ada
        .emails
        .iter()
        .map(|one| (one.address.as_str(), one.label.as_str(), one.primary))
        .collect();
    assert_eq!(
        emails,
        [
            ("ada@example.com", "work", true),
            ("ada.home@example.com", "cottage", false),
            ("ada3@example.com", "", false)
        ]
    );
    let phones: Vec<_> = ada
        .phones
        .iter()
        .map(|one| (one.number.as_str(), one.label.as_str(), one.primary))
        .collect();
    assert_eq!(
        phones,
        [
            ("+44-20-7946-0000 ext. 77", "home mobile", true),
            ("+44 20 7946 0001", "work fax", false),
            ("+44 20 7946 0002", "Ferienhaus", false)
        ]
    );
    let uris: Vec<_> = ada
        .impps
        .iter()
        .map(|one| (one.uri.as_str(), one.label.as_str()))
        .collect();
    assert_eq!(
        uris,
        [
            ("xmpp:ada@example.com", ""),
            ("https://social.example.com/@ada", "mastodon"),
            ("gitforge:ada", "git forge")
        ]
    );
    assert_eq!(ada.urls[1].url, "mailto:office@example.com");
    let [office, home] = ada.addresses.as_slice() else {
        panic!("{:?}", ada.addresses);
    };
    assert_eq!(office.street, "12 St James's Square");
    assert_eq!(office.extended, "2 14");
    assert_eq!(office.city, "London");
    assert_eq!(office.postal_code, "SW1Y 4JH");
    assert_eq!(office.country_code, "GB");
    assert_eq!(
        (home.street.as_str(), home.label.as_str()),
        ("Ockham Park\nSurrey", "home delivery")
    );
}

#[test]
fn dates_and_people_are_read() {
    let (_, ada) = ada();
    let photo = ada.photo.unwrap();
    let ada = ada.contact;

    assert_eq!(ada.birthday, Some(date(1815, 12, 10)));
    assert_eq!(ada.date_of_death, Some(date(1852, 11, 27)));
    let events: Vec<_> = ada
        .events
        .iter()
        .map(|one| (one.date.unwrap(), one.label.as_str()))
        .collect();
    assert_eq!(
        events,
        [
            (date(1835, 7, 0), "anniversary"),
            (date(0, 2, 29), "example.com:patent")
        ]
    );
    let relations: Vec<_> = ada
        .relations
        .iter()
        .map(|one| (one.name.as_str(), one.label.as_str()))
        .collect();
    assert_eq!(
        relations,
        [
            ("Charles Babbage", "colleague"),
            ("Charles Babbage", "friend"),
            ("Byron", "")
        ]
    );
    assert_eq!(photo.media_type, "image/png");
    assert_eq!(photo.data, b"\x89PNG\r\n\x1a\n");
    assert!(
        ada.raw_properties
            .contains(&"X-TEXT;VALUE=text:a\\;b\\,c".to_owned())
    );
    assert!(
        ada.raw_properties
            .contains(&"item1.X-FOO;X-BAR=Hello:World!".to_owned())
    );
}

#[test]
fn a_group_is_read_as_one() {
    let cards = read_file(SAMPLE.as_bytes());

    let Ok(Entry::Group(group)) = &cards[1].outcome else {
        panic!("{:?}", cards[1]);
    };
    assert_eq!(group.name, "Mathematicians");
    assert_eq!(group.members[1], "b");
    assert_eq!(cards[1].line, 120);
    assert!(SAMPLE[usize::try_from(cards[1].byte_offset).unwrap()..].starts_with("{\"@type\""));
}

#[test]
fn nothing_of_a_card_is_lost() {
    let (before, ada) = ada();

    let file = written(ExportFormat::JsContact, &[ada]);

    let after: Value = serde_json::from_slice(&file).unwrap();
    let (mut before, mut after) = (before, after[0].clone());
    for card in [&mut before, &mut after] {
        let elements = card["vCardProps"].as_array_mut().unwrap();
        elements.sort_by_key(Value::to_string);
    }
    for (name, value) in before.as_object().unwrap() {
        assert_eq!(after.get(name), Some(value), "{name}");
    }
    assert_eq!(after, before);
}

#[test]
fn what_was_kept_is_written_only_while_it_is_true() {
    let (_, mut ada) = ada();
    ada.contact.emails.remove(0);
    ada.contact.emails[0].label = "home".into();
    ada.contact.birthday = Some(date(1815, 12, 11));
    ada.contact.organizations.remove(0);
    ada.contact.family_name = "King".into();
    ada.contact.relations.clear();
    ada.photo = None;

    let file = written(ExportFormat::JsContact, &[ada.clone()]);

    let card: Value = serde_json::from_slice(&file).unwrap();
    let card = &card[0];
    assert_eq!(
        card["emails"],
        json!({
            "1": {"address": "ada.home@example.com", "contexts": {"private": true}},
            "2": {"address": "ada3@example.com"},
            "e3": {"address": "not an address"}
        })
    );
    assert_eq!(card["anniversaries"]["1"]["date"]["day"], 11);
    assert_eq!(card["anniversaries"].get("b"), None);
    assert_eq!(card["anniversaries"].get("z"), None);
    assert_eq!(card["organizations"].as_object().unwrap().len(), 1);
    assert_eq!(card["titles"]["t3"]["kind"], "role");
    assert_eq!(card["name"].get("sortAs"), None);
    let related = card["relatedTo"].as_object().unwrap();
    assert_eq!(related.len(), 1);
    assert_eq!(card["media"].as_object().unwrap().len(), 2);
}

#[test]
fn photos_come_back() {
    for media_type in ["image/jpeg", ""] {
        let photo = Some(Photo {
            media_type: media_type.into(),
            data: vec![0xff; 2 * 1024 * 1024],
        });
        let contact = Contact {
            given_name: "Ada".into(),
            ..Contact::default()
        };
        let before = Parsed { contact, photo };

        let file = written(ExportFormat::JsContact, std::slice::from_ref(&before));

        assert_eq!(parsed(&read_file(&file)), [before]);
    }
}

#[test]
fn a_kept_photo_is_written_only_with_its_bytes() {
    let card = json!({"@type": "Card", "name": {"full": "Ada"}, "media": {"m": {
        "kind": "photo", "uri": "data:image/png;base64,AAAA", "label": "x"
    }}});
    let read = card_of(&card.to_string());
    let Ok(Entry::Contact(mut ada)) = read.outcome else {
        panic!("{read:?}");
    };
    let file = written(ExportFormat::JsContact, &[ada.as_ref().clone()]);
    let again: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(again[0]["media"], card["media"]);

    ada.photo = None;
    let file = written(ExportFormat::JsContact, &[*ada]);
    let again: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(again[0].get("media"), None);
}

fn comes_back(contact: Contact) {
    let photo = None;
    reading::errors::comes_back(&Parsed { contact, photo });
}

#[test]
fn odd_names_come_back() {
    for (given, family, formatted) in [
        ("Ada", "Lovelace", ""),
        ("Ada", "Lovelace", "Ada Lovelace"),
        ("Ada", "Lovelace", "The Countess"),
        ("", "", "The Countess"),
        ("太郎", "山田", ""),
        ("太郎", "山田", "山田太郎"),
    ] {
        comes_back(Contact {
            given_name: given.into(),
            family_name: family.into(),
            formatted_name: formatted.into(),
            ..Contact::default()
        });
    }
    comes_back(Contact {
        phonetic_given_name: "たろう".into(),
        nickname: "x".into(),
        ..Contact::default()
    });
}

#[test]
fn odd_organizations_come_back() {
    for organizations in [
        [["", "", "Boss"]].as_slice(),
        &[["", "", "Boss"], ["A", "", ""]],
        &[["", "B", "C"], ["A", "", "D"]],
        &[["A", "", ""], ["A", "", "D"], ["A", "", "D"]],
    ] {
        let organizations = organizations.iter().map(|texts| {
            let [name, department, title] = texts.map(str::to_owned);
            Organization {
                name,
                department,
                title,
            }
        });
        comes_back(Contact {
            organizations: organizations.collect(),
            ..Contact::default()
        });
    }
}

#[test]
fn odd_relations_come_back() {
    let relation = |(name, label): (&str, &str)| Relation {
        name: name.into(),
        label: label.into(),
    };
    for relations in [
        [("Bob", "spouse"), ("Eve", "Best friend"), ("Bob", "friend")].as_slice(),
        &[("mailto:eve@example.com", ""), ("Bob", "addressbook.dev:x")],
        &[("Bob", "friend"), ("Bob", ""), ("Bob", "friend")],
    ] {
        comes_back(Contact {
            relations: relations.iter().copied().map(relation).collect(),
            ..Contact::default()
        });
    }
}

#[test]
fn other_fields_and_raw_properties_come_back() {
    let raw = [
        "JSPROP:{}",
        "JSPROP;JSPTR=\"example.com:a\":{\"b\":[1\\,null]}",
        "X-A;TYPE=b;TYPE=c;VALUE=TEXT:d",
        "X-A;X-B=\"a;b\":c\\;d\\nü",
        "X-A;x-b=c:d",
        "item1.x-foo:bar",
    ];
    comes_back(Contact {
        starred: true,
        custom_fields: [("b".into(), "1\n2".into()), ("a".into(), String::new())].into(),
        labels: vec!["b".into(), "a".into()],
        raw_properties: raw.map(str::to_owned).into(),
        ..Contact::default()
    });
}

#[test]
fn what_cannot_be_kept_is_named() {
    let card = |members: Value| {
        let mut card = json!({"@type": "Card", "name": {"full": "Ada"}});
        let all = card.as_object_mut().unwrap();
        all.extend(members.as_object().unwrap().clone());
        card_of(&card.to_string())
    };
    let long = "x".repeat(17_000);
    for (members, property) in [
        (json!({"emails": {"1": {"address": "nobody"}}}), "emails"),
        (
            json!({"anniversaries": {"1": {"kind": "birth", "date": {"month": 2, "day": 30}}}}),
            "anniversaries",
        ),
        (json!({"notes": {"1": {"note": long}}}), "notes"),
        (json!({"example.com:x": long}), "example.com:x"),
        (
            json!({"media": {"1": {"kind": "photo", "uri": "data:image/png;base64,?"}}}),
            "media",
        ),
    ] {
        let card = card(members);
        let names: Vec<_> = card
            .warnings
            .iter()
            .map(|warning| warning.property.as_str())
            .collect();
        assert!(names.contains(&property), "{property}: {names:?}");
    }
    let nothing = card_of("{\"@type\":\"Card\",\"version\":\"1.0\"}");
    assert_eq!(nothing.outcome, Err(Problem::Empty));
}
