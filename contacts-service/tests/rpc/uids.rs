//! Who has a uid, and how a contact is found by it.

use proto::contacts::v1::{
    BatchGetContactsRequest, Contact, CreateContactRequest, ListContactsRequest, ShareRole,
    UpdateContactRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused, metadata, reason, reason_in_batch};
use crate::sample::named;
use crate::shared_label::friends;

const UID: &str = "urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af";

fn with_uid(given: &str, uid: &str) -> Contact {
    Contact {
        uid: uid.into(),
        ..named(given, "X")
    }
}

async fn listed(owner: &Owner, filter: &str, show_deleted: bool) -> Vec<String> {
    let request = ListContactsRequest {
        filter: filter.into(),
        show_deleted,
        page_size: 1,
        ..ListContactsRequest::default()
    };
    let contacts = owner.list_all(request).await;
    contacts.into_iter().map(|c| c.given_name).collect()
}

/// The uid of each contact of a batch, or the reason against it.
async fn outcomes(owner: &Owner, contacts: Vec<Contact>, allow_partial: bool) -> Vec<String> {
    uids(&owner.create_all(contacts, allow_partial).await.unwrap())
}

fn uids(results: &[Result<Contact, tonic_types::Status>]) -> Vec<String> {
    let uids = results.iter().map(|result| match result {
        Ok(contact) => contact.uid.clone(),
        Err(_) => reason_in_batch(result),
    });
    uids.collect()
}

fn taken_by(answer: Result<Contact, Status>) -> String {
    let status = answer.unwrap_err();
    assert_eq!(
        (status.code(), &*reason(&status)),
        (Code::AlreadyExists, "UID_TAKEN")
    );
    metadata(&status, "id")
}

#[tokio::test]
async fn the_error_names_the_contact_that_has_the_uid() {
    let app = App::start().await;
    let owner = app.owner();
    let first = owner.has(with_uid("Ada", UID)).await;

    assert_eq!(taken_by(owner.create(with_uid("Bob", UID)).await), first.id);
    let repeatable = CreateContactRequest {
        contact: Some(with_uid("Bob", UID)),
        request_id: "once".into(),
        ..CreateContactRequest::default()
    };
    assert_eq!(taken_by(owner.create_with(repeatable).await), first.id);
    let upsert = UpdateContactRequest {
        contact: Some(Contact {
            id: Uuid::now_v7().to_string(),
            ..with_uid("Bob", UID)
        }),
        allow_missing: true,
        ..UpdateContactRequest::default()
    };
    assert_eq!(taken_by(owner.update_with(upsert).await), first.id);

    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn a_new_contact_takes_the_uid_of_a_deleted_one_which_comes_back_with_another() {
    let app = App::start().await;
    let owner = app.owner();
    let deleted = owner.has(with_uid("Ada", UID)).await;
    owner.delete(&deleted.id).await.unwrap();

    let new = owner.create(with_uid("Bob", UID)).await.unwrap();
    let back = owner.undelete(&deleted.id).await.unwrap();

    assert_eq!(new.uid, UID);
    assert!(
        back.uid.starts_with("urn:uuid:") && back.uid != UID,
        "{}",
        back.uid
    );
    assert_eq!((&*back.given_name, owner.total_size().await), ("Ada", 2));
    assert_eq!(taken_by(owner.create(with_uid("Cy", UID)).await), new.id);
}

#[tokio::test]
async fn a_merged_contact_gives_its_uid_up_and_comes_back_with_another() {
    let app = App::start().await;
    let owner = app.owner();
    let primary = owner.has(named("Ada", "A")).await;
    let other = owner.has(with_uid("Ada", UID)).await;
    let (_, merge) = owner.merge(&primary, &[&other]).await.unwrap();

    owner.create(with_uid("Bob", UID)).await.unwrap();
    let back = owner.unmerge(&merge).await.unwrap();

    let uids: Vec<&str> = back.iter().map(|contact| &*contact.uid).collect();
    assert!(
        uids.contains(&&*primary.uid) && !uids.contains(&UID),
        "{uids:?}"
    );
    assert_eq!(owner.total_size().await, 3);
}

#[tokio::test]
async fn batches_take_the_uids_of_deleted_contacts_only() {
    let app = App::start().await;
    let owner = app.owner();
    let [deleted, _live] = [
        owner.has(with_uid("Ada", "a")).await,
        owner.has(with_uid("Bob", "b")).await,
    ];
    owner.delete(&deleted.id).await.unwrap();

    let three = ["a", "b", "c"].map(|uid| with_uid("New", uid)).to_vec();
    assert_eq!(outcomes(&owner, three, true).await, ["a", "UID_TAKEN", "c"]);

    let upsert = |uid: &str| UpdateContactRequest {
        contact: Some(Contact {
            id: Uuid::now_v7().to_string(),
            ..with_uid("New", uid)
        }),
        allow_missing: true,
        ..UpdateContactRequest::default()
    };
    let gone = owner.has(with_uid("Gone", "d")).await;
    owner.delete(&gone.id).await.unwrap();
    let requests = vec![upsert("d"), upsert("b"), upsert("e"), upsert("e")];
    let results = owner.batch_update_with(requests, true).await.unwrap();
    assert_eq!(uids(&results), ["d", "UID_TAKEN", "e", "UID_TAKEN"]);
}

#[tokio::test]
async fn a_refused_creation_takes_no_uid_from_a_deleted_contact() {
    let app = App::with_quota(1).await;
    let owner = app.plain_owner();
    let deleted = owner.has(with_uid("Ada", UID)).await;
    owner.delete(&deleted.id).await.unwrap();
    owner.has(named("Bob", "B")).await;

    let refused = owner.create(with_uid("Cy", UID)).await;
    assert_refused(refused, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    let trial = CreateContactRequest {
        contact: Some(with_uid("Cy", UID)),
        validate_only: true,
        ..CreateContactRequest::default()
    };
    owner.create_with(trial).await.unwrap_err();

    let filter = format!("uid=\"{UID}\"");
    assert_eq!(listed(&owner, &filter, true).await, ["Ada"]);
}

#[tokio::test]
async fn two_creations_of_a_deleted_uid_at_once_make_one_contact() {
    let app = App::start().await;
    let owner = app.owner();
    for round in 0..10 {
        let uid = format!("round-{round}");
        let deleted = owner.has(with_uid("Ada", &uid)).await;
        owner.delete(&deleted.id).await.unwrap();

        let (one, other) = tokio::join!(
            owner.create(with_uid("Bob", &uid)),
            owner.create(with_uid("Cy", &uid)),
        );

        let (won, lost) = if one.is_ok() {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!(taken_by(lost), won.unwrap().id);
    }
    assert_eq!(owner.total_size().await, 10);
    assert_eq!(rows(&app, "contacts", owner.user).await, 20);
}

#[tokio::test]
async fn a_contact_is_found_by_its_uid_and_no_other_is() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has(with_uid("Ada", UID)).await;
    owner.has(with_uid("Bob", &UID.to_uppercase())).await;
    let deleted = owner.has(with_uid("Cy", "other")).await;
    owner.delete(&deleted.id).await.unwrap();

    let filter = format!("uid=\"{UID}\"");
    assert_eq!(listed(&owner, &filter, false).await, ["Ada"]);
    assert_eq!(
        listed(&owner, &format!("{filter} AND starred=true"), false).await,
        [""; 0]
    );
    assert_eq!(listed(&owner, "uid=other", false).await, [""; 0]);
    assert_eq!(listed(&owner, "uid=other", true).await, ["Cy"]);
    assert_eq!(listed(&stranger, &filter, true).await, [""; 0]);
}

#[tokio::test]
async fn contacts_are_got_by_their_uids_beside_their_ids() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let ada = owner.has(with_uid("Ada", UID)).await;
    let bob = owner.has(with_uid("Bob", "bob")).await;
    let request = |uids: &[&str], allow_missing| BatchGetContactsRequest {
        ids: vec![bob.id.clone()],
        uids: uids.iter().map(|&uid| uid.to_owned()).collect(),
        allow_missing,
        ..BatchGetContactsRequest::default()
    };

    let found = owner
        .batch_get_with(request(&[UID, "bob", UID], false))
        .await;
    assert_eq!(
        found.unwrap().contacts,
        [&bob, &ada, &bob, &ada].map(Contact::clone)
    );
    let found = owner
        .batch_get_with(request(&["none", UID], true))
        .await
        .unwrap();
    assert_eq!(
        (found.contacts.len(), found.missing_uids),
        (2, vec!["none".to_owned()])
    );

    let missing = owner.batch_get_with(request(&["none"], false)).await;
    assert_eq!(metadata(missing.as_ref().unwrap_err(), "uid"), "none");
    assert_refused(missing, Code::NotFound, "CONTACT_NOT_FOUND");
    let found = stranger
        .batch_get_with(request(&[UID], true))
        .await
        .unwrap();
    assert_eq!((found.contacts.len(), found.missing_uids.len()), (0, 1));
    assert_bad_fields(
        owner.batch_get_with(request(&["x"; 500], true)).await,
        &["uids"],
    );
    for bad in ["", "a\0b"] {
        let refused = owner.batch_get_with(request(&[UID, bad], true)).await;
        assert_bad_fields(refused, &["uids[1]"]);
    }
}

#[tokio::test]
async fn the_recipient_of_a_label_is_not_shown_who_else_has_a_uid() {
    let app = App::start().await;
    let shared = friends(&app, ShareRole::Editor).await;
    let of_enemy = Contact {
        labels: vec!["Friends".into()],
        ..with_uid("New", &shared.enemy.uid)
    };

    assert_eq!(taken_by(shared.other.create(of_enemy).await), "");

    let by_uid = BatchGetContactsRequest {
        uids: vec![shared.enemy.uid.clone(), shared.friend.uid.clone()],
        allow_missing: true,
        ..BatchGetContactsRequest::default()
    };
    let found = shared.other.batch_get_with(by_uid).await.unwrap();
    assert_eq!(found.missing_uids, std::slice::from_ref(&shared.enemy.uid));
    let filter = format!("uid=\"{}\"", shared.enemy.uid);
    assert_eq!(listed(&shared.other, &filter, true).await, [""; 0]);
}
