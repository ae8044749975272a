//! Cards as many programs write them, beside those that have a sample of their own.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{ExportFormat, Parsed, VCardVersion};
use proto::contacts::v1::Contact;
use reading::{parsed, read_file, written};

fn cards() -> Vec<Parsed> {
    let cards = read_file(include_bytes!("../samples/others.vcf"));
    assert!(cards.iter().all(|card| card.outcome.is_ok()));
    parsed(&cards)
}

fn contact(name: &str) -> Contact {
    let mut contacts = cards().into_iter().map(|parsed| parsed.contact);
    let is_it = |one: &Contact| [&one.formatted_name, &one.given_name].contains(&&name.to_owned());
    contacts.find(is_it).unwrap()
}

fn has_raw(contact: &Contact, start: &str) -> bool {
    contact
        .raw_properties
        .iter()
        .any(|raw| raw.starts_with(start))
}

#[test]
fn evolution() {
    let jane = contact("Jane");

    let relations: Vec<_> = jane
        .relations
        .iter()
        .map(|one| (one.label.as_str(), one.name.as_str()))
        .collect();
    assert_eq!(
        relations,
        [("spouse", "Mario"), ("assistant", "Little Red")]
    );
    assert_eq!(jane.middle_name, "Richter, James");
    assert_eq!(jane.organizations[0].department, "Accounting, Dungeon");
    assert_eq!(jane.phones[1].label, "work");
    assert_eq!(jane.events[0].date.unwrap().day, 23);
    assert!(has_raw(&jane, "X-EVOLUTION-FILE-AS:"));
    assert!(has_raw(&jane, "TEL;X-COUCHDB-UUID="));
}

#[test]
fn old_mozilla() {
    let mark = contact("Mark");

    assert_eq!(mark.phones[0].label, "fax");
    assert_eq!(mark.phones[1].number, "+1 (418) 555 0113 #3663");
    assert_eq!(mark.addresses[0].street, "565 Blossom Road\nSuite A");
    assert_eq!(mark.notes, "GPG key: http://www.example.com/mark.asc");
    assert!(has_raw(&mark, "x-mozilla-cpt:"));
}

#[test]
fn outlook() {
    let parsed = cards().remove(2);
    let jurgen = parsed.contact;

    assert_eq!(jurgen.family_name, "Müller");
    assert_eq!(jurgen.addresses[0].street, "Hauptstraße 1\nHinterhaus");
    assert_eq!(jurgen.addresses[0].city, "Köln");
    assert_eq!(jurgen.events[0].label, "anniversary");
    assert!(jurgen.emails[0].primary);
    assert_eq!(parsed.photo.unwrap().media_type, "image/jpeg");
    for name in ["LABEL;", "KEY;", "X-MS-CARDPICTURE;", "ROLE:", "N;"] {
        assert!(has_raw(&jurgen, name), "{name}");
    }
}

#[test]
fn apple() {
    let parsed = cards().remove(3);
    let joan = &parsed.contact;

    assert_eq!(joan.emails[0].label, "Not of a label, but of a group");
    assert_eq!(joan.phones[0].label, "homepage");
    assert_eq!(joan.organizations[0].department, "Only a department");
    // Which part of the photo is shown.
    for version in [VCardVersion::V3, VCardVersion::V4] {
        let file = written(ExportFormat::VCard(version), std::slice::from_ref(&parsed));
        let file = String::from_utf8(file).unwrap().replace("\r\n ", "");
        assert!(
            file.contains(";X-ABCROP-RECTANGLE=ABClipRect_1&11&11&25&25&ZNtYcAgH/lm2pubKd1ul0g==:")
        );
        assert_eq!(file.matches("PHOTO").count(), 1, "{file}");
    }
}

#[test]
fn samsung() {
    let anna = contact("Анна");

    assert_eq!(anna.nickname, "Anja");
    assert_eq!(anna.phones[0].label, "Дача");
    assert_eq!(anna.emails[0].label, "Cabin");
    assert_eq!(anna.notes, "1\n2");
    assert_eq!(anna.birthday.unwrap().year, 0);
    assert_eq!(anna.events[0].label, "Name day");
    assert_eq!(anna.relations[0].label, "Godfather");
    assert!(has_raw(&anna, "X-SAMSUNGADR;"));
}

#[test]
fn kaddressbook() {
    let konrad = contact("Konrad");

    let relations = konrad.relations.iter().map(|one| one.label.as_str());
    assert_eq!(relations.collect::<Vec<_>>(), ["assistant", "spouse"]);
    assert_eq!(konrad.events[0].label, "anniversary");
    assert_eq!(konrad.labels, ["eins,zwei", "drei", "vier"]);
    for name in ["GEO:", "TZ:", "SOUND;", "LOGO;", "AGENT:", "KEY;", "CLASS:"] {
        assert!(has_raw(&konrad, name), "{name}");
    }
}

#[test]
fn the_examples_of_rfc_6350() {
    let jane = cards().remove(6).contact;

    assert_eq!(jane.formatted_name, "Jane Public");
    assert_eq!(jane.family_name, "Public");
    assert_eq!(jane.middle_name, "Q. R.");
    assert_eq!(jane.birthday.unwrap().year, 1953);
    assert_eq!(jane.date_of_death.unwrap().month, 0);
    assert_eq!(jane.phones[0].number, "+1-555-555-0100 ext. 5555");
    assert_eq!(jane.emails[1].label, "home work");
    assert_eq!(jane.addresses[0].country_code, "US");
    assert_eq!(jane.addresses[1].street, "second, third");
    assert_eq!(
        jane.notes,
        "This fax number is operational 0800 to 1715\n\nDeuxième note"
    );
    assert!(has_raw(&jane, "RELATED;TYPE=friend:urn:uuid:"));
    assert!(has_raw(&jane, "BDAY;VALUE=text:circa 1800"));
}

#[test]
fn what_is_said_twice_is_kept() {
    let first = contact("First");

    assert_eq!(first.family_name, "One");
    assert_eq!(first.birthday.unwrap().year, 1990);
    let second: Vec<_> = first
        .raw_properties
        .iter()
        .filter(|raw| raw.contains(";X-ADDRESSBOOK-SECOND=1"))
        .collect();
    assert_eq!(second.len(), 9, "{second:#?}");
    assert!(has_raw(&first, "BDAY;X-ADDRESSBOOK-SECOND=1:1991-01-01"));
    assert!(has_raw(&first, "DEATHDATE;X-ADDRESSBOOK-SECOND=1;X-A=1:"));
    assert!(has_raw(&first, "UID;X-ADDRESSBOOK-SECOND=1:two"));
    assert_eq!(first.custom_fields["key"], "value");
}
