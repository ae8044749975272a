//! Tables of Outlook, and tables with a map of their columns.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Card, Column, Format, FormatError, Options, Reader};
use proto::contacts::v1::{Contact, Date};
use reading::{contacts, read_file};

const ENGLISH: &str = include_str!("../samples/outlook-en.csv");
const GERMAN: &str = include_str!("../samples/outlook-de.csv");

fn only(file: &[u8]) -> Contact {
    let mut contacts = contacts(&read_file(file));
    assert_eq!(contacts.len(), 1);
    contacts.remove(0)
}

fn date(year: i32, month: i32, day: i32) -> Date {
    Date { year, month, day }
}

fn is_ada(ada: &Contact) {
    assert_eq!(ada.name_prefix, "Dr.");
    assert_eq!(
        (ada.given_name.as_str(), ada.family_name.as_str()),
        ("Ada", "Müller")
    );
    assert_eq!(ada.organizations[0].name, "Beispiel GmbH");
    assert_eq!(ada.organizations[0].department, "Forschung");
    assert_eq!(ada.organizations[0].title, "Leiterin");
    let work = &ada.addresses[0];
    assert_eq!(work.label, "work");
    assert_eq!(work.street, "Hauptstraße 1\nHinterhaus");
    assert_eq!(
        (work.city.as_str(), work.postal_code.as_str()),
        ("Köln", "50667")
    );
    let phones: Vec<_> = ada
        .phones
        .iter()
        .map(|phone| (phone.number.as_str(), phone.label.as_str()))
        .collect();
    assert_eq!(
        phones,
        [
            ("+49 221 5550100", "work"),
            ("+49 221 5550101", "home"),
            ("+49 151 5550102", "mobile"),
            ("+49 221 5550103", "work fax")
        ]
    );
    let emails: Vec<_> = ada
        .emails
        .iter()
        .map(|email| email.address.as_str())
        .collect();
    assert_eq!(emails, ["ada@example.com", "ada2@example.com"]);
    assert_eq!(ada.birthday, Some(date(1990, 3, 31)));
    assert_eq!(ada.events, []);
    assert_eq!(ada.labels, ["Freunde", "Verein"]);
    assert_eq!(ada.relations[0].label, "spouse");
    assert_eq!(ada.notes, "erste Zeile\nzweite Zeile");
    assert_eq!(ada.urls[0].url, "https://example.com");
    assert_eq!(ada.custom_fields.len(), 1, "{:?}", ada.custom_fields);
}

#[test]
fn a_table_in_english_is_read() {
    is_ada(&only(ENGLISH.as_bytes()));
    is_ada(&only(format!("\u{feff}{ENGLISH}").as_bytes()));
    is_ada(&only(ENGLISH.replace('\n', "\r\n").as_bytes()));
}

#[test]
fn a_table_in_german_is_read() {
    is_ada(&only(GERMAN.as_bytes()));
}

#[test]
fn encodings_and_separators_are_recognized() {
    for text in [ENGLISH, GERMAN] {
        let (bytes, _, has_errors) = encoding_rs::WINDOWS_1252.encode(text);
        assert!(!has_errors);
        is_ada(&only(&bytes));
        let wide: Vec<u16> = "\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .collect();
        let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        is_ada(&only(&little));
        is_ada(&only(&little[2..]));
        is_ada(&only(&big));
    }
    is_ada(&only(
        GERMAN
            .replace(';', "\t")
            .replace("Freunde\t", "Freunde;")
            .as_bytes(),
    ));
    is_ada(&only(format!("sep=;\n{GERMAN}").as_bytes()));
}

#[test]
fn other_languages_are_read() {
    for file in [
        include_str!("../samples/outlook-fr.csv"),
        include_str!("../samples/outlook-es.csv"),
        include_str!("../samples/outlook-pl.csv"),
        include_str!("../samples/outlook-uk.csv"),
    ] {
        let zoe = only(file.as_bytes());
        assert_eq!(zoe.name_prefix, "Dr.", "{file}");
        assert_eq!(zoe.given_name, "Zoë");
        assert_eq!(zoe.family_name, "Noël");
        assert_eq!(zoe.organizations[0].name, "Muster");
        assert_eq!(zoe.organizations[0].title, "Chef");
        assert_eq!(zoe.addresses[0].street, "1 Main St\nBack");
        assert_eq!(zoe.addresses[0].postal_code, "75001");
        assert_eq!(zoe.addresses[1].postal_code, "10115");
        let phones = zoe.phones.iter().map(|phone| phone.label.as_str());
        assert_eq!(phones.collect::<Vec<_>>(), ["work", "mobile"]);
        assert_eq!(
            (
                zoe.addresses[0].city.as_str(),
                zoe.addresses[0].label.as_str()
            ),
            ("Paris", "work")
        );
        assert_eq!(zoe.emails[0].address, "zoe@example.com");
        assert_eq!(zoe.emails[1].address, "z@example.com");
        assert_eq!(zoe.birthday, Some(date(1990, 4, 3)), "{file}");
        assert!(zoe.custom_fields.is_empty(), "{:?}", zoe.custom_fields);
    }
}

#[test]
fn encodings_of_eastern_europe_are_recognized() {
    for (file, encoding) in [
        (
            include_str!("../samples/outlook-pl.csv"),
            encoding_rs::WINDOWS_1250,
        ),
        (
            include_str!("../samples/outlook-uk.csv"),
            encoding_rs::WINDOWS_1251,
        ),
    ] {
        let file = file.replace('ë', "e").replace('\u{2019}', "'");
        let (bytes, _, has_errors) = encoding.encode(&file);
        assert!(!has_errors, "{file}");
        let zoe = only(&bytes);
        assert_eq!(zoe.family_name, "Noel");
        assert_eq!(zoe.addresses[0].city, "Paris");
        assert!(zoe.custom_fields.is_empty(), "{:?}", zoe.custom_fields);
    }
}

/// As a program of the same company has them.
#[test]
fn columns_of_other_languages_have_their_fields() {
    for (names, street, city) in [
        (
            ["Vorname", "Weitere Straße", "Weiterer Ort"],
            "other",
            "other",
        ),
        (
            ["Prénom", "Rue (autre)", "Ville (domicile)"],
            "other",
            "home",
        ),
        (["Nombre", "Otra calle", "Otra ciudad"], "other", "other"),
        (
            ["Imię", "Inny adres - ulica", "Adres domowy - miejscowość"],
            "other",
            "home",
        ),
        (
            ["Ім'я", "Вулиця (інша адреса)", "Місто (дом. адреса)"],
            "other",
            "home",
        ),
    ] {
        let contact = only(format!("{}\nAda;Street;City\n", names.join(";")).as_bytes());
        let labels = |text: &str| {
            let mut addresses = contact.addresses.iter();
            let address = addresses.find(|address| address.street == text || address.city == text);
            address.unwrap().label.clone()
        };
        assert_eq!(
            (labels("Street").as_str(), labels("City").as_str()),
            (street, city)
        );
    }
}

#[test]
fn an_address_that_is_not_one_is_kept() {
    let contact = only(b"First Name,E-mail Address\nAda,/o=Example/cn=Ada\n");

    assert_eq!(contact.emails, []);
    assert_eq!(contact.custom_fields["E-mail"], "/o=Example/cn=Ada");
}

fn mapped(columns: &[(&str, &str)], text: &str) -> Result<Vec<Card>, FormatError> {
    let columns = columns.iter().map(|(header, field)| Column {
        header: (*header).into(),
        field: (*field).into(),
    });
    let format = Format::MappedCsv(columns.collect());
    let mut reader = Reader::new(format, &Options::default());
    reader.push(text.as_bytes());
    reader.finish();
    let mut cards = Vec::new();
    while let Some(card) = reader.next()? {
        cards.push(card);
    }
    Ok(cards)
}

#[test]
fn a_map_says_what_the_columns_are() {
    let columns = [
        ("Who", "given_name"),
        ("Mail", "emails[0].address"),
        ("Mail kind", "emails[0].label"),
        ("Best", "emails[0].primary"),
        ("Second", "emails[1].address"),
        ("Tags", "labels"),
        ("Town", "addresses[0].city"),
        ("Born", "birthday"),
    ];
    let text = "Who;Mail;mail kind;Best;Second;Tags;Town;Born;Rest\n".to_owned()
        + "Ada;a@example.com;work;yes;b@example.com;One,Two;Ulm;31.03.1990;kept\n";
    let cards = mapped(&columns, &text).unwrap();

    let ada = &contacts(&cards)[0];
    assert_eq!(ada.given_name, "Ada");
    assert_eq!(ada.emails[0].label, "work");
    assert!(ada.emails[0].primary);
    assert_eq!(ada.emails[1].address, "b@example.com");
    assert_eq!(ada.labels, ["One", "Two"]);
    assert_eq!(ada.addresses[0].city, "Ulm");
    assert_eq!(ada.birthday, Some(date(1990, 3, 31)));
    assert_eq!(ada.custom_fields["Rest"], "kept");

    assert!(mapped(&[("Who", "emails[0].nothing")], &text).is_err());
    assert!(mapped(&[("Nobody", "given_name")], &text).is_err());
}

#[test]
fn another_table_is_not_taken_for_one_of_contacts() {
    for (format, text) in [
        (Format::Auto, "Date,Amount\n1,2\n"),
        (Format::Auto, "hello"),
        (Format::GoogleCsv, "Date,Amount\n1,2\n"),
        (Format::OutlookCsv, "Date,Amount\n1,2\n"),
    ] {
        let mut reader = Reader::new(format, &Options::default());
        reader.push(text.as_bytes());
        reader.finish();
        assert!(reader.next().is_err(), "{text}");
        assert!(reader.next().is_err());
    }
}
