//! vCard files of programs, and what becomes of them.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Entry, ExportFormat, Parsed, VCardVersion};
use proto::contacts::v1::Contact;
use reading::{contacts, parsed, read, read_file, written};

const SAMPLES: [(&str, &str); 7] = [
    ("iphone", include_str!("../samples/iphone.vcf")),
    ("google", include_str!("../samples/google.vcf")),
    ("outlook", include_str!("../samples/outlook.vcf")),
    ("android", include_str!("../samples/android.vcf")),
    ("nextcloud", include_str!("../samples/nextcloud.vcf")),
    ("groups", include_str!("../samples/groups.vcf")),
    ("nokia", include_str!("../samples/nokia.vcf")),
];

fn sample(name: &str) -> Vec<Parsed> {
    let (_, text) = SAMPLES.iter().find(|(is, _)| *is == name).unwrap();
    parsed(&read_file(text.as_bytes()))
}

/// `label=value` of each.
fn shown<'a>(of: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<String> {
    of.map(|(label, value)| format!("{label}={value}"))
        .collect()
}

#[test]
fn every_sample_comes_back_whole_from_both_versions() {
    for (name, text) in SAMPLES {
        let before = parsed(&read_file(text.as_bytes()));
        assert!(!before.is_empty(), "{name}");
        for version in [VCardVersion::V3, VCardVersion::V4] {
            let file = written(ExportFormat::VCard(version), &before);

            let after = parsed(&read_file(&file));

            let file = String::from_utf8_lossy(&file);
            for (after, before) in after.iter().zip(&before) {
                assert_eq!(after.contact, before.contact, "{name}\n{file}");
            }
            assert_eq!(after, before, "{name}");
        }
    }
}

#[test]
fn nothing_depends_on_the_pieces_or_the_ends_of_lines() {
    for (name, text) in SAMPLES {
        let whole = read_file(text.as_bytes());
        let whole: Vec<_> = whole
            .iter()
            .map(|card| (&card.outcome, card.line, &card.warnings))
            .collect();
        for end in ["\n", "\r\n", "\r", "\r\r\n"] {
            let text = text.replace('\n', end);
            for size in [1, 2, 7, 64, 4096] {
                let cards = read(&text.as_bytes().chunks(size).collect::<Vec<_>>()).unwrap();
                let cards: Vec<_> = cards
                    .iter()
                    .map(|card| (&card.outcome, card.line, &card.warnings))
                    .collect();
                assert_eq!(cards, whole, "{name} {end:?} {size}");
            }
        }
    }
}

#[test]
fn no_sample_has_warnings_but_for_what_it_lacks() {
    for (name, text) in SAMPLES {
        for card in read_file(text.as_bytes()) {
            assert!(card.outcome.is_ok(), "{name}: {:?}", card.outcome);
            assert_eq!(card.warnings, [], "{name}");
        }
    }
}

#[test]
fn a_card_of_an_iphone_is_understood() {
    let parsed = &sample("iphone")[0];
    let contact = &parsed.contact;

    assert_eq!(
        [
            &contact.name_prefix,
            &contact.given_name,
            &contact.middle_name,
            &contact.family_name,
            &contact.name_suffix,
            &contact.nickname,
            &contact.formatted_name,
            &contact.phonetic_given_name,
            &contact.phonetic_family_name,
        ],
        [
            "Dr.",
            "John",
            "Quincy",
            "Appleseed",
            "Jr.",
            "Johnny",
            "",
            "Jon",
            "Apfelsiid"
        ]
    );
    assert_eq!(contact.organizations[0].name, "Example Orchards, Inc.");
    assert_eq!(contact.organizations[0].department, "Cider");
    assert_eq!(contact.organizations[0].title, "Grower");
    assert_eq!(
        shown(
            contact
                .emails
                .iter()
                .map(|email| (&email.label, &email.address))
        ),
        [
            "home=john@example.com",
            "work=j.appleseed@example.com",
            "Cabin=cabin@example.com"
        ]
    );
    assert!(contact.emails[0].primary && !contact.emails[1].primary);
    assert_eq!(
        shown(
            contact
                .phones
                .iter()
                .map(|phone| (&phone.label, &phone.number))
        ),
        [
            "mobile=+1 (555) 010-0199",
            "mobile iphone=+1 555 010 0198",
            "home fax=555-0100",
            "home fax=+49 30 5550123"
        ]
    );
}

#[test]
fn what_else_an_iphone_writes_is_understood() {
    let parsed = &sample("iphone")[0];
    let contact = &parsed.contact;

    assert_eq!(contact.addresses[0].street, "1 Orchard Road\nBarn, left");
    assert_eq!(contact.addresses[0].country_code, "US");
    assert_eq!(contact.addresses[1].extended, "Suite 5");
    assert_eq!(
        shown(contact.urls.iter().map(|url| (&url.label, &url.url))),
        [
            "homepage=https://example.com/home",
            "work=https://example.com/?a=1,2;b=3",
            "twitter=https://twitter.com/japple"
        ]
    );
    let date = |year, month, day| proto::contacts::v1::Date { year, month, day };
    assert_eq!(contact.birthday, Some(date(0, 2, 29)));
    assert_eq!(contact.events[0].date, Some(date(2010, 6, 12)));
    assert_eq!(contact.events[0].label, "anniversary");
    assert_eq!(contact.events[1].date, Some(date(0, 3, 4)));
    assert_eq!(contact.events[1].label, "Name day");
    assert_eq!(
        shown(
            contact
                .relations
                .iter()
                .map(|relation| (&relation.label, &relation.name))
        ),
        ["spouse=Jane Appleseed", "Best man=Bob"]
    );
    assert_eq!(
        shown(contact.impps.iter().map(|impp| (&impp.label, &impp.uri))),
        ["home=skype:john.apple", "=xmpp:john@example.com"]
    );
    assert_eq!(
        contact.notes,
        "First line\nSecond, with a comma; and a backslash \\ here"
    );
    assert_eq!(contact.labels, ["Friends", "Family, close"]);
    assert_eq!(contact.uid, "1A2B3C4D-0000-4000-8000-00000000000A");
    assert!(
        contact
            .raw_properties
            .contains(&"X-ABShowAs:COMPANY".to_owned())
    );
    let photo = parsed.photo.as_ref().unwrap();
    assert_eq!(photo.media_type, "image/jpeg");
    assert_eq!(&photo.data[..4], [0xff, 0xd8, 0xff, 0xe0]);
}

#[test]
fn a_card_of_outlook_is_understood() {
    let parsed = &sample("outlook")[0];
    let contact = &parsed.contact;

    assert_eq!(
        (contact.given_name.as_str(), contact.family_name.as_str()),
        ("Jörg", "Müller")
    );
    assert_eq!(contact.formatted_name, "");
    assert_eq!(contact.organizations[0].name, "Bäckerei Müller");
    assert_eq!(contact.organizations[0].title, "Bäcker");
    assert_eq!(
        shown(
            contact
                .phones
                .iter()
                .map(|phone| (&phone.label, &phone.number))
        ),
        [
            "work=+49 (30) 555-0111",
            "home=+49 30 5550112",
            "mobile=0170 5550113",
            "work fax=+49 30 5550114",
            "x-company=+49 30 5550115"
        ]
    );
    assert!(contact.phones[1].primary);
    assert_eq!(contact.notes, "Grüße\n\nEnde");
    assert_eq!(contact.relations[0].name, "Jürgen");
    assert_eq!(contact.impps[0].uri, "msnim:joerg.im@example.com");
    assert!(
        contact
            .raw_properties
            .iter()
            .any(|raw| raw.starts_with("LABEL;WORK"))
    );
    assert!(parsed.photo.is_some());
}

#[test]
fn cards_of_phones_are_understood() {
    let android = sample("android");
    let contact = &android[0].contact;
    assert_eq!(contact.given_name, "Иван");
    assert_eq!(contact.nickname, "Vanya");
    assert_eq!(contact.relations[0].label, "spouse");
    assert_eq!(contact.events[0].label, "Name day");
    assert_eq!(contact.events[1].label, "anniversary");
    assert_eq!(android[1].contact.phones[0].number, "5550125");

    let nokia = &sample("nokia")[0].contact;
    assert_eq!(nokia.family_name, "Mäkinen");
    assert_eq!(nokia.phonetic_given_name, "ｱｲﾉ");
    assert_eq!(nokia.phones[4].label, "home mobile video");
    let raw = nokia.raw_properties.join("\n");
    for kept in [
        "AGENT:BEGIN:VCARD\\nVERSION:2.1\\nN:Assistant\\;Antti\\nTEL:557\\nEND:VCARD",
        "GEO:60.17,24.94",
        "TZ:+02:00",
        "KEY;PGP;ENCODING=BASE64:AAECAwQFBgcICQ==",
        "LOGO;BMP;BASE64:AAECAwQFBgcICQ==",
        "X-EPOCSECONDNAME:Ainokainen",
    ] {
        assert!(raw.contains(kept), "{kept}\n{raw}");
    }
}

#[test]
fn a_card_of_google_is_understood() {
    let google = sample("google");
    let contact = &google[0].contact;

    assert!(contact.starred);
    assert_eq!(contact.labels, ["Mathematicians"]);
    assert_eq!(contact.phones[1].label, "work mobile");
    assert_eq!(contact.organizations[0].title, "Programmer");
    assert_eq!(contact.urls[0].url, "https://example.com/ada");
    assert_eq!(
        contact.raw_properties,
        ["PHOTO:https://lh3.example.com/contacts/abc"]
    );
    assert_eq!(google[1].contact.birthday.unwrap().year, 0);
}

#[test]
fn a_card_of_version_4_is_understood() {
    let contact = &sample("nextcloud")[0].contact;

    assert_eq!(contact.middle_name, "Brewster Murray");
    assert_eq!(contact.phones[0].number, "+1-555-010-0111 ext. 42");
    assert!(contact.phones[0].primary && !contact.phones[1].primary);
    assert_eq!(contact.relations[0].label, "spouse");
    assert_eq!(contact.date_of_death.unwrap().year, 1992);
    assert_eq!(contact.urls[0].label, "mastodon");
    assert!(
        contact
            .raw_properties
            .contains(&"X-NEXTCLOUD-FOO;X-BAR=\"a;b:c\":kept".to_owned())
    );
}

#[test]
fn groups_name_their_members_wherever_those_are() {
    let text = include_str!("../samples/groups.vcf");
    let cards = read_file(text.as_bytes());

    let groups: Vec<_> = cards
        .iter()
        .filter_map(|card| match card.outcome.as_ref().unwrap() {
            Entry::Group(group) => Some((group.name.as_str(), group.members.len())),
            Entry::Contact(_) => None,
        })
        .collect();
    assert_eq!(groups, [("Knitting", 2), ("Rowing", 2)]);
    assert_eq!(contacts(&cards).len(), 2);
}

#[test]
fn a_contact_of_ours_comes_back_whole() {
    use proto::contacts::v1::{Event, Organization, PostalAddress, Relation};
    let mut contact: Contact = sample("iphone")[0].contact.clone();
    contact.formatted_name = "Dr. John Quincy Appleseed Jr.".into();
    contact.starred = true;
    contact.custom_fields = [
        ("a;b,c\\".into(), "x\ny;z,\\".into()),
        (String::new(), String::new()),
    ]
    .into();
    contact.organizations.push(Organization {
        title: "Alone".into(),
        ..Organization::default()
    });
    contact.organizations.push(Organization {
        name: "Name, with; everything\\".into(),
        department: "Dep".into(),
        title: "Boss".into(),
    });
    contact.addresses.push(PostalAddress {
        label: "Sommerhaus".into(),
        extended: "a\nb".into(),
        street: "c, d; e".into(),
        country_code: "FI".into(),
        ..PostalAddress::default()
    });
    for label in ["", "anniversary", "anniversary", "Anniversary", "x-y"] {
        let date = contact.birthday;
        contact.events.push(Event {
            date,
            label: label.into(),
        });
    }
    for label in ["", "friend", "Friend", "co-worker", "text", "ex husband"] {
        contact.relations.push(Relation {
            name: "N, with; all".into(),
            label: label.into(),
        });
    }
    for label in [
        "voice",
        "pref",
        "fax home",
        "Home",
        "internet",
        "home work",
        "_$!<",
        "ü",
        "cell",
    ] {
        let mut phone = contact.phones[1].clone();
        phone.label = label.into();
        contact.phones.push(phone);
    }
    let before = [Parsed {
        contact,
        photo: None,
    }];
    for format in [
        ExportFormat::VCard(VCardVersion::V3),
        ExportFormat::VCard(VCardVersion::V4),
        ExportFormat::JsonLines,
    ] {
        let file = written(format, &before);

        assert_eq!(
            parsed(&read_file(&file)),
            before,
            "{}",
            String::from_utf8_lossy(&file)
        );
    }
}
