//! How many live contacts an owner may have.

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
    assert_eq!(quota.violations[0].description, "at most 3 live contacts");
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
