//! Photos in exports, and what they cost when they are imported.

use proto::contacts::v1::{
    Contact, ExportContactsRequest, ExportFormat, ImportConflict, ImportHeader, ShareRole,
};
use tonic::Code;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::owner_exports::{export_as, rest_of};
use crate::photo_files::{jpeg, large_png};
use crate::refusal::assert_refused;

/// The size of a photo that fits into small quotas once.
const SIZE: u32 = 40_000;

fn augusta(uid: &str) -> Contact {
    Contact {
        uid: uid.into(),
        given_name: "Augusta".into(),
        ..Contact::default()
    }
}

/// A vCard with the photo.
fn card(uid: &str, name: &str, photo: &[u8]) -> String {
    use base64::Engine;
    let data = base64::engine::general_purpose::STANDARD.encode(photo);
    format!(
        "BEGIN:VCARD\nVERSION:4.0\nUID:{uid}\nFN:{name}\n\
         PHOTO:data:image/png;base64,{data}\nEND:VCARD\n"
    )
}

fn update() -> ImportHeader {
    ImportHeader {
        on_conflict: ImportConflict::Update.into(),
        ..ImportHeader::default()
    }
}

/// The stored files.
async fn files(app: &App, owner: &Owner) -> i64 {
    rows(app, "photos", owner.user).await
}

#[tokio::test]
async fn the_end_of_a_share_ends_the_export_between_photos() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    // All of them are in one page.
    for number in 0..20 {
        let contact = owner.has(augusta(&number.to_string())).await;
        owner
            .set_photo(&contact.id, &large_png(200_000))
            .await
            .unwrap();
    }
    let (reader, share) = owner.shares_with(&reader, None, ShareRole::Reader).await;
    let channel = app.another_instance_with_window(64 * 1024).await;
    let slow = app.owner_on(channel, reader.user);
    let request = ExportContactsRequest {
        owner_id: owner.user.to_string(),
        ..export_as(ExportFormat::Vcard4)
    };
    let mut pieces = slow.begin_export(request).await.unwrap();
    pieces.message().await.unwrap();

    owner.end_share(&share).await.unwrap();

    let mut sent = 0;
    let end = loop {
        match pieces.message().await {
            Ok(Some(piece)) => sent += piece.chunk.len(),
            Ok(None) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    assert_refused(end, Code::NotFound, "SHARE_NOT_FOUND");
    assert!(sent <= 256 * 1024, "{sent}");
}

async fn lose_photos(app: &App) {
    let lost = sqlx::query("DELETE FROM contacts.photos");
    lost.execute(&mut app.admin().await).await.unwrap();
}

#[tokio::test]
async fn a_photo_that_is_lost_is_missing_in_the_file() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(augusta("u1")).await;
    owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    lose_photos(&app).await;

    let file = owner.export(export_as(ExportFormat::Vcard4)).await.unwrap();

    let file = String::from_utf8(file).unwrap();
    assert!(
        file.contains("Augusta") && !file.contains("PHOTO"),
        "{file}"
    );
}

#[tokio::test]
async fn a_photo_that_is_purged_meanwhile_ends_the_export() {
    let app = App::start().await;
    let owner = app.owner();
    let long = Contact {
        notes: "x".repeat(15_000),
        ..augusta("")
    };
    owner.has_all((0..200).map(|_| long.clone())).await;
    let last = owner.has(augusta("last")).await;
    owner.set_photo(&last.id, &jpeg(1)).await.unwrap();
    let request = export_as(ExportFormat::JsonLines);
    let mut pieces = owner.begin_export(request).await.unwrap();
    pieces.message().await.unwrap();

    owner.delete_photo(&last.id, "").await.unwrap();
    lose_photos(&app).await;

    let rest = rest_of(&mut pieces).await;
    assert_refused(rest, Code::Aborted, "EXPORT_CHANGED");
}

#[tokio::test]
async fn an_unchanged_photo_costs_nothing_when_it_is_imported_again() {
    let app = App::with(&["--contact-bytes-quota", "70000"]).await;
    let owner = app.owner();
    let photo = large_png(SIZE);
    let contact = owner.has(augusta("u1")).await;
    owner.set_photo(&contact.id, &photo).await.unwrap();

    let imported = owner.import(update(), card("u1", "Eve", &photo)).await;

    assert_eq!(imported.counts(), [0, 1, 0, 0], "{:?}", imported.rows);
    assert_eq!(owner.bare().await[0].formatted_name, "Eve");
}

#[tokio::test]
async fn a_photo_of_several_cards_is_stored_and_counted_once() {
    let app = App::with(&["--contact-bytes-quota", "70000", "--contact-quota", "4"]).await;
    let owner = app.owner();
    let photo = large_png(SIZE);
    let cards = |uids: [&str; 2], name: &str| uids.map(|uid| card(uid, name, &photo)).concat();
    for uid in ["u1", "u2"] {
        owner.has(augusta(uid)).await;
    }

    let known = owner.import(update(), cards(["u1", "u2"], "Eve")).await;

    assert_eq!(known.counts(), [0, 2, 0, 0], "{:?}", known.rows);
    assert_eq!(files(&app, &owner).await, 1);
    // There is room for two more, and the owner has the photo already.
    let new = [cards(["u3", "u4"], "Zoe"), cards(["u5", "u6"], "Max")];
    let new = owner.import(update(), new.concat()).await;
    assert_eq!(owner.total_size().await, 4);
    let error = new.error.unwrap();
    assert_refused::<()>(
        Err(error),
        Code::ResourceExhausted,
        "CONTACT_QUOTA_EXCEEDED",
    );
    assert_eq!(files(&app, &owner).await, 1);
}

#[tokio::test]
async fn new_cards_with_one_photo_fill_the_room_that_there_is() {
    let app = App::with(&["--contact-bytes-quota", "70000", "--contact-quota", "3"]).await;
    let owner = app.owner();
    let photo = large_png(SIZE);
    let file = ["u1", "u2", "u3", "u4"].map(|uid| card(uid, "Eve", &photo));

    let imported = owner.import(update(), file.concat()).await;

    assert_refused::<()>(
        Err(imported.error.unwrap()),
        Code::ResourceExhausted,
        "CONTACT_QUOTA_EXCEEDED",
    );
    assert_eq!(owner.total_size().await, 3);
    let photos = owner.bare().await.into_iter().map(|contact| contact.photo);
    assert!(photos.into_iter().all(|photo| photo.is_some()));
    assert_eq!(files(&app, &owner).await, 1);
}

#[tokio::test]
async fn a_photo_that_was_imported_is_purged_with_its_contact() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let file = ["u1", "u2"].map(|uid| card(uid, "Eve", &large_png(SIZE)));
    owner.import(ImportHeader::default(), file.concat()).await;

    for (contact, left) in owner.list_all(<_>::default()).await.iter().zip([1, 0]) {
        owner.delete(&contact.id).await.unwrap();
        owner.purge(&[&contact.id]).await.unwrap();
        assert_eq!(files(&app, &owner).await, left);
    }
}

#[tokio::test]
async fn a_card_without_a_valid_uid_is_refused_before_its_photo_is_read() {
    let app = App::start().await;
    let owner = app.owner();
    let uid = "x".repeat(300);
    let file = format!("{{\"givenName\":\"Ada\",\"uid\":\"{uid}\",\"photoData\":\"bm90\"}}\n");

    let imported = owner.import(ImportHeader::default(), file).await;

    assert_eq!(imported.counts(), [0, 0, 0, 1]);
    assert_eq!(imported.rows[0].warnings, [""; 0]);
}
