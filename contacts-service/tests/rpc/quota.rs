//! How much an owner may store: contacts, without deleted ones, and bytes of all.

use proto::contacts::v1::{Contact, CreateContactRequest, UpdateContactRequest};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::app::{App, rows};
use crate::refusal::assert_refused;
use crate::sample::{ada, named};

#[track_caller]
fn assert_full(answer: Result<Contact, Status>) {
    let status = answer.clone().unwrap_err();
    let quota = status.get_details_quota_failure().unwrap();
    assert_eq!(quota.violations.len(), 1);
    assert_eq!(quota.violations[0].subject, "contacts");
    assert_eq!(
        quota.violations[0].description,
        "at most 3 contacts, without deleted ones"
    );
    assert_refused(answer, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
}

#[tokio::test]
async fn a_full_book_takes_no_contact_by_any_way() {
    let app = App::with_quota(3).await;
    let owner = app.owner();
    let deleted = owner.has(ada()).await;
    owner.delete(&deleted.id).await.unwrap();
    let stored = owner.has_all([ada(), ada(), ada()]).await;
    let created_by_update = UpdateContactRequest {
        contact: Some(Contact {
            id: Uuid::now_v7().to_string(),
            ..ada()
        }),
        allow_missing: true,
        ..UpdateContactRequest::default()
    };
    let checked = CreateContactRequest {
        contact: Some(ada()),
        validate_only: true,
        ..CreateContactRequest::default()
    };

    assert_full(owner.create(ada()).await);
    assert_full(owner.update_with(created_by_update).await);
    assert_full(owner.undelete(&deleted.id).await);
    assert_full(owner.create_with(checked).await);

    assert_eq!(owner.total_size().await, 3);
    let patch = Contact {
        id: stored[0].id.clone(),
        ..named("Grace", "")
    };
    owner.update(patch, &[]).await.unwrap();
}

#[tokio::test]
async fn a_deletion_makes_room() {
    let app = App::with_quota(3).await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada(), ada()]).await;

    owner.delete(&stored[0].id).await.unwrap();

    owner.create(ada()).await.unwrap();
    assert_full(owner.create(ada()).await);
    assert_full(owner.undelete(&stored[0].id).await);
}

#[tokio::test]
async fn twenty_calls_at_a_time_take_the_last_place_once() {
    let app = App::with_quota(3).await;
    let owner = app.owner();
    owner.has_all([ada(), ada()]).await;
    let calls = (0..20).map(|_| owner.create(ada()));

    let answers = futures_util::future::join_all(calls).await;

    let (stored, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((stored.len(), refused.len()), (1, 19));
    refused.into_iter().for_each(assert_full);
    assert_eq!(owner.total_size().await, 3);
    assert_eq!(rows(&app, "contacts", owner.user).await, 3);
}

#[tokio::test]
async fn one_owners_full_book_is_no_one_elses() {
    let app = App::with_quota(3).await;
    let (owner, other) = (app.owner(), app.owner());
    owner.has_all([ada(), ada(), ada()]).await;

    other.create(ada()).await.unwrap();

    assert_full(owner.create(ada()).await);
}

/// The smallest value of the setting.
const BYTES: i64 = 65_536;

#[track_caller]
fn assert_too_heavy(answer: Result<Contact, Status>) {
    let status = answer.clone().unwrap_err();
    let quota = status.get_details_quota_failure().unwrap();
    assert_eq!(quota.violations.len(), 1);
    assert_eq!(quota.violations[0].subject, "bytes");
    assert_refused(answer, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
}

/// The exceeded limit.
fn subject(status: &Status) -> String {
    let quota = status.get_details_quota_failure().unwrap();
    quota.violations[0].subject.clone()
}

/// A contact of some 16 KB.
fn heavy() -> Contact {
    Contact {
        notes: "x".repeat(16_000),
        ..ada()
    }
}

#[tokio::test]
async fn no_way_leads_beyond_the_bytes() {
    let app = App::with(&["--contact-bytes-quota", "65536"]).await;
    let owner = app.owner();
    let light = owner.has(ada()).await;
    let stored = owner.has_all([heavy(), heavy(), heavy(), heavy()]).await;
    let id = Uuid::now_v7().to_string();
    let created_by_update = UpdateContactRequest {
        contact: Some(Contact { id, ..heavy() }),
        allow_missing: true,
        ..UpdateContactRequest::default()
    };
    let grown = Contact {
        id: light.id.clone(),
        ..heavy()
    };

    assert_too_heavy(owner.create(heavy()).await);
    assert_too_heavy(owner.update_with(created_by_update).await);
    assert_too_heavy(owner.update(grown, &[]).await);

    let used = app.byte_count(&owner).await;
    assert!((64_000..=BYTES).contains(&used), "{used}");
    assert_eq!(owner.stats().await.bytes, used);
    // Deleted contacts can be undeleted, and count until they are purged.
    owner.delete(&stored[0].id).await.unwrap();
    assert_too_heavy(owner.create(heavy()).await);
    owner.undelete(&stored[0].id).await.unwrap();
    owner.delete(&stored[0].id).await.unwrap();
    owner.purge(&[&stored[0].id]).await.unwrap();
    owner.create(heavy()).await.unwrap();
    // Updates that do not grow a contact are allowed.
    let smaller = Contact {
        id: stored[1].id.clone(),
        notes: "x".repeat(15_999),
        ..Contact::default()
    };
    owner.update(smaller, &[]).await.unwrap();
}

#[tokio::test]
async fn the_first_contacts_of_an_owner_have_the_same_limits() {
    let app = App::with(&["--contact-bytes-quota", "65536", "--contact-quota", "4"]).await;
    let batch = |contacts: Vec<Contact>, allow_partial| {
        let owner = app.owner();
        async move { owner.create_all(contacts, allow_partial).await }
    };

    // Five of them have 80 KB, so there is no room for the fifth one anyway.
    let refused = batch(vec![heavy(); 5], false).await.unwrap_err();
    assert_eq!(subject(&refused), "contacts");
    let larger = Contact {
        raw_properties: vec!["X-A:".to_owned() + &"y".repeat(16_000)],
        ..heavy()
    };
    let refused = batch(vec![larger.clone(), larger.clone(), larger.clone()], false).await;
    assert_eq!(subject(&refused.unwrap_err()), "bytes");

    // With `allow_partial`, what does not fit leaves room for what does.
    let in_part = batch(
        vec![larger.clone(), heavy(), larger, ada(), ada(), ada()],
        true,
    );
    let in_part: Vec<_> = in_part
        .await
        .unwrap()
        .into_iter()
        .map(|each| each.is_ok())
        .collect();
    assert_eq!(in_part, [true, true, false, true, true, false]);
}

#[tokio::test]
async fn ten_calls_at_a_time_take_the_last_bytes_once() {
    let app = App::with(&["--contact-bytes-quota", "65536"]).await;
    let owner = app.owner();
    owner.has_all([heavy(), heavy(), heavy()]).await;
    let grown = owner.has(ada()).await;
    let growing = |_| {
        owner.update(
            Contact {
                id: grown.id.clone(),
                ..heavy()
            },
            &[],
        )
    };
    let (created, updated) = tokio::join!(
        futures_util::future::join_all((0..8).map(|_| owner.create(heavy()))),
        futures_util::future::join_all((0..2).map(growing)),
    );

    // The same update again changes nothing.
    let one = created.iter().filter(|answer| answer.is_ok()).count()
        + usize::from(updated.iter().any(Result::is_ok));
    assert_eq!(one, 1, "{created:?} {updated:?}");
    assert!(app.byte_count(&owner).await <= BYTES);
}

#[tokio::test]
async fn no_batch_and_no_restoration_leads_beyond_the_bytes() {
    let app = App::with(&["--contact-bytes-quota", "65536"]).await;
    let owner = app.owner();
    let light = owner.has_all([ada(), ada()]).await;
    let shrunk = owner.has(heavy()).await;
    let as_it_was = shrunk.version.to_string();
    let less = Contact {
        id: shrunk.id.clone(),
        notes: "x".into(),
        ..Contact::default()
    };
    owner.update(less, &[]).await.unwrap();
    owner.has_all([heavy(), heavy(), heavy()]).await;
    let grown = || {
        light.iter().map(|contact| Contact {
            id: contact.id.clone(),
            ..heavy()
        })
    };

    let atomic = owner.batch_update(grown(), false).await.unwrap_err();
    assert_eq!(subject(&atomic), "bytes");
    let in_part = owner.batch_update(grown(), true).await.unwrap();
    assert_eq!((in_part[0].is_ok(), in_part[1].is_ok()), (true, false));
    assert_too_heavy(owner.restore(&shrunk.id, &as_it_was, "").await);

    assert!(app.byte_count(&owner).await <= BYTES);
}
