//! Files of contacts are imported.

use proto::contacts::v1::{Contact, ImportFormat, ImportHeader, ImportOutcome};
use tonic::Code;

use crate::app::{App, book};
use crate::owner_imports::{chunk, import_message};
use crate::refusal::{assert_refused, reason_in_batch};

pub const SAMPLES: [&str; 7] = [
    include_str!("../../../card-formats/samples/iphone.vcf"),
    include_str!("../../../card-formats/samples/google.vcf"),
    include_str!("../../../card-formats/samples/outlook.vcf"),
    include_str!("../../../card-formats/samples/android.vcf"),
    include_str!("../../../card-formats/samples/nextcloud.vcf"),
    include_str!("../../../card-formats/samples/nokia.vcf"),
    include_str!("../../../card-formats/samples/groups.vcf"),
];

/// A vCard file of people with these names.
pub fn people(names: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let cards = names.into_iter().map(|name| {
        let lines = [
            "BEGIN:VCARD",
            "VERSION:3.0",
            &format!("FN:{name}"),
            "END:VCARD",
            "",
        ];
        lines.join("\r\n")
    });
    cards.collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn files_of_all_programs_become_contacts() {
    let app = App::start().await;
    let owner = app.owner();

    let imported = owner
        .import(ImportHeader::default(), SAMPLES.concat())
        .await;

    // The last two are the groups, which gave their labels.
    assert_eq!(imported.counts(), [10, 2, 0, 0], "{:?}", imported.rows);
    let contacts = owner.bare().await;
    let john = contacts.iter().find(|contact| contact.given_name == "John");
    let john = john.unwrap();
    assert_eq!(john.uid, "1A2B3C4D-0000-4000-8000-00000000000A");
    assert_eq!(john.phones[3].e164, "+49305550123");
    assert_eq!(john.labels, ["Friends", "Family, close"]);
    let ben = contacts.iter().find(|contact| contact.given_name == "Ben");
    assert_eq!(ben.unwrap().labels, ["Knitting", "Rowing"]);
}

#[tokio::test]
async fn a_bad_card_costs_only_itself_and_is_named() {
    let app = App::start().await;
    let owner = app.owner();
    let file = "BEGIN:VCARD\nFN:Good\nEND:VCARD\n\
                BEGIN:VCARD\nEND:VCARD\n\
                nonsense\n\
                BEGIN:VCARD\nNOTE:Nobody\nEND:VCARD\n\
                BEGIN:VCARD\nFN:Odd\nBDAY:12/04/1985\nEND:VCARD\n\
                BEGIN:VCARD\nFN:Last\nEND:VCARD\n";

    let imported = owner.import(ImportHeader::default(), file).await;

    assert_eq!(imported.counts(), [3, 0, 0, 3]);
    let failed = ImportOutcome::Failed;
    let created = ImportOutcome::Created;
    let lines = [(4, failed), (6, failed), (7, failed), (10, created)];
    assert_eq!(imported.lines(), lines);
    let reasons = imported.rows[..3]
        .iter()
        .map(|row| reason_in_batch::<()>(&Err(row.status.clone().unwrap())));
    let expected = ["CARD_EMPTY", "CARD_MALFORMED", "CONTACT_EMPTY"];
    assert_eq!(reasons.collect::<Vec<_>>(), expected);
    let odd = &imported.rows[3];
    assert_eq!(odd.excerpt, "FN:Odd | BDAY:12/04/1985");
    assert_eq!(odd.warnings.len(), 1);
    assert_eq!(
        owner.get(&odd.contact_id).await.unwrap().formatted_name,
        "Odd"
    );
    let at = usize::try_from(odd.byte_offset).unwrap();
    assert!(file[at..].starts_with("BEGIN:VCARD\nFN:Odd"));
}

#[tokio::test]
async fn lines_of_json_are_imported() {
    let app = App::start().await;
    let owner = app.owner();
    let header = ImportHeader {
        format: ImportFormat::JsonLines.into(),
        labels: vec!["Imported".into()],
        default_region: "DE".into(),
        ..ImportHeader::default()
    };
    let file = "{\"givenName\":\"Ada\",\"phones\":[{\"number\":\"030 5550123\"}],\"starred\":true}\n\
                {\"givenName\":\"Gone\",\"deleteTime\":\"2024-01-01T00:00:00Z\"}\n{}\n";

    let imported = owner.import(header, file).await;

    assert_eq!(imported.counts(), [1, 0, 0, 2]);
    let ada = &owner.bare().await[0];
    assert!(ada.starred);
    assert_eq!(ada.labels, ["Imported"]);
    assert_eq!(ada.phones[0].e164, "+49305550123");
}

#[tokio::test]
async fn many_contacts_are_stored_in_parts() {
    let app = App::start().await;
    let owner = app.owner();
    let file = people((0..1200).map(|number| format!("Person {number}")));

    let imported = owner.import(ImportHeader::default(), &file).await;

    assert_eq!(imported.counts(), [1200, 0, 0, 0]);
    assert_eq!(owner.total_size().await, 1200);
    let rows: Vec<_> = imported
        .progress
        .iter()
        .map(|progress| progress.rows)
        .collect();
    assert_eq!(rows, [500, 1000, 1200]);
    let bytes = imported.progress.last().unwrap().bytes;
    assert_eq!(usize::try_from(bytes).unwrap(), file.len());
    assert_eq!(app.version(&owner).await, 3);
}

#[tokio::test]
async fn a_dry_run_reports_the_same_and_stores_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let known = Contact {
        uid: "AAAA-1".into(),
        ..crate::sample::ada()
    };
    owner.has(known).await;
    let before = book(&app, owner.user).await;
    let file = [SAMPLES.concat(), "BEGIN:VCARD\nEND:VCARD\n".into()].concat();
    let header = |validate_only| ImportHeader {
        validate_only,
        on_conflict: proto::contacts::v1::ImportConflict::Update.into(),
        ..ImportHeader::default()
    };

    let dry = owner.import(header(true), &file).await;

    assert_eq!(book(&app, owner.user).await, before);
    let real = owner.import(header(false), &file).await;
    assert_eq!(dry.counts(), real.counts());
    assert_eq!(dry.lines(), real.lines());
}

#[tokio::test]
async fn a_full_address_book_ends_the_import() {
    let app = App::with_quota(3).await;
    let owner = app.owner();

    let imported = owner.import(ImportHeader::default(), people(0..10)).await;

    assert_eq!(owner.total_size().await, 3);
    assert_eq!(imported.progress.last().unwrap().rows, 10);
    let error = imported.error.unwrap();
    assert_refused::<()>(
        Err(error),
        Code::ResourceExhausted,
        "CONTACT_QUOTA_EXCEEDED",
    );
}

#[tokio::test]
async fn what_is_not_a_file_of_contacts_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    for (file, text) in [
        (b"PK\x03\x04zip".as_slice(), "zip archive"),
        (b"%PDF-1.4", "not"),
    ] {
        let imported = owner.import(ImportHeader::default(), file).await;

        let error = imported.error.unwrap();
        assert!(error.message().contains(text), "{error:?}");
        assert_refused::<()>(Err(error), Code::InvalidArgument, "IMPORT_FORMAT_INVALID");
    }
}

#[tokio::test]
async fn messages_out_of_order_are_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let header = || import_message(owner.named_in(ImportHeader::default()));
    let card = || chunk(people(["Ada"]).as_bytes());

    for messages in [
        vec![],
        vec![card()],
        vec![header(), card(), header()],
        vec![
            header(),
            proto::contacts::v1::ImportContactsRequest::default(),
        ],
    ] {
        let imported = owner.send_import(messages).await;

        let error = imported.error.unwrap();
        assert_refused::<()>(Err(error), Code::InvalidArgument, "IMPORT_HEADER_INVALID");
    }
    let long = || "x".repeat(101);
    for header in [
        ImportHeader {
            import_id: long(),
            ..ImportHeader::default()
        },
        ImportHeader {
            labels: vec![long()],
            ..ImportHeader::default()
        },
        ImportHeader {
            format: 99,
            ..ImportHeader::default()
        },
        ImportHeader {
            on_conflict: 99,
            ..ImportHeader::default()
        },
    ] {
        let error = owner.import(header, "").await.error.unwrap();
        assert_refused::<()>(Err(error), Code::InvalidArgument, "FIELD_INVALID");
    }
}
