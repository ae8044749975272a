//! Contacts are exported as files.

use image::ImageFormat;
use proto::contacts::v1::{
    Contact, ExportContactsRequest, ExportFormat, ImportConflict, ImportHeader, ImportOutcome,
    Phone,
};
use tonic::Code;

use crate::app::App;
use crate::import::{SAMPLES, people};
use crate::owner_exports::export_as;
use crate::photo_files::{image, jpeg, png};
use crate::refusal::assert_refused;

pub const LOSSLESS: [ExportFormat; 4] = [
    ExportFormat::Vcard4,
    ExportFormat::Vcard3,
    ExportFormat::Jscontact,
    ExportFormat::JsonLines,
];

#[tokio::test]
async fn an_export_that_is_imported_again_gives_the_same_contacts_and_photos() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .import(ImportHeader::default(), SAMPLES.concat())
        .await;
    let photos = [
        image(ImageFormat::Jpeg, 1),
        image(ImageFormat::Png, 2),
        image(ImageFormat::WebP, 3),
    ];
    for (contact, photo) in owner.list_all(<_>::default()).await.iter().zip(&photos) {
        owner.set_photo(&contact.id, photo).await.unwrap();
    }
    let contacts = owner.bare().await;
    assert_eq!(contacts.len(), 10);

    for format in LOSSLESS {
        let file = owner.export(export_as(format)).await.unwrap();
        let other = app.owner();
        let imported = other.import(ImportHeader::default(), &file).await;

        assert_eq!(imported.counts(), [10, 0, 0, 0], "{format:?}");
        assert_eq!(imported.rows, [], "{format:?}");
        assert_eq!(other.bare().await, contacts, "{format:?}");
        let listed = other.list_all(<_>::default()).await;
        for contact in listed.iter().filter(|contact| contact.photo.is_some()) {
            let (info, bytes) = other.photo(&contact.id).await.unwrap();
            assert_eq!(Some(&info), contact.photo.as_ref());
            assert_eq!(i64::try_from(bytes.len()), Ok(info.byte_size));
        }
        // Nothing is written by a second import of the same.
        let header = ImportHeader {
            on_conflict: ImportConflict::Update.into(),
            ..ImportHeader::default()
        };
        let again = other.import(header, &file).await;
        assert_eq!(again.counts(), [0, 0, 10, 0], "{format:?}");
        assert_eq!(other.list_all(<_>::default()).await, listed, "{format:?}");
    }
}

#[tokio::test]
async fn tables_are_read_by_their_own_import() {
    let app = App::start().await;
    let owner = app.owner();
    let ada = owner
        .has(Contact {
            given_name: "Ada".into(),
            family_name: "Lovelace, \"Countess\"".into(),
            notes: "two\nlines; and more".into(),
            phones: vec![Phone {
                number: "+44 20 7946 0000".into(),
                ..Phone::default()
            }],
            labels: vec!["Friends".into()],
            ..Contact::default()
        })
        .await;

    for format in [ExportFormat::GoogleCsv, ExportFormat::OutlookCsv] {
        let file = owner.export(export_as(format)).await.unwrap();
        let other = app.owner();
        let imported = other.import(ImportHeader::default(), &file).await;

        assert_eq!(imported.counts(), [1, 0, 0, 0], "{format:?}");
        let found = &other.bare().await[0];
        assert_eq!(found.family_name, ada.family_name);
        assert_eq!(found.notes, ada.notes);
        assert_eq!(found.phones[0].e164, "+442079460000");
        assert_eq!(found.labels, ["Friends"]);
    }
}

#[tokio::test]
async fn a_filter_selects_what_is_exported() {
    let app = App::start().await;
    let owner = app.owner();
    let header = ImportHeader {
        labels: vec!["Work".into()],
        ..ImportHeader::default()
    };
    owner.import(header, people(["Ada", "Bob"])).await;
    owner
        .import(ImportHeader::default(), people(["Eve", "Zoe"]))
        .await;
    let gone = owner.list_all(<_>::default()).await;
    let gone = gone.iter().find(|contact| contact.display_name == "Zoe");
    owner.delete(&gone.unwrap().id).await.unwrap();
    let export = |filter: &str, include_deleted| ExportContactsRequest {
        format: ExportFormat::JsonLines.into(),
        filter: filter.into(),
        include_deleted,
        ..ExportContactsRequest::default()
    };

    let names = async |request| {
        let file = String::from_utf8(owner.export(request).await.unwrap()).unwrap();
        let lines = file.lines();
        let names = ["Ada", "Bob", "Eve", "Zoe"].into_iter();
        assert_eq!(
            names.clone().filter(|name| file.contains(name)).count(),
            lines.count()
        );
        names.filter(|name| file.contains(name)).collect::<Vec<_>>()
    };
    assert_eq!(names(export("", false)).await, ["Ada", "Bob", "Eve"]);
    assert_eq!(names(export("", true)).await, ["Ada", "Bob", "Eve", "Zoe"]);
    assert_eq!(
        names(export("labels:\"work\"", false)).await,
        ["Ada", "Bob"]
    );
    assert_eq!(names(export("labels:\"none\"", true)).await, [""; 0]);
}

#[tokio::test]
async fn an_empty_address_book_is_an_empty_file() {
    let app = App::start().await;
    let owner = app.owner();

    for format in LOSSLESS {
        let file = owner.export(export_as(format)).await.unwrap();
        let file = String::from_utf8(file).unwrap();
        assert_eq!(file.trim_matches(['[', ']', '\n']), "", "{format:?}");
    }
    let table = owner.export(export_as(ExportFormat::GoogleCsv)).await;
    assert!(table.unwrap().starts_with(b"First Name,"));
}

#[tokio::test]
async fn what_a_format_cannot_contain_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let request = |format: i32, include_photos, include_deleted| ExportContactsRequest {
        format,
        include_photos,
        include_deleted,
        ..ExportContactsRequest::default()
    };
    let (table, card) = (ExportFormat::OutlookCsv.into(), ExportFormat::Vcard4.into());

    for refused in [
        request(table, true, false),
        request(table, false, true),
        request(card, false, true),
        request(99, false, false),
    ] {
        let answer = owner.export(refused).await;
        assert_refused(answer, Code::InvalidArgument, "FIELD_INVALID");
    }
    let filter = ExportContactsRequest {
        filter: "nonsense".into(),
        ..ExportContactsRequest::default()
    };
    let answer = owner.export(filter).await;
    assert_refused(answer, Code::InvalidArgument, "FILTER_INVALID");
}

#[tokio::test]
async fn a_photo_that_is_no_image_costs_only_itself() {
    let app = App::start().await;
    let data = "bm90IGFuIGltYWdl";
    let vcard = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nPHOTO;ENCODING=b;TYPE=JPEG:{data}\r\nEND:VCARD\r\n"
    );
    let jscontact = format!(
        r#"[{{"@type":"Card","version":"1.0","uid":"u1","name":{{"full":"Ada"}},
            "media":{{"p":{{"@type":"Media","kind":"photo","uri":"data:image/png;base64,{data}"}}}}}}]"#
    );
    let line = format!("{{\"givenName\":\"Ada\",\"photoData\":\"{data}\"}}\n");

    for (property, file) in [("PHOTO", vcard), ("media", jscontact), ("photoData", line)] {
        let owner = app.owner();
        let imported = owner.import(ImportHeader::default(), file).await;

        assert_eq!(imported.counts(), [1, 0, 0, 0], "{property}");
        let row = &imported.rows[0];
        assert_eq!(row.outcome(), ImportOutcome::Created);
        let problem = "was dropped, because it must be a JPEG, PNG or WebP image";
        assert_eq!(row.warnings, [format!("{property}: {problem}")]);
        assert_eq!(owner.bare().await[0].photo, None);
    }
}

#[tokio::test]
async fn a_photo_replaces_another_or_is_kept_by_the_rule_for_conflicts() {
    let app = App::start().await;
    let owner = app.owner();
    let with = |uid: &str| Contact {
        uid: uid.into(),
        given_name: "Ada".into(),
        ..Contact::default()
    };
    let source = app.owner();
    for uid in ["urn:x:1", "urn:x:2"] {
        let contact = source.has(with(uid)).await;
        source.set_photo(&contact.id, &png(7)).await.unwrap();
    }
    let file = source
        .export(export_as(ExportFormat::Vcard4))
        .await
        .unwrap();
    let old = owner.has(with("urn:x:1")).await;
    owner.set_photo(&old.id, &jpeg(1)).await.unwrap();
    let bare = owner.has(with("urn:x:2")).await;
    let header = |rule: ImportConflict| ImportHeader {
        on_conflict: rule.into(),
        ..ImportHeader::default()
    };
    let types = async || {
        let [old, bare] = [owner.get(&old.id).await, owner.get(&bare.id).await];
        [old, bare].map(|contact| contact.unwrap().photo.unwrap_or_default().media_type)
    };

    owner.import(header(ImportConflict::Skip), &file).await;
    assert_eq!(types().await, ["image/jpeg", ""]);
    owner.import(header(ImportConflict::Merge), &file).await;
    assert_eq!(types().await, ["image/jpeg", "image/png"]);
    let dry = ImportHeader {
        validate_only: true,
        ..header(ImportConflict::Update)
    };
    let counts = owner.import(dry, &file).await.counts();
    assert_eq!(counts, [0, 1, 1, 0]);
    assert_eq!(types().await, ["image/jpeg", "image/png"]);
    owner.import(header(ImportConflict::Update), &file).await;
    assert_eq!(types().await, ["image/png", "image/png"]);
}
