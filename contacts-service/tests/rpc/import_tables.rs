//! Tables are imported.

use proto::contacts::v1::{Contact, ImportColumn, ImportFormat, ImportHeader, ImportOutcome};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_refused, fields};

const GOOGLE_OLD: &str = include_str!("../../../card-formats/samples/google-old.csv");
const GOOGLE_NEW: &str = include_str!("../../../card-formats/samples/google-new.csv");
const OUTLOOK: &str = include_str!("../../../card-formats/samples/outlook-en.csv");

fn header(format: ImportFormat) -> ImportHeader {
    ImportHeader {
        format: format.into(),
        ..ImportHeader::default()
    }
}

/// The contacts of a table, by their names.
async fn imported(header: ImportHeader, file: &[u8]) -> Vec<Contact> {
    let app = App::start().await;
    let owner = app.owner();
    let imported = owner.import(header, file).await;
    let contacts = owner.bare().await;
    let count = i64::try_from(contacts.len()).unwrap();
    assert_eq!(imported.counts(), [count, 0, 0, 0], "{:?}", imported.rows);
    contacts
}

#[tokio::test]
async fn both_tables_of_google_are_imported() {
    for format in [ImportFormat::Unspecified, ImportFormat::GoogleCsv] {
        let old = imported(header(format), GOOGLE_OLD.as_bytes()).await;
        let ada = old.iter().find(|one| one.given_name == "Ada").unwrap();
        assert_eq!(ada.emails.len(), 3);
        assert_eq!(ada.phones[1].e164, "+442079460001");
        assert_eq!(ada.organizations[0].department, "Research");
        assert_eq!(ada.labels, ["Friends"]);
        assert!(ada.starred);
        assert_eq!(ada.birthday.unwrap().day, 10);

        let new = imported(header(format), GOOGLE_NEW.as_bytes()).await;
        let grace = new.iter().find(|one| one.given_name == "Grace").unwrap();
        assert_eq!(grace.labels, ["Navy"]);
        assert_eq!(grace.phones[0].e164, "+12025550143");
        assert_eq!(grace.custom_fields["Rank"], "Rear admiral");
        assert_eq!(new.len(), 2);
    }
}

#[tokio::test]
async fn tables_of_outlook_are_imported_in_any_encoding() {
    let latin: Vec<u8> = OUTLOOK.chars().map(|c| c as u8).collect();
    let wide: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(OUTLOOK.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (file, warnings) in [(OUTLOOK.as_bytes(), 0), (&latin, 1), (&wide, 0)] {
        let app = App::start().await;
        let owner = app.owner();

        let imported = owner.import(header(ImportFormat::OutlookCsv), file).await;

        assert_eq!(imported.counts(), [1, 0, 0, 0], "{:?}", imported.rows);
        assert_eq!(imported.rows.len(), warnings, "{:?}", imported.rows);
        let ada = &owner.bare().await[0];
        assert_eq!(ada.family_name, "Müller");
        assert_eq!(ada.addresses[0].street, "Hauptstraße 1\nHinterhaus");
        assert_eq!(ada.labels, ["Freunde", "Verein"]);
    }
}

#[tokio::test]
async fn a_table_with_a_map_of_its_columns_is_imported() {
    let columns = [
        ("Rufname", "given_name"),
        ("Nachname", "family_name"),
        ("Mail", "emails[0].address"),
        ("Art", "emails[0].label"),
        ("Geboren", "birthday"),
        ("Verein", "labels"),
    ];
    let header = ImportHeader {
        columns: columns
            .map(|(header, field)| ImportColumn {
                header: header.into(),
                field: field.into(),
            })
            .into(),
        ..header(ImportFormat::MappedCsv)
    };
    let file = "Rufname;Nachname;Mail;Art;Geboren;Verein;Beitrag\n\
                Ada;Müller;ada@example.com;work;1815-12-10;Chor;12,50\n";

    let contacts = imported(header.clone(), file.as_bytes()).await;

    let [ada] = contacts.as_slice() else {
        panic!("{contacts:?}");
    };
    assert_eq!((&*ada.given_name, &*ada.family_name), ("Ada", "Müller"));
    assert_eq!(ada.emails[0].address, "ada@example.com");
    assert_eq!(ada.emails[0].label, "work");
    assert_eq!(ada.birthday.unwrap().month, 12);
    assert_eq!(ada.labels, ["Chor"]);
    assert_eq!(ada.custom_fields["Beitrag"], "12,50");

    let app = App::start().await;
    let owner = app.owner();
    let mut wrong = header;
    wrong.columns[0].field = "shoe_size".into();
    let imported = owner.import(wrong, file).await;
    let error = imported.error.unwrap();
    assert!(
        error
            .message()
            .contains("\"shoe_size\" for the column \"Rufname\"")
    );
    assert_eq!(fields(&error), ["header.columns[0].field"]);
    assert_refused::<()>(Err(error), Code::InvalidArgument, "FIELD_INVALID");
}

#[tokio::test]
async fn a_bad_row_costs_only_itself_and_is_named() {
    let app = App::start().await;
    let owner = app.owner();
    let wide = ",".repeat(10_000);
    let file = format!(
        "First Name,Last Name,Birthday,E-mail 1 - Value\n\
         Ada,King,1815-12-10,ada@example.com\n\
         Bob,{wide}\n\
         Eve,\"open,,\n\
         Joe,King,soon,nobody\n\
         ,,,\n\
         Kim,King,,kim@example.com\n"
    );

    let imported = owner.import(header(ImportFormat::GoogleCsv), &file).await;

    assert_eq!(imported.counts(), [3, 0, 0, 2], "{:?}", imported.rows);
    let (failed, created) = (ImportOutcome::Failed, ImportOutcome::Created);
    assert_eq!(imported.lines(), [(3, failed), (4, failed), (5, created)]);
    let joe = &imported.rows[2];
    assert_eq!(joe.warnings.len(), 2, "{:?}", joe.warnings);
    assert!(file[usize::try_from(joe.byte_offset).unwrap()..].starts_with("Joe"));
}

#[tokio::test]
async fn a_table_again_with_the_same_id_changes_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let header = || ImportHeader {
        import_id: "table-1".into(),
        ..header(ImportFormat::Unspecified)
    };
    owner.import(header(), GOOGLE_OLD).await;
    let version = app.version(&owner).await;

    let again = owner.import(header(), GOOGLE_OLD).await;

    assert_eq!(again.counts(), [0, 0, 2, 0], "{:?}", again.rows);
    assert_eq!(app.version(&owner).await, version);
}
