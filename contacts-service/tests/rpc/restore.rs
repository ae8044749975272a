//! `RestoreContact`.

use proto::contacts::v1::{Contact, CreateContactRequest};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, book};
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, full, named};

/// A contact whose phone cannot be parsed without its region.
async fn with_national_phone(owner: &Owner) -> Contact {
    let mut contact = full();
    contact.phones[0].number = "020 7946 0958".into();
    owner
        .create_with(CreateContactRequest {
            contact: Some(contact),
            default_region: "GB".into(),
            ..CreateContactRequest::default()
        })
        .await
        .unwrap()
}

/// The contact without what each write changes.
fn body(contact: &Contact) -> Contact {
    Contact {
        etag: String::new(),
        version: 0,
        update_time: None,
        delete_time: None,
        expire_time: None,
        ..contact.clone()
    }
}

#[tokio::test]
async fn a_contact_becomes_what_it_was_with_all_its_keys() {
    let app = App::start().await;
    let owner = app.owner();
    let first = with_national_phone(&owner).await;
    let second = owner
        .update(
            Contact {
                id: first.id.clone(),
                ..named("Grace", "Hopper")
            },
            &["*"],
        )
        .await
        .unwrap();
    let bytes = app.byte_count(&owner).await;

    let back = owner.restore(&first.id, "1", &second.etag).await.unwrap();

    assert_eq!(body(&back), body(&first));
    assert_eq!((back.version, &*back.etag), (3, "\"3\""));
    assert_eq!(owner.get(&first.id).await.unwrap(), back);
    assert_eq!(owner.exact_names("442079460958").await.len(), 1);
    assert_eq!(owner.exact_names("hopper").await.len(), 0);
    assert!(app.byte_count(&owner).await > bytes);

    let again = owner.restore(&first.id, "2", "").await.unwrap();
    assert_eq!(body(&again), body(&second));
    assert_eq!(app.byte_count(&owner).await, bytes);
}

#[tokio::test]
async fn a_deleted_contact_comes_back_if_there_is_room() {
    let app = App::with_quota(2).await;
    let owner = app.owner();
    let stored = owner.has_all([full(), ada()]).await;
    let id = &*stored[0].id;
    owner.delete(id).await.unwrap();
    let third = owner.has(ada()).await;

    let full_book = owner.restore(id, "1", "").await;
    assert_refused(full_book, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    owner.delete(&third.id).await.unwrap();
    // The revision of the deletion has the same content.
    for revision in ["1", "3"] {
        let back = owner.restore(id, revision, "").await.unwrap();

        assert_eq!(body(&back), body(&stored[0]));
        assert_eq!(back.delete_time, None);
        assert_eq!(owner.get(id).await.unwrap(), back);
        assert_eq!(owner.total_size().await, 2);
        owner.delete(id).await.unwrap();
    }
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn a_contact_that_is_like_that_already_is_not_written() {
    let app = App::start().await;
    let owner = app.owner();
    let first = owner.has(full()).await;
    let rename = |name: &str| Contact {
        id: first.id.clone(),
        nickname: name.into(),
        ..Contact::default()
    };
    owner.update(rename("other"), &[]).await.unwrap();
    let third = owner.update(rename("Countess"), &[]).await.unwrap();
    let before = book(&app, owner.user).await;

    for revision in ["1", "3"] {
        let same = owner.restore(&first.id, revision, "").await.unwrap();
        assert_eq!(same, third);
    }

    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn a_revision_is_of_one_contact_and_one_owner() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let (mine, other) = (owner.has(ada()).await, owner.has(full()).await);
    for contact in [&mine, &other] {
        let patch = Contact {
            id: contact.id.clone(),
            notes: "new".into(),
            ..Contact::default()
        };
        owner.update(patch, &[]).await.unwrap();
    }
    // The same id, with a history of its own.
    let patch = Contact {
        id: mine.id.clone(),
        ..named("Mallory", "")
    };
    let request = proto::contacts::v1::UpdateContactRequest {
        contact: Some(patch),
        allow_missing: true,
        ..Default::default()
    };
    stranger.has(ada()).await;
    let theirs = stranger.update_with(request).await.unwrap();

    for (caller, revision) in [
        (&owner, "2"),
        (&owner, "4"),
        (&owner, "99"),
        (&stranger, "1"),
        (&stranger, "3"),
    ] {
        let answer = caller.restore(&mine.id, revision, "").await;
        let status = answer.as_ref().unwrap_err();
        assert_eq!(metadata(status, "id"), mine.id);
        assert_eq!(metadata(status, "revision_id"), revision);
        assert_refused(answer, Code::NotFound, "REVISION_NOT_FOUND");
    }
    assert_eq!(stranger.revision_ids(&mine.id).await, ["2"]);
    assert_eq!(stranger.get(&mine.id).await.unwrap(), theirs);
}

#[tokio::test]
async fn a_stale_etag_a_missing_contact_or_a_bad_id_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let missing = Uuid::now_v7().to_string();

    let stale = owner.restore(&stored.id, "1", "\"7\"").await;
    let gone = owner.restore(&missing, "1", "").await;

    assert_eq!(metadata(stale.as_ref().unwrap_err(), "etag"), stored.etag);
    assert_refused(stale, Code::Aborted, "ETAG_MISMATCH");
    assert_refused(gone, Code::NotFound, "CONTACT_NOT_FOUND");
    for id in ["", "0", "-1", "+1", "01", "1 ", "x", "99999999999999999999"] {
        let answer = owner.restore(&stored.id, id, "").await;
        assert_bad_fields(answer, &["revision_id"]);
    }
}
