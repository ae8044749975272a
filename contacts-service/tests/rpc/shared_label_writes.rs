//! What the recipient of a shared label can write.

use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, ShareRole, UpdateContactRequest,
};
use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::mirror::{Mirror, assert_expired};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_bad_fields, assert_refused, reason, reason_in_batch};
use crate::sample::ada;
use crate::shared_label::{Shared, friends, ids, known, seen};

#[tokio::test]
async fn what_an_editor_writes_has_it_before_and_behind() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Editor).await;

    assert_bad_fields(other.create(labelled(&["Work"])).await, &["contact.labels"]);
    for labels in [&["Friends", "new"][..], &["Friends", "Work"]] {
        let refused = other.create(labelled(labels)).await.unwrap_err();
        assert_eq!(reason(&refused), "SHARE_LABEL_READ_ONLY");
        assert_bad_fields::<()>(Err(refused), &["contact.labels"]);
    }
    let made = other.create(labelled(&["FRIENDS"])).await.unwrap();
    assert_eq!(owner.get(&made.id).await.unwrap(), made);
    for labels in [&["Friends", "Work"][..], &["Friends", "Work", "new"]] {
        let mut relabelled = friend.clone();
        relabelled.labels = labels.iter().map(|&label| label.to_owned()).collect();
        let refused = other.update(relabelled, &["labels"]).await;
        assert_refused(refused, Code::InvalidArgument, "SHARE_LABEL_READ_ONLY");
    }
    assert_eq!(owner.labels(0).await.len(), 2);

    let mut left = Contact {
        labels: vec!["Work".into()],
        notes: "left".into(),
        ..friend.clone()
    };
    assert_bad_fields(
        other.update(left.clone(), &["labels"]).await,
        &["contact.labels"],
    );
    let by_batch = other.batch_update([left.clone()], false).await;
    assert_bad_fields(by_batch, &["requests[0].contact.labels"]);
    left.id.clone_from(&enemy.id);
    left.labels.push("Friends".into());
    let taken = other.update(left.clone(), &["*"]).await;
    assert_refused(taken, Code::NotFound, "CONTACT_NOT_FOUND");
    let taken = other.batch_update([left], false).await;
    assert_refused(taken, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(owner.get(&friend.id).await.unwrap(), friend);
    assert_eq!(owner.get(&enemy.id).await.unwrap(), enemy);

    let noted = Contact {
        notes: "noted".into(),
        ..friend.clone()
    };
    let noted = other.update(noted, &["notes"]).await.unwrap();
    assert_eq!(seen(&owner.get(&friend.id).await.unwrap()), noted);
    other.delete(&friend.id).await.unwrap();
    other.undelete(&friend.id).await.unwrap();
}

#[tokio::test]
async fn of_a_batch_what_has_it_is_written() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Editor).await;
    let requests = [labelled(&["Friends"]), ada()].map(|contact| CreateContactRequest {
        contact: Some(contact),
        ..CreateContactRequest::default()
    });

    let request = BatchCreateContactsRequest {
        requests: requests.into(),
        allow_partial: true,
        ..BatchCreateContactsRequest::default()
    };
    let made = other.batch_create(request).await.unwrap();
    assert!(made[0].is_ok());
    assert_eq!(reason_in_batch(&made[1]), "SHARE_LABEL_REQUIRED");

    let noted = |contact: &Contact| Contact {
        id: contact.id.clone(),
        notes: "noted".into(),
        ..Contact::default()
    };
    let changed = [noted(&friend), noted(&enemy)];
    let changed = other.batch_update(changed, true).await.unwrap();
    assert!(changed[0].is_ok());
    assert_eq!(reason_in_batch(&changed[1]), "CONTACT_NOT_FOUND");

    let deleted = other.batch_delete(&[&enemy.id, &friend.id], true).await;
    let deleted = deleted.unwrap();
    assert_eq!(reason_in_batch(&deleted[0]), "CONTACT_NOT_FOUND");
    assert!(deleted[1].is_ok());
    assert_eq!(owner.get(&enemy.id).await.unwrap(), enemy);
}

#[tokio::test]
async fn an_editor_restores_and_merges_among_those_with_it() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Editor).await;
    let plain = owner.has(ada()).await;
    let befriended = Contact {
        labels: vec!["Friends".into()],
        ..plain.clone()
    };
    let befriended = owner.update(befriended, &["labels"]).await.unwrap();

    // As if it had never existed.
    let back = other
        .restore(&plain.id, &plain.version.to_string(), "")
        .await;
    assert_refused(back, Code::NotFound, "REVISION_NOT_FOUND");
    for (primary, absorbed) in [(&friend, &enemy), (&enemy, &friend)] {
        let refused = other.merge(primary, &[absorbed]).await;
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    let (_, merge) = other.merge(&friend, &[&befriended]).await.unwrap();
    let apart = other.unmerge(&merge).await.unwrap();
    assert_eq!(ids(apart), [&*friend.id, &*befriended.id]);

    // The owner's merge added the label to a contact that did not have it.
    let (_, merge) = owner.merge(&enemy, &[&friend]).await.unwrap();
    assert_bad_fields(other.unmerge(&merge).await, &["contact.labels"]);
    owner.unmerge(&merge).await.unwrap();
}

#[tokio::test]
async fn shares_of_labels_add_up() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Reader).await;
    let work = owner.label("Work").await;
    let mirror = Mirror::of(&other).await;
    let note = |contact: &Contact| Contact {
        id: contact.id.clone(),
        notes: "noted".into(),
        ..Contact::default()
    };
    let owned = Owner {
        book: String::new(),
        ..other.clone()
    };
    let only_friend = owner.has(known(&["Friends"])).await;
    owner
        .shares_with(&owned, Some(&work), ShareRole::Editor)
        .await;

    for contact in [&friend, &enemy] {
        other.update(note(contact), &["notes"]).await.unwrap();
    }
    let refused = other.update(note(&only_friend), &["notes"]).await;
    assert_refused(refused, Code::PermissionDenied, "SHARE_READ_ONLY");
    let unlabelled = Contact {
        id: friend.id,
        labels: vec!["Friends".into()],
        ..Contact::default()
    };
    let refused = other.update(unlabelled, &["labels"]).await;
    assert_bad_fields(refused, &["contact.labels"]);
    // The expected result is a different one.
    assert_expired(&other, &mirror.token).await;
    assert_eq!(Mirror::of(&other).await.contacts.len(), 3);
}

#[tokio::test]
async fn a_contact_without_it_cannot_be_told_from_a_missing_one() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        enemy,
        ..
    } = friends(&app, ShareRole::Editor).await;
    let missing = Uuid::now_v7().to_string();

    for id in [&enemy.id, &missing] {
        assert_eq!(other.delete_with(id, "", true).await.unwrap(), None);
        let patch = Contact {
            id: id.clone(),
            ..ada()
        };
        let request = UpdateContactRequest {
            contact: Some(patch),
            allow_missing: true,
            ..UpdateContactRequest::default()
        };
        let refused = other.update_with(request).await;
        assert_refused(refused, Code::InvalidArgument, "SHARE_LABEL_REQUIRED");
    }
    // Nor can its uid.
    let same = Contact {
        uid: enemy.uid.clone(),
        ..ada()
    };
    let refused = other.create(same).await;
    assert_refused(refused, Code::InvalidArgument, "SHARE_LABEL_REQUIRED");
    assert_eq!(owner.get(&enemy.id).await.unwrap(), enemy);
}
