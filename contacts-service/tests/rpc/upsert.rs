//! `UpdateContact` with `allow_missing`.

use proto::contacts::v1::{Contact, UpdateContactRequest};
use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::refusal::assert_refused;
use crate::sample::{ada, as_written, full};

#[tokio::test]
async fn a_missing_contact_is_stored_where_that_is_allowed() {
    let app = App::start().await;
    let owner = app.owner();
    let id = Uuid::new_v4().to_string();
    let request = |contact| UpdateContactRequest {
        contact: Some(Contact {
            id: id.clone(),
            ..contact
        }),
        update_mask: Some(crate::owner::field_mask(&["notes"])),
        allow_missing: true,
        ..UpdateContactRequest::default()
    };

    let stored = owner.update_with(request(full())).await.unwrap();
    let again = owner.update_with(request(full())).await.unwrap();

    assert_eq!(as_written(stored.clone()), full());
    assert_eq!(stored.id, id);
    assert_eq!(again, stored);
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn a_missing_contact_with_a_taken_uid_is_not_stored() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(full()).await;

    let answer = owner
        .update_with(UpdateContactRequest {
            contact: Some(Contact {
                id: Uuid::now_v7().to_string(),
                ..full()
            }),
            allow_missing: true,
            ..UpdateContactRequest::default()
        })
        .await;

    assert_refused(answer, Code::AlreadyExists, "UID_TAKEN");
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn a_contact_that_was_purged_is_not_created_again_by_a_caller_with_its_etag() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    owner.delete(&stored.id).await.unwrap();
    owner.purge(&[&stored.id]).await.unwrap();
    let request = |etag: &str| UpdateContactRequest {
        contact: Some(Contact {
            etag: etag.into(),
            ..stored.clone()
        }),
        allow_missing: true,
        ..UpdateContactRequest::default()
    };

    let with_etag = owner.update_with(request(&stored.etag)).await;

    assert_refused(with_etag, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(owner.total_size().await, 0);
    let without = owner.update_with(request("")).await.unwrap();
    assert_eq!(without.id, stored.id);
}
