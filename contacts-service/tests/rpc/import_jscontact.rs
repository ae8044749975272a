//! Files of JSContact are imported.

use proto::contacts::v1::{Contact, ImportConflict, ImportFormat, ImportHeader, ImportOutcome};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_refused, reason_in_batch};

const PEOPLE: &str = include_str!("../../../card-formats/samples/people.json");

fn header(format: ImportFormat) -> ImportHeader {
    ImportHeader {
        format: format.into(),
        default_region: "GB".into(),
        ..ImportHeader::default()
    }
}

fn check_ada(ada: &Contact) {
    assert_eq!(ada.uid, "urn:uuid:5f1b0c52-0000-4000-8000-00000000000a");
    assert_eq!(ada.given_name, "Ada");
    assert_eq!(ada.organizations[0].title, "Programmer");
    assert_eq!(ada.emails.len(), 3);
    assert_eq!(ada.phones[0].e164, "+442079460000");
    assert_eq!(ada.phones[0].extension, "77");
    assert_eq!(ada.birthday.unwrap().year, 1815);
    // Of the group, which follows her, too.
    assert_eq!(ada.labels, ["science", "poetry, old", "Mathematicians"]);
    let kept = |text: &str| ada.raw_properties.iter().any(|raw| raw.starts_with(text));
    assert!(kept("JSPROP;JSPTR=\"personalInfo\":"));
    assert!(kept("X-TEXT;VALUE=text:"));
}

#[tokio::test]
async fn cards_and_groups_are_imported() {
    for format in [ImportFormat::Unspecified, ImportFormat::Jscontact] {
        let app = App::start().await;
        let owner = app.owner();

        let imported = owner.import(header(format), PEOPLE).await;

        assert_eq!(imported.counts(), [2, 1, 0, 0], "{:?}", imported.rows);
        let contacts = owner.bare().await;
        check_ada(contacts.iter().find(|one| one.given_name == "Ada").unwrap());
        let bob = contacts.iter().find(|one| one.uid == "b").unwrap();
        assert_eq!(bob.labels, ["Mathematicians"]);
    }
}

#[tokio::test]
async fn the_same_cards_again_change_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    owner.import(header(ImportFormat::Jscontact), PEOPLE).await;
    let version = app.version(&owner).await;
    let update = ImportHeader {
        on_conflict: ImportConflict::Update.into(),
        ..header(ImportFormat::Jscontact)
    };

    let again = owner.import(update, PEOPLE).await;

    assert_eq!(again.counts(), [0, 0, 3, 0], "{:?}", again.rows);
    assert_eq!(app.version(&owner).await, version);
}

#[tokio::test]
async fn a_bad_card_of_an_array_is_named() {
    let app = App::start().await;
    let owner = app.owner();
    let deep = "[".repeat(100);
    let file = format!(
        "[{{\"@type\":\"Card\",\"name\":{{\"full\":\"Ada\"}}}},\n\
         {{\"@type\":\"Card\",\"name\":}},\n\
         {{\"@type\":\"Card\",\"x\":{deep}}},\n\
         {{\"@type\":\"Card\",\"name\":{{\"full\":\"Bob\"}}}}]"
    );

    let imported = owner.import(header(ImportFormat::Jscontact), &file).await;

    assert_eq!(imported.counts(), [2, 0, 0, 2], "{:?}", imported.rows);
    let failed = ImportOutcome::Failed;
    assert_eq!(imported.lines(), [(2, failed), (3, failed)]);
    let reasons = imported
        .rows
        .iter()
        .map(|row| reason_in_batch::<()>(&Err(row.status.clone().unwrap())));
    let expected = ["CARD_MALFORMED", "CARD_TOO_LARGE"];
    assert_eq!(reasons.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn another_file_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    for file in ["BEGIN:VCARD\nFN:Ada\nEND:VCARD\n", "[\"vcard\",[]]"] {
        let imported = owner.import(header(ImportFormat::Jscontact), file).await;

        assert_refused::<()>(
            Err(imported.error.unwrap()),
            Code::InvalidArgument,
            "IMPORT_FORMAT_INVALID",
        );
    }
}
