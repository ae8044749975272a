//! Deleted contacts that their owner purges.

use proto::contacts::v1::PurgeContactsRequest;
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, rows};
use crate::mirror::Mirror;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, full};

fn all_deleted() -> PurgeContactsRequest {
    PurgeContactsRequest {
        ids: vec![],
        all_deleted: true,
        ..PurgeContactsRequest::default()
    }
}

#[tokio::test]
async fn a_deleted_contact_goes_for_good_and_those_who_sync_learn_of_it() {
    let app = App::start().await;
    let owner = app.owner();
    let (live, other) = (owner.has(ada()).await, owner.has_deleted(ada()).await);
    let gone = owner.has(full()).await;
    let mut mirror = Mirror::of(&owner).await;
    owner.delete(&gone.id).await.unwrap();

    // An id that is named twice is purged once.
    assert_eq!(owner.purge(&[&gone.id, &gone.id]).await.unwrap(), 1);

    assert_refused(
        owner.get(&gone.id).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    assert_refused(
        owner.undelete(&gone.id).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    assert!(owner.get(&other.id).await.is_ok());
    mirror.sync(&owner, 0).await;
    assert_eq!(mirror.contacts.keys().collect::<Vec<_>>(), [&live.id]);
    owner.undelete(&other.id).await.unwrap();
    // Its uid can be used again.
    owner.has(full()).await;
}

#[tokio::test]
async fn all_deleted_contacts_go_and_the_live_ones_stay() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.owner());
    let live = owner.has(full()).await;
    let foreign = other.has_deleted(ada()).await;
    for _ in 0..3 {
        owner.has_deleted(ada()).await;
    }

    assert_eq!(owner.purge_with(all_deleted()).await.unwrap(), 3);
    assert_eq!(owner.purge_with(all_deleted()).await.unwrap(), 0);

    assert_eq!(rows(&app, "contacts", owner.user).await, 1);
    assert_eq!(rows(&app, "tombstones", owner.user).await, 3);
    assert!(owner.get(&live.id).await.is_ok());
    assert!(other.get(&foreign.id).await.is_ok());
    // Seven writes and one purge; a purge of nothing takes no version.
    assert_eq!(owner.has(ada()).await.version, 9);
}

#[tokio::test]
async fn more_than_a_batch_of_deleted_contacts_go_in_one_call() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has_deleted(ada()).await;
    let more = "INSERT INTO contacts.contacts
                SELECT owner_id, gen_random_uuid(), 'uid' || n, version, create_time, update_time,
                       delete_time, NULL, body, '', '', '', NULL, FALSE, '{}', '{}', '{}', '', ''
                FROM contacts.contacts, generate_series(1, 2500) AS n";
    let mut db = app.admin().await;
    sqlx::query(more).execute(&mut db).await.unwrap();
    let bytes = "UPDATE contacts.owner_state
                 SET byte_count = (SELECT sum(octet_length(body)) FROM contacts.contacts)";
    sqlx::query(bytes).execute(&mut db).await.unwrap();

    assert_eq!(owner.purge_with(all_deleted()).await.unwrap(), 2501);

    assert_eq!(app.byte_count(&owner).await, 0);
    assert_eq!(rows(&app, "tombstones", owner.user).await, 2501);
}

#[tokio::test]
async fn a_live_or_missing_contact_among_the_ids_saves_all() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let (live, deleted) = (owner.has(ada()).await, owner.has_deleted(ada()).await);
    let foreign = stranger.has_deleted(ada()).await;
    let missing = Uuid::now_v7().to_string();

    let refused = owner.purge(&[&deleted.id, &live.id]).await;
    assert_eq!(metadata(refused.as_ref().unwrap_err(), "id"), live.id);
    assert_refused(refused, Code::FailedPrecondition, "CONTACT_NOT_DELETED");
    for id in [&foreign.id, &missing] {
        let refused = owner.purge(&[&deleted.id, id]).await;
        assert_eq!(metadata(refused.as_ref().unwrap_err(), "id"), *id);
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    }

    assert!(owner.get(&deleted.id).await.is_ok());
    assert!(stranger.get(&foreign.id).await.is_ok());
    assert_eq!(rows(&app, "tombstones", owner.user).await, 0);
}

#[tokio::test]
async fn either_ids_or_all_must_be_asked_for() {
    let app = App::start().await;
    let owner = app.owner();
    let deleted = owner.has_deleted(ada()).await;
    let both = PurgeContactsRequest {
        ids: vec![deleted.id.clone()],
        all_deleted: true,
        ..PurgeContactsRequest::default()
    };

    assert_bad_fields(owner.purge_with(both).await, &["ids"]);
    assert_bad_fields(owner.purge(&[]).await, &["ids"]);
    assert_bad_fields(owner.purge(&vec![&*deleted.id; 501]).await, &["ids"]);
    assert_bad_fields(owner.purge(&["x"]).await, &["ids[0]"]);

    assert!(owner.get(&deleted.id).await.is_ok());
}

#[tokio::test]
async fn an_undeletion_and_a_purge_at_a_time_leave_one_winner() {
    let app = App::start().await;
    let owner = app.owner();
    for _ in 0..10 {
        let contact = owner.has_deleted(ada()).await;
        let ids = [&*contact.id];

        let (purged, back) = tokio::join!(owner.purge(&ids), owner.undelete(&contact.id));

        assert_ne!(purged.is_ok(), back.is_ok());
        assert_eq!(owner.get(&contact.id).await.is_ok(), back.is_ok());
    }
    assert_eq!(owner.stats().await.deleted, 0);
}
