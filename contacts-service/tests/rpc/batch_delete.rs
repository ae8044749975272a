//! `BatchDeleteContacts`.

use proto::contacts::v1::{Contact, DeleteContactRequest};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, book};
use crate::batch_update::many;
use crate::refusal::{assert_bad_fields, assert_refused, fields, metadata, reason_in_batch};
use crate::sample::{ada, full, ids};

fn delete(contact: &Contact) -> DeleteContactRequest {
    DeleteContactRequest {
        id: contact.id.clone(),
        etag: contact.etag.clone(),
        ..DeleteContactRequest::default()
    }
}

#[tokio::test]
async fn five_hundred_contacts_are_deleted_under_one_version() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = many(&owner, 500, 0).await;
    let stays = owner.has(ada()).await;

    let requests = stored.iter().map(delete).collect();
    let results = owner.batch_delete_with(requests, false).await.unwrap();

    assert_eq!(results.len(), 500);
    for (contact, old) in results.iter().zip(&stored) {
        let contact = contact.as_ref().unwrap();
        let wanted = Contact {
            version: stays.version + 1,
            etag: contact.etag.clone(),
            update_time: contact.delete_time,
            delete_time: contact.delete_time,
            expire_time: contact.expire_time,
            ..old.clone()
        };
        assert_eq!(*contact, wanted);
        assert!(contact.expire_time.is_some());
        assert_eq!(owner.get(&contact.id).await.unwrap(), *contact);
    }
    assert_eq!(owner.total_size().await, 1);
    assert_eq!(owner.get(&stays.id).await.unwrap(), stays);
    let back = owner.undelete(&stored[7].id).await.unwrap();
    assert_eq!(back.version, stays.version + 2);
}

#[tokio::test]
async fn one_bad_request_keeps_all_from_being_deleted_and_is_named() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada()]).await;
    let gone = owner.delete(&stored[2].id).await.unwrap();
    let missing = Contact {
        id: Uuid::now_v7().to_string(),
        ..Contact::default()
    };
    let stale = Contact {
        etag: "\"77\"".into(),
        ..stored[1].clone()
    };
    let before = book(&app, owner.user).await;

    let with = |bad: &Contact| {
        let requests = vec![delete(&stored[0]), delete(bad)];
        owner.batch_delete_with(requests, false)
    };
    let (mismatch, twice) = (with(&stale).await, with(&stored[0]).await);

    let status = mismatch.as_ref().unwrap_err();
    assert_eq!(fields(status), ["requests[1]"]);
    assert_eq!(metadata(status, "etag"), stored[1].etag);
    assert_refused(mismatch, Code::Aborted, "ETAG_MISMATCH");
    assert_bad_fields(twice, &["requests[1].id"]);
    for bad in [&gone, &missing] {
        let answer = with(bad).await;
        let status = answer.as_ref().unwrap_err();
        assert_eq!(fields(status), ["requests[1]"]);
        assert_eq!(metadata(status, "id"), bad.id);
        assert_refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn with_partial_success_the_good_ones_are_deleted() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada(), ada()]).await;
    let gone = owner.delete(&stored[2].id).await.unwrap();
    let missing = Contact {
        id: Uuid::now_v7().to_string(),
        ..Contact::default()
    };
    let stale = Contact {
        etag: "\"77\"".into(),
        ..stored[3].clone()
    };
    let mut requests: Vec<_> = [&stored[0], &missing, &stale, &stored[0], &gone, &stored[1]]
        .map(delete)
        .into();
    for n in [1, 4] {
        let allowed = DeleteContactRequest {
            allow_missing: true,
            id: if n == 1 {
                Uuid::now_v7().to_string()
            } else {
                gone.id.clone()
            },
            ..DeleteContactRequest::default()
        };
        requests.push(allowed);
    }
    // The one that is deleted already is listed once.
    requests.remove(4);

    let results = owner.batch_delete_with(requests, true).await.unwrap();

    let refused = [1, 2, 3].map(|n| reason_in_batch(&results[n]));
    assert_eq!(
        refused,
        ["CONTACT_NOT_FOUND", "ETAG_MISMATCH", "FIELD_INVALID"]
    );
    assert!(results[0].as_ref().unwrap().delete_time.is_some());
    assert!(results[4].as_ref().unwrap().delete_time.is_some());
    assert_eq!(results[5], Ok(Contact::default()));
    assert_eq!(results[6], Ok(gone));
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn a_batch_of_none_of_too_many_or_of_too_large_ones_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = many(&owner, 200, 16_000).await;
    let before = book(&app, owner.user).await;

    let none = owner.batch_delete(&[], true).await;
    let many = owner.batch_delete(&[&*stored[0].id; 501], true).await;
    let large = owner.batch_delete(&ids(&stored), true).await;

    assert_refused(none, Code::InvalidArgument, "BATCH_EMPTY");
    for answer in [many, large] {
        assert_refused(answer, Code::InvalidArgument, "BATCH_TOO_LARGE");
    }
    assert_eq!(book(&app, owner.user).await, before);
    let fits = owner.batch_delete(&ids(&stored[..190]), false).await;
    assert_eq!(fits.unwrap().len(), 190);
}

#[tokio::test]
async fn a_batch_of_nothing_to_delete_writes_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let gone = owner.delete(&stored.id).await.unwrap();
    let before = book(&app, owner.user).await;
    let request = DeleteContactRequest {
        allow_missing: true,
        ..delete(&stored)
    };

    let results = owner.batch_delete_with(vec![request], false).await;

    assert_eq!(results.unwrap(), [Ok(gone)]);
    assert_eq!(book(&app, owner.user).await, before);
}
