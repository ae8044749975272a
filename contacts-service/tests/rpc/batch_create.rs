//! `BatchCreateContacts`.

use proto::contacts::v1::{BatchCreateContactsRequest, Contact, CreateContactRequest};
use tonic::Code;

use crate::app::{App, rows};
use crate::refusal::{assert_bad_fields, assert_refused, fields, reason_in_batch};
use crate::sample::{ada, email, full, named};

pub fn batch(contacts: impl IntoIterator<Item = Contact>) -> BatchCreateContactsRequest {
    let requests = contacts.into_iter().map(|contact| CreateContactRequest {
        contact: Some(contact),
        ..CreateContactRequest::default()
    });
    BatchCreateContactsRequest {
        requests: requests.collect(),
        ..BatchCreateContactsRequest::default()
    }
}

fn partial(request: BatchCreateContactsRequest) -> BatchCreateContactsRequest {
    BatchCreateContactsRequest {
        allow_partial: true,
        ..request
    }
}

fn with_uid(uid: &str) -> Contact {
    Contact {
        uid: uid.into(),
        ..ada()
    }
}

#[tokio::test]
async fn five_hundred_contacts_are_stored_under_one_version() {
    let app = App::start().await;
    let owner = app.owner();
    let all = (0..500).map(|n| named(&format!("N{n}"), ""));

    let results = owner.batch_create(batch(all)).await.unwrap();

    assert_eq!(results.len(), 500);
    for (n, contact) in results.iter().enumerate() {
        let contact = contact.as_ref().unwrap();
        assert_eq!(
            (&*contact.given_name, contact.version),
            (&*format!("N{n}"), 1)
        );
        assert_eq!(owner.get(&contact.id).await.unwrap(), *contact);
    }
    assert_eq!(owner.total_size().await, 500);
}

#[tokio::test]
async fn a_batch_stores_what_single_calls_store() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.owner());
    let one = other.has(full()).await;

    let results = owner.batch_create(batch([full()])).await.unwrap();

    let stored = results[0].clone().unwrap();
    let same = Contact {
        id: one.id.clone(),
        create_time: one.create_time,
        update_time: one.update_time,
        ..stored
    };
    assert_eq!(same, one);
    assert_eq!(app.byte_count(&owner).await, app.byte_count(&other).await);
}

#[tokio::test]
async fn one_bad_contact_keeps_all_from_being_stored_and_is_named() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(with_uid("taken")).await;
    let bad = Contact {
        emails: vec![email("nowhere")],
        ..ada()
    };

    let invalid = owner.batch_create(batch([ada(), bad])).await;
    let taken = owner.batch_create(batch([ada(), with_uid("taken")])).await;
    let twice = owner
        .batch_create(batch([with_uid("a"), ada(), with_uid("a")]))
        .await;

    assert_bad_fields(invalid, &["requests[1].contact.emails[0].address"]);
    for (answer, field) in [
        (taken, "requests[1].contact.uid"),
        (twice, "requests[2].contact.uid"),
    ] {
        assert_eq!(fields(answer.as_ref().unwrap_err()), [field]);
        assert_refused(answer, Code::AlreadyExists, "UID_TAKEN");
    }
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn with_partial_success_the_good_ones_are_stored() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(with_uid("taken")).await;
    let all = [
        named("A", ""),
        Contact::default(),
        with_uid("taken"),
        with_uid("b"),
        with_uid("b"),
        named("C", ""),
    ];

    let results = owner.batch_create(partial(batch(all))).await.unwrap();

    let stored: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(stored, [true, false, false, true, false, true]);
    assert_eq!(reason_in_batch(&results[1]), "CONTACT_EMPTY");
    assert_eq!(reason_in_batch(&results[2]), "UID_TAKEN");
    assert_eq!(reason_in_batch(&results[4]), "UID_TAKEN");
    assert_eq!(owner.total_size().await, 4);
    assert_eq!(results[5].as_ref().unwrap().given_name, "C");
}

#[tokio::test]
async fn a_batch_beyond_the_quota_is_refused_or_stored_as_far_as_it_fits() {
    let app = App::with_quota(3).await;
    let owner = app.owner();
    owner.has(ada()).await;
    let all = || [named("A", ""), named("B", ""), named("C", "")];

    let atomic = owner.batch_create(batch(all())).await;
    let in_part = owner.batch_create(partial(batch(all()))).await.unwrap();

    assert_refused(atomic, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    let stored: Vec<bool> = in_part.iter().map(Result::is_ok).collect();
    assert_eq!(stored, [true, true, false]);
    assert_eq!(reason_in_batch(&in_part[2]), "CONTACT_QUOTA_EXCEEDED");
    assert_eq!(owner.total_size().await, 3);
}

#[tokio::test]
async fn a_batch_of_none_or_of_too_many_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    let none = owner.batch_create(batch([])).await;
    let many = owner.batch_create(batch((0..501).map(|_| ada()))).await;

    assert_refused(none, Code::InvalidArgument, "BATCH_EMPTY");
    assert_refused(many, Code::InvalidArgument, "BATCH_TOO_LARGE");
}

#[tokio::test]
async fn the_same_batch_gets_the_first_answer_again() {
    let app = App::start().await;
    let owner = app.owner();
    let request = || BatchCreateContactsRequest {
        request_id: "once".into(),
        ..partial(batch([with_uid("a"), Contact::default(), ada()]))
    };
    let calls = (0..8).map(|_| owner.batch_create(request()));

    let answers = futures_util::future::join_all(calls).await;

    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first);
    }
    assert_eq!(rows(&app, "contacts", owner.user).await, 2);
    let other = BatchCreateContactsRequest {
        request_id: "once".into(),
        ..batch([ada()])
    };
    let answer = owner.batch_create(other).await;
    assert_refused(answer, Code::InvalidArgument, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_batch_can_be_checked_without_being_stored() {
    let app = App::start().await;
    let owner = app.owner();
    let request = BatchCreateContactsRequest {
        validate_only: true,
        ..batch([ada(), ada()])
    };

    let results = owner.batch_create(request).await.unwrap();

    assert_eq!(results.len(), 2);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(rows(&app, "contacts", owner.user).await, 0);
    assert_eq!(rows(&app, "owner_state", owner.user).await, 0);
}

#[tokio::test]
async fn a_batch_is_not_larger_than_an_answer_that_clients_read() {
    let app = App::start().await;
    let owner = app.owner();
    let with_notes = |bytes: usize| Contact {
        notes: "n".repeat(bytes),
        ..ada()
    };

    let too_large = batch((0..500).map(|_| with_notes(8_200)));
    let refused = owner.batch_create(too_large).await.map(drop);
    assert_refused(refused, Code::InvalidArgument, "BATCH_TOO_LARGE");
    assert_eq!(owner.total_size().await, 0);

    let large = batch((0..500).map(|_| with_notes(6_000)));
    let stored = owner.batch_create(large).await.unwrap();
    assert_eq!(stored.len(), 500);
}
