//! Setting, returning and removing photos.

use image::ImageFormat;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader};
use proto::contacts::v1::{Contact, ListContactsRequest, PhotoInfo};
use std::io::Cursor;
use tonic::Code;

use crate::app::App;
use crate::photo_files::{
    LATITUDE, PROGRESSIVE, SECRET, contains, jpeg, large_jpeg, one_scan, png, talkative_jpeg,
    talkative_png, talkative_webp, webp,
};
use crate::refusal::{assert_refused, metadata};
use crate::sample::{ada, full};

#[tokio::test]
async fn a_photo_comes_back_byte_for_byte() {
    let app = App::start().await;
    let owner = app.owner();
    for (file, media_type) in [
        (jpeg(1), "image/jpeg"),
        (png(1), "image/png"),
        (webp(1), "image/webp"),
        (large_jpeg(300_000), "image/jpeg"),
        (PROGRESSIVE.to_vec(), "image/jpeg"),
        (one_scan(), "image/jpeg"),
    ] {
        let before = Contact {
            uid: String::new(),
            ..full()
        };
        let before = owner.has(before).await;

        let set = owner.set_photo(&before.id, &file).await.unwrap();

        let info = set.photo.clone().unwrap();
        assert_eq!(info.media_type, media_type);
        assert_eq!(usize::try_from(info.byte_size).unwrap(), file.len());
        assert!(set.version > before.version && set.etag != before.etag);
        let without = |contact: &Contact| Contact {
            photo: None,
            etag: String::new(),
            version: 0,
            update_time: None,
            ..contact.clone()
        };
        assert_eq!(without(&set), without(&before));
        assert_eq!(owner.get(&before.id).await.unwrap(), set);
        let (received, bytes) = owner.photo(&before.id).await.unwrap();
        assert_eq!(received, info);
        assert!(bytes == file, "{media_type}");
    }
}

#[tokio::test]
async fn metadata_are_removed_and_pixels_and_the_orientation_are_not() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    for (orientation, kept) in [(6, Orientation::Rotate90), (1, Orientation::NoTransforms)] {
        for (file, plain, format) in [
            (talkative_jpeg(orientation), jpeg(1), ImageFormat::Jpeg),
            (talkative_png(orientation), png(1), ImageFormat::Png),
            (talkative_webp(orientation), webp(1), ImageFormat::WebP),
        ] {
            assert!(contains(&file, SECRET) && contains(&file, LATITUDE));

            owner.set_photo(&contact.id, &file).await.unwrap();

            let (_, bytes) = owner.photo(&contact.id).await.unwrap();
            assert!(!contains(&bytes, SECRET), "{format:?}");
            assert!(!contains(&bytes, LATITUDE), "{format:?}");
            for word in [
                "Photoshop",
                "adobe.com",
                "tIME",
                "GPS",
                "XMP",
                "JFXX",
                "MPF",
            ] {
                assert!(!contains(&bytes, word.as_bytes()), "{format:?} {word}");
            }
            let read = |bytes: &[u8]| {
                let reader = ImageReader::with_format(Cursor::new(bytes.to_vec()), format);
                reader.decode().unwrap()
            };
            assert_eq!(read(&bytes), read(&plain));
            let reader = ImageReader::with_format(Cursor::new(bytes), format);
            let turned = reader.into_decoder().unwrap().orientation().unwrap();
            assert_eq!(turned, kept, "{format:?}");
        }
    }
}

#[tokio::test]
async fn another_photo_replaces_the_first_one() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let first = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();

    let second = owner.set_photo_at(&contact.id, &first.etag, &png(2)).await;

    let (one, other) = (first.photo.unwrap(), second.unwrap().photo.unwrap());
    assert!(one.etag != other.etag);
    let (info, bytes) = owner.photo(&contact.id).await.unwrap();
    assert!(info == other && bytes == png(2));
}

#[tokio::test]
async fn the_same_photo_again_changes_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let first = owner
        .set_photo_at(&contact.id, &contact.etag, &jpeg(1))
        .await
        .unwrap();

    let again = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    let repeated = owner
        .set_photo_at(&contact.id, &contact.etag, &jpeg(1))
        .await;

    assert_eq!(again, first);
    assert_eq!(repeated.unwrap(), first);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let current = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();

    let stale = &contact.etag;
    let set = owner.set_photo_at(&contact.id, stale, &jpeg(2)).await;
    let status = set.unwrap_err();
    assert_eq!(metadata(&status, "etag"), current.etag);
    assert_refused::<()>(Err(status), Code::Aborted, "ETAG_MISMATCH");
    let deleted = owner.delete_photo(&contact.id, "\"1\"").await;
    assert_refused(deleted, Code::Aborted, "ETAG_MISMATCH");

    assert_eq!(owner.get(&contact.id).await.unwrap(), current);
}

#[tokio::test]
async fn of_two_photos_with_one_etag_one_is_set() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let (one, other) = (jpeg(1), png(2));

    let (first, second) = tokio::join!(
        owner.set_photo_at(&contact.id, &contact.etag, &one),
        owner.set_photo_at(&contact.id, &contact.etag, &other),
    );

    let (won, lost, file) = match (first, second) {
        (Ok(won), lost) => (won, lost, one),
        (lost, Ok(won)) => (won, lost, other),
        both => panic!("{both:?}"),
    };
    assert_refused(lost, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(owner.get(&contact.id).await.unwrap(), won);
    assert!(owner.photo(&contact.id).await.unwrap().1 == file);
}

#[tokio::test]
async fn a_removed_photo_is_gone_and_a_repeat_says_the_same() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let none = owner.photo(&contact.id).await;
    assert_refused(none, Code::NotFound, "PHOTO_NOT_FOUND");
    let none = owner.delete_photo(&contact.id, "").await;
    assert_refused(none, Code::NotFound, "PHOTO_NOT_FOUND");
    let set = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();

    let removed = owner.delete_photo(&contact.id, &set.etag).await.unwrap();
    let again = owner.delete_photo(&contact.id, &set.etag).await.unwrap();

    assert_eq!(removed.photo, None);
    assert!(removed.version > set.version);
    assert_eq!(again, removed);
    let gone = owner.photo(&contact.id).await;
    assert_refused(gone, Code::NotFound, "PHOTO_NOT_FOUND");
}

#[tokio::test]
async fn a_caller_that_has_the_photo_gets_its_metadata_alone() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let set = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    let info = set.photo.unwrap();

    let known = owner.photo_unless(&contact.id, &info.etag).await.unwrap();
    let other = owner.photo_unless(&contact.id, "\"other\"").await.unwrap();

    assert_eq!(known, (info.clone(), Vec::new()));
    assert!(other == (info, jpeg(1)));
}

#[tokio::test]
async fn writes_of_other_fields_keep_the_photo_and_cannot_make_one() {
    let app = App::start().await;
    let owner = app.owner();
    let forged = Some(PhotoInfo {
        etag: "\"forged\"".into(),
        media_type: "image/png".into(),
        byte_size: 1,
    });
    let with_forged = Contact {
        photo: forged.clone(),
        ..ada()
    };
    let contact = owner.has(with_forged.clone()).await;
    assert_eq!(contact.photo, None);
    let set = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();

    for mask in [&["*"][..], &["notes"], &["photo", "notes"], &[]] {
        let patch = Contact {
            id: contact.id.clone(),
            notes: format!("{mask:?}"),
            ..with_forged.clone()
        };
        let updated = owner.update(patch, mask).await.unwrap();
        assert_eq!(updated.photo, set.photo, "{mask:?}");
    }
    assert!(owner.photo(&contact.id).await.unwrap().1 == jpeg(1));
}

#[tokio::test]
async fn contacts_with_a_photo_are_filtered_and_searched() {
    let app = App::start().await;
    let owner = app.owner();
    let named = |name: &str| Contact {
        given_name: name.into(),
        ..Contact::default()
    };
    let with = owner.has(named("With")).await;
    let lost = owner.has(named("Lost")).await;
    owner.has(named("Without")).await;
    for contact in [&with, &lost] {
        owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    }
    owner.delete_photo(&lost.id, "").await.unwrap();

    for (filter, expected) in [
        ("has:photo", &["With"][..]),
        ("-has:photo", &["Lost", "Without"]),
    ] {
        let request = ListContactsRequest {
            filter: filter.into(),
            ..ListContactsRequest::default()
        };
        let listed = owner.list_all(request).await.into_iter();
        let shown: Vec<_> = listed.map(|contact| contact.display_name).collect();
        assert_eq!(shown, expected, "{filter}");
    }
    let request = proto::contacts::v1::SearchContactsRequest {
        query: "w".into(),
        filter: "has:photo".into(),
        ..Default::default()
    };
    let found = owner.search_all(request).await;
    assert_eq!(found.len(), 1);
    let photo = found[0].contact.clone().unwrap().photo;
    assert_eq!(photo, owner.get(&with.id).await.unwrap().photo);
}
