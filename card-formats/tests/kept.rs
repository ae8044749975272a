//! Raw properties that could be taken for something else of a card.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Entry, ExportFormat, Parsed, limits};
use proto::contacts::v1::{Contact, Email};
use reading::errors::{LOSSLESS, comes_back, comes_back_in};
use reading::{card, card_of, contacts, parsed, read_file, written};
use serde_json::json;

fn with_raw(raw: &str) -> Parsed {
    let contact = Contact {
        given_name: "Ada".into(),
        emails: vec![Email {
            address: "ada@example.com".into(),
            ..Email::default()
        }],
        raw_properties: vec![raw.to_owned()],
        ..Contact::default()
    };
    Parsed {
        contact,
        photo: None,
    }
}

#[test]
fn no_raw_property_makes_a_contact_a_group() {
    for raw in [
        "KIND:group",
        "kind;X-A=b:GROUP",
        "item1.X-ADDRESSBOOKSERVER-KIND:group",
        "JSPROP;JSPTR=\"kind\":\"group\"",
        "JSPROP;JSPTR=\"/kind\":\"group\"",
        "JSPROP;JSPTR=\"@type\":\"CardGroup\"",
    ] {
        for format in LOSSLESS {
            let before = with_raw(raw);
            let file = written(format, std::slice::from_ref(&before));

            let after = parsed(&read_file(&file));

            let text = String::from_utf8_lossy(&file);
            assert_eq!(after.len(), 1, "{format:?}:\n{text}");
            assert_eq!(after[0].contact.given_name, "Ada");
            assert_eq!(after[0].contact.raw_properties.len(), 1, "{text}");
            comes_back_in(format, &after[0]);
        }
    }
}

#[test]
fn no_raw_property_changes_what_a_card_says() {
    for pointer in [
        "emails/1/address",
        "emails/1/pref",
        "emails/1",
        "uid",
        "@type",
        "name/full",
        "name/components/0/value",
    ] {
        let raw = format!("JSPROP;JSPTR=\"{pointer}\":\"eve@example.com\"");
        let before = with_raw(&raw).contact;

        let file = written(ExportFormat::JsContact, &[with_raw(&raw)]);

        let mut after = contacts(&read_file(&file)).remove(0);
        after.raw_properties.clear();
        let mut before = before;
        before.raw_properties.clear();
        assert_eq!(after, before, "{pointer}");
    }
}

#[test]
fn a_uid_that_is_too_long_is_kept() {
    let uid = format!("a,{}", "x".repeat(limits::UID));
    let lines = format!("FN:Ada\nUID:{}", uid.replace(',', "\\,"));
    let json = json!({"@type": "Card", "uid": uid, "name": {"full": "Ada"}});
    for card in [card(&lines), card_of(&json.to_string())] {
        let mut ada = parsed(&[card]).remove(0);
        assert_eq!(ada.contact.uid, "");
        comes_back(&ada);
        // A server gives it one.
        ada.contact.uid = "b".into();
        comes_back(&ada);
        let kept = &ada.contact.raw_properties[0];
        assert!(kept.ends_with(&uid.replace(',', "\\,")), "{kept}");
    }
}

#[test]
fn members_of_what_is_not_a_group_are_kept() {
    let ada = parsed(&[card("FN:Ada\nMEMBER:urn:uuid:1")]).remove(0);

    assert_eq!(ada.contact.raw_properties, ["MEMBER:urn:uuid:1"]);
    comes_back(&ada);
}

#[test]
fn names_of_groups_are_cut() {
    let long = "x".repeat(limits::LABEL + 50);
    let json = json!({"@type": "Card", "kind": "group", "name": {"full": long}});
    let cards = [
        card(&format!("KIND:group\nFN:{long}")),
        card_of(&json.to_string()),
        card_of(&json!({"@type": "CardGroup", "name": long}).to_string()),
    ];
    for card in cards {
        let Ok(Entry::Group(group)) = card.outcome else {
            panic!("{card:?}");
        };
        assert_eq!(group.name, long[..limits::LABEL]);
    }
}

#[test]
fn a_text_that_is_encoded_in_part_is_read_the_same_again() {
    for value in [
        b"M=FC\xfcller".as_slice(),
        b"M\xc3=BCller",
        "M=C3=BCüller=0D=0A".as_bytes(),
        b"\xfc a\\=0D=0Ab=0Ac\\\\=0Ad",
        b"\xfc=00=1B=7F",
    ] {
        for head in [
            "NOTE;X-A=b;ENCODING=QUOTED-PRINTABLE:",
            "ROLE;ENCODING=QUOTED-PRINTABLE:",
            "NOTE;X-A=b;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:",
            "FN;X-A=b;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:",
        ] {
            let lines = [head.as_bytes(), value].concat();
            let file = [b"BEGIN:VCARD\nN:Ada\n", &*lines, b"\nEND:VCARD\n"].concat();

            let read = parsed(&read_file(&file)).remove(0);

            comes_back(&read);
        }
    }
}

#[test]
fn of_members_with_one_name_the_last_counts() {
    let card = card_of(
        "{\"@type\":\"Card\",\"uid\":\"a\",\"name\":{\"full\":\"Ada\"},\"uid\":\"b\",\
         \"name\":{\"full\":\"Eve\",\"full\":\"Bob\"}}",
    );

    let bob = parsed(&[card]).remove(0);

    assert_eq!(bob.contact.uid, "b");
    assert_eq!(bob.contact.formatted_name, "Bob");
    comes_back(&bob);
}

#[test]
fn every_format_knows_the_same_types_of_photos() {
    for (written, media_type) in [("JPG", "image/jpeg"), ("x-png", "image/png"), ("x", "")] {
        let jsons = [
            json!({"kind": "photo", "uri": format!("data:image/{written};base64,AAAA")}),
            json!({"kind": "photo", "uri": "data:;base64,AAAA", "mediaType": written}),
        ];
        let mut cards = vec![
            card(&format!(
                "FN:A\nPHOTO;ENCODING=b;TYPE=WORK;TYPE={written}:AAAA"
            )),
            card(&format!("FN:A\nPHOTO:data:image/{written};base64,AAAA")),
        ];
        cards.extend(jsons.map(|entry| {
            let card = json!({"@type": "Card", "media": {"1": entry}});
            card_of(&card.to_string())
        }));
        let line = json!({"photo": {"mediaType": written}, "photoData": "AAAA"});
        cards.push(card_of(&line.to_string()));
        for parsed in parsed(&cards) {
            let photo = parsed.photo.as_ref().unwrap();
            assert_eq!(photo.media_type, media_type);
            if parsed.contact.photo.is_none() {
                comes_back(&parsed);
            }
        }
    }
}

#[test]
fn a_title_that_was_kept_stays_with_its_organization() {
    for lines in [
        "FN:A\nORG:One;Research\nORG:Two\nORG:Three\nTITLE;ALTID=1:Boss\nTITLE:Patron",
        "FN:A\nB.ORG:One\nORG:Two\nC.TITLE;ALTID=1;LANGUAGE=en:Boss",
        "FN:A\nB.ORG:One\nORG:Two\nB.TITLE;ALTID=1:Boss\nTITLE;ALTID=1:Two's",
        "FN:A\nORG:One\nTITLE;ALTID=1:Boss",
    ] {
        let before = parsed(&[card(lines)]).remove(0);
        assert_eq!(before.contact.organizations[0].title, "Boss");
        comes_back(&before);
        let vcard = written(LOSSLESS[0], std::slice::from_ref(&before));
        let vcard = String::from_utf8(vcard).unwrap();
        assert_eq!(vcard.matches("Boss").count(), 1, "{vcard}");
    }
}

#[test]
fn a_title_stays_with_its_organization_when_another_loses_its_own() {
    let lines = "FN:A\nORG;X-A=1:One\nORG;X-A=2:Two\nTITLE;X-A=3:Boss\nTITLE;X-A=4:Patron";
    let mut edited = parsed(&[card(lines)]).remove(0);
    edited.contact.organizations[0].title.clear();

    for format in LOSSLESS {
        let file = written(format, std::slice::from_ref(&edited));
        let again = parsed(&read_file(&file)).remove(0);
        let text = String::from_utf8_lossy(&file);
        let organizations = &again.contact.organizations;
        assert_eq!(*organizations, edited.contact.organizations, "{text}");
    }
}
