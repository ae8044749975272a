//! `BatchUpdateContacts`.

use proto::contacts::v1::UpdateContactRequest;
use proto::contacts::v1::{BatchCreateContactsRequest, Contact, CreateContactRequest};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, book, rows};
use crate::owner::{Owner, field_mask};
use crate::owner_changes::change;
use crate::refusal::{assert_bad_fields, assert_refused, fields, metadata, reason_in_batch};
use crate::sample::{ada, email, full};

fn noted(id: &str, notes: &str) -> Contact {
    Contact {
        id: id.into(),
        notes: notes.into(),
        ..Contact::default()
    }
}

fn upsert(contact: Contact) -> UpdateContactRequest {
    UpdateContactRequest {
        allow_missing: true,
        ..change(contact)
    }
}

/// So many contacts with notes of so many bytes, created in batches.
pub async fn many(owner: &Owner, count: usize, notes_bytes: usize) -> Vec<Contact> {
    let mut stored = Vec::new();
    while stored.len() < count {
        let new = |_| CreateContactRequest {
            contact: Some(Contact {
                notes: "n".repeat(notes_bytes),
                ..ada()
            }),
            ..CreateContactRequest::default()
        };
        let request = BatchCreateContactsRequest {
            requests: (stored.len()..count).take(100).map(new).collect(),
            ..BatchCreateContactsRequest::default()
        };
        let results = owner.batch_create(request).await.unwrap();
        stored.extend(results.into_iter().map(Result::unwrap));
    }
    stored
}

#[tokio::test]
async fn five_hundred_contacts_are_changed_under_one_version() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = many(&owner, 500, 0).await;
    let before = stored[499].version;
    let patches = stored.iter().enumerate().map(|(n, contact)| Contact {
        etag: contact.etag.clone(),
        ..noted(&contact.id, &format!("note {n}"))
    });

    let results = owner.batch_update(patches, false).await.unwrap();

    assert_eq!(results.len(), 500);
    for (n, (contact, old)) in results.iter().zip(&stored).enumerate() {
        let contact = contact.as_ref().unwrap();
        assert_eq!((&contact.id, contact.version), (&old.id, before + 1));
        assert_eq!(contact.notes, format!("note {n}"));
        assert_eq!(owner.get(&contact.id).await.unwrap(), *contact);
    }
    assert_eq!(owner.has(ada()).await.version, before + 2);
    assert_eq!(owner.total_size().await, 501);
    assert_eq!(rows(&app, "revisions", owner.user).await, 500);
}

#[tokio::test]
async fn a_batch_changes_what_single_calls_change() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.owner());
    let (mine, theirs) = (owner.has(ada()).await, other.has(ada()).await);
    let request = |old: &Contact| UpdateContactRequest {
        update_mask: Some(field_mask(&["*"])),
        default_region: "GB".into(),
        ..change(Contact {
            id: old.id.clone(),
            uid: String::new(),
            ..full()
        })
    };

    let one = other.update_with(request(&theirs)).await.unwrap();
    let results = owner.batch_update_with(vec![request(&mine)], false).await;

    let changed = results.unwrap()[0].clone().unwrap();
    let same = Contact {
        id: one.id.clone(),
        uid: one.uid.clone(),
        create_time: one.create_time,
        update_time: one.update_time,
        ..changed.clone()
    };
    assert_eq!(same, one);
    assert_eq!(owner.get(&mine.id).await.unwrap(), changed);
    assert_eq!(owner.exact_names("lovelace").await.len(), 1);
    assert_eq!(owner.exact_names("442079460958").await.len(), 1);
    assert_eq!(app.byte_count(&owner).await, app.byte_count(&other).await);
}

#[tokio::test]
async fn one_bad_request_keeps_all_as_they_were_and_is_named() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada()]).await;
    owner.delete(&stored[2].id).await.unwrap();
    let good = noted(&stored[0].id, "new");
    let second = noted(&stored[1].id, "new");
    let missing = Uuid::now_v7().to_string();
    let before = book(&app, owner.user).await;

    let with = |bad: Contact| owner.batch_update([good.clone(), bad], false);
    let invalid = with(Contact {
        emails: vec![email("nowhere")],
        ..second.clone()
    });
    let other_uid = with(Contact {
        uid: "other".into(),
        ..second.clone()
    });
    let twice = with(noted(&stored[0].id, "newer"));
    let no_id = with(noted("x", "new"));
    let stale = with(Contact {
        etag: "\"77\"".into(),
        ..second.clone()
    })
    .await;
    let (stale, gone) = (stale, with(noted(&missing, "new")).await);
    let deleted = with(noted(&stored[2].id, "new")).await;

    assert_bad_fields(invalid.await, &["requests[1].contact.emails[0].address"]);
    assert_bad_fields(other_uid.await, &["requests[1].contact.uid"]);
    assert_bad_fields(twice.await, &["requests[1].contact.id"]);
    assert_bad_fields(no_id.await, &["requests[1].contact.id"]);
    let status = stale.as_ref().unwrap_err();
    assert_eq!(fields(status), ["requests[1]"]);
    assert_eq!(metadata(status, "etag"), stored[1].etag);
    assert_refused(stale, Code::Aborted, "ETAG_MISMATCH");
    for (answer, id) in [(gone, &missing), (deleted, &stored[2].id)] {
        let status = answer.as_ref().unwrap_err();
        assert_eq!(fields(status), ["requests[1]"]);
        assert_eq!(metadata(status, "id"), *id);
        assert_refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn with_partial_success_the_good_ones_are_changed() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada(), ada()]).await;
    let id = |n: usize| &*stored[n].id;
    let missing = Uuid::now_v7().to_string();
    let empty = UpdateContactRequest {
        update_mask: Some(field_mask(&["given_name", "family_name"])),
        ..change(noted(id(3), ""))
    };
    let stale = Contact {
        etag: "\"77\"".into(),
        ..noted(id(2), "new")
    };
    let mut requests: Vec<_> = [
        noted(id(0), "first"),
        noted(&missing, "new"),
        stale,
        noted(id(0), "again"),
        noted(id(1), "second"),
    ]
    .map(change)
    .into();
    requests.push(empty);

    let results = owner.batch_update_with(requests, true).await.unwrap();

    let refused = [1, 2, 3, 5].map(|n| reason_in_batch(&results[n]));
    let reasons = [
        "CONTACT_NOT_FOUND",
        "ETAG_MISMATCH",
        "FIELD_INVALID",
        "CONTACT_EMPTY",
    ];
    assert_eq!(refused, reasons);
    for (n, notes) in [(0, "first"), (4, "second")] {
        let contact = results[n].as_ref().unwrap();
        assert_eq!((&*contact.notes, contact.version), (notes, 5));
        assert_eq!(owner.get(&contact.id).await.unwrap(), *contact);
    }
    for n in [2, 3] {
        assert_eq!(owner.get(id(n)).await.unwrap(), stored[n]);
    }
}

#[tokio::test]
async fn a_batch_that_changes_nothing_writes_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full()]).await;
    let before = book(&app, owner.user).await;

    let results = owner.batch_update(stored.clone(), false).await.unwrap();
    let refused = owner.batch_update([noted("x", "")], true).await.unwrap();

    let contacts: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(contacts, stored);
    assert_eq!(reason_in_batch(&refused[0]), "ID_INVALID");
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn missing_contacts_are_stored_under_the_same_version_if_that_is_allowed() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let new = || Uuid::now_v7().to_string();
    let with_uid = |uid: &str| Contact {
        id: new(),
        uid: uid.into(),
        ..ada()
    };
    let requests = vec![
        upsert(noted(&stored.id, "new")),
        upsert(Contact { id: new(), ..ada() }),
        upsert(with_uid(&stored.uid)),
        upsert(with_uid("a")),
        upsert(with_uid("a")),
    ];

    let atomic = owner.batch_update_with(requests.clone(), false).await;
    let results = owner.batch_update_with(requests, true).await.unwrap();

    assert_eq!(
        fields(atomic.as_ref().unwrap_err()),
        ["requests[2].contact.uid"]
    );
    assert_refused(atomic, Code::AlreadyExists, "UID_TAKEN");
    for n in [0, 1, 3] {
        let contact = results[n].as_ref().unwrap();
        assert_eq!(contact.version, 2);
        assert_eq!(owner.get(&contact.id).await.unwrap(), *contact);
    }
    for n in [2, 4] {
        assert_eq!(reason_in_batch(&results[n]), "UID_TAKEN");
    }
    assert_eq!(owner.total_size().await, 3);
}

#[tokio::test]
async fn a_batch_stores_missing_contacts_as_far_as_they_fit() {
    let app = App::with_quota(3).await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada()]).await;
    let missing = || {
        let id = Uuid::now_v7().to_string();
        upsert(Contact { id, ..ada() })
    };
    let requests = || vec![missing(), missing(), upsert(noted(&stored[0].id, "new"))];
    let before = book(&app, owner.user).await;

    let atomic = owner.batch_update_with(requests(), false).await;
    assert_refused(atomic, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    assert_eq!(book(&app, owner.user).await, before);

    let results = owner.batch_update_with(requests(), true).await.unwrap();
    let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, true]);
    assert_eq!(reason_in_batch(&results[1]), "CONTACT_QUOTA_EXCEEDED");
    assert_eq!(owner.total_size().await, 3);
}

#[tokio::test]
async fn a_batch_of_none_of_too_many_or_of_too_large_ones_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = many(&owner, 200, 16_000).await;
    let star = |contact: &Contact| Contact {
        id: contact.id.clone(),
        starred: true,
        ..Contact::default()
    };
    let before = book(&app, owner.user).await;

    let none = owner.batch_update([], true).await;
    let many = owner.batch_update((0..501).map(|_| ada()), true).await;
    let large = owner.batch_update(stored.iter().map(star), true).await;

    assert_refused(none, Code::InvalidArgument, "BATCH_EMPTY");
    for answer in [many, large] {
        assert_refused(answer, Code::InvalidArgument, "BATCH_TOO_LARGE");
    }
    assert_eq!(book(&app, owner.user).await, before);
    let fits = owner
        .batch_update(stored[..190].iter().map(star), false)
        .await;
    assert!(fits.unwrap().iter().all(Result::is_ok));
}
