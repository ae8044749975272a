//! What whoever a label is shared with sees and writes.

use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, ListContactsRequest,
    ListUpcomingBirthdaysRequest, ShareRole,
};
use tonic::Code;

use crate::app::App;
use crate::mirror::{Mirror, assert_expired, heard};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_bad_fields, assert_refused, reason_in_batch};
use crate::sample::{ada, date};

/// A contact that every list and search finds, with these labels.
fn known(labels: &[&str]) -> Contact {
    Contact {
        birthday: Some(date(1990, 5, 5)),
        ..labelled(labels)
    }
}

struct Shared {
    owner: Owner,
    /// Calls for the owner's contacts.
    other: Owner,
    /// With the label.
    friend: Contact,
    /// Without it.
    enemy: Contact,
}

/// The label "Friends" of an owner, shared.
async fn friends(app: &App, role: ShareRole) -> Shared {
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let friend = owner.has(known(&["Friends", "Work"])).await;
    let enemy = owner.has(known(&["Work"])).await;
    let label = owner.label("Friends").await;
    let (other, _) = owner.shares_with(&other, Some(&label), role).await;
    Shared {
        owner,
        other,
        friend,
        enemy,
    }
}

fn ids(contacts: impl IntoIterator<Item = Contact>) -> Vec<String> {
    let ids = contacts.into_iter().map(|contact| contact.id);
    ids.collect()
}

#[tokio::test]
async fn a_contact_without_it_is_in_no_list() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Reader).await;
    let gone = owner.has_deleted(known(&["friends"])).await;
    owner.has_deleted(known(&[])).await;
    let only = std::slice::from_ref(&friend);

    for filter in ["", "has:birthday", "labels:work"] {
        let request = ListContactsRequest {
            filter: filter.into(),
            ..ListContactsRequest::default()
        };
        let page = other.list(request).await.unwrap();
        assert_eq!(page.contacts, only, "{filter}");
        assert_eq!(page.total_size, None);
    }
    let deleted = ListContactsRequest {
        show_deleted: true,
        order_by: "create_time".into(),
        ..ListContactsRequest::default()
    };
    assert_eq!(ids(other.list_all(deleted).await), [&*friend.id, &gone.id]);
    for query in ["ada", "lovelace", "a", "lovelase"] {
        let found = other.found(query).await.into_iter();
        assert_eq!(
            ids(found.map(|result| result.contact.unwrap())),
            [&*friend.id]
        );
    }
    for leap_day in [date(2023, 5, 1), date(2023, 2, 20)] {
        let request = ListUpcomingBirthdaysRequest {
            within_days: Some(90),
            from_date: Some(leap_day),
            ..ListUpcomingBirthdaysRequest::default()
        };
        let birthdays = other.birthdays_all(request).await.into_iter();
        assert_eq!(
            ids(birthdays.map(|day| day.contact.unwrap())),
            [&*friend.id]
        );
    }
    let (found, missing) = other
        .batch_get(&[&enemy.id, &friend.id], true)
        .await
        .unwrap();
    assert_eq!((found, missing), (only.to_vec(), vec![enemy.id.clone()]));
    let refused = other.get(&enemy.id).await;
    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(other.label_counts().await, [("Friends".into(), 1)]);
    let work = other.get_label(&owner.label("Work").await.id).await;
    assert_refused(work, Code::NotFound, "LABEL_NOT_FOUND");
}

#[tokio::test]
async fn a_leap_day_without_it_is_not_shown() {
    let app = App::start().await;
    let Shared { owner, other, .. } = friends(&app, ShareRole::Reader).await;
    let born = |labels: &[&str], day| Contact {
        birthday: Some(day),
        ..labelled(labels)
    };
    let shown = owner.has(born(&["Friends"], date(2000, 2, 29))).await;
    owner.has(born(&[], date(2000, 2, 29))).await;
    owner.has(born(&[], date(2001, 2, 28))).await;

    let request = ListUpcomingBirthdaysRequest {
        within_days: Some(0),
        from_date: Some(date(2023, 2, 28)),
        ..ListUpcomingBirthdaysRequest::default()
    };
    let birthdays = other.birthdays_all(request).await.into_iter();

    assert_eq!(ids(birthdays.map(|day| day.contact.unwrap())), [shown.id]);
}

#[tokio::test]
async fn what_a_contact_was_without_it_is_not_shown() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        enemy,
        ..
    } = friends(&app, ShareRole::Reader).await;
    let refused = other.revisions_page(&enemy.id, 0, "").await;
    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    let befriended = Contact {
        labels: vec!["Friends".into()],
        ..enemy.clone()
    };
    let befriended = owner.update(befriended, &["labels"]).await.unwrap();

    let shown = other.revisions(&enemy.id, 1).await;

    let shown: Vec<_> = shown.into_iter().map(|revision| revision.contact).collect();
    assert_eq!(shown, [Some(befriended)]);
    assert_eq!(owner.revisions(&enemy.id, 1).await.len(), 2);
}

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
    let made = other.create(labelled(&["FRIENDS", "new"])).await.unwrap();
    assert_eq!(owner.get(&made.id).await.unwrap(), made);
    assert_eq!(owner.label("new").await.contact_count, 1);

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
    assert_eq!(owner.get(&friend.id).await.unwrap(), noted);
    other.delete(&friend.id).await.unwrap();
    other.undelete(&friend.id).await.unwrap();
    other.delete(&friend.id).await.unwrap();
    assert_eq!(other.purge(&[&friend.id]).await.unwrap(), 1);
    let enemy = owner.delete(&enemy.id).await.unwrap();
    let purged = other.purge(&[&enemy.id]).await;
    assert_refused(purged, Code::NotFound, "CONTACT_NOT_FOUND");
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

    let back = other
        .restore(&plain.id, &plain.version.to_string(), "")
        .await;
    assert_bad_fields(back, &["contact.labels"]);
    for (primary, absorbed) in [(&friend, &enemy), (&enemy, &friend)] {
        let refused = other.merge(primary, &[absorbed]).await;
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    let (_, merge) = other.merge(&friend, &[&befriended]).await.unwrap();
    let apart = other.unmerge(&merge).await.unwrap();
    assert_eq!(ids(apart), [&*friend.id, &*befriended.id]);

    // The owner's merge put the label on a contact that had it not before.
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
    // What is to be told is something else.
    assert_expired(&other, &mirror.token).await;
    assert_eq!(Mirror::of(&other).await.contacts.len(), 3);
}

#[tokio::test]
async fn copies_of_a_label_follow_it() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Reader).await;
    let mut mirror = Mirror::default();
    mirror.sync(&other, 1).await;
    assert_eq!(mirror.contacts.keys().collect::<Vec<_>>(), [&friend.id]);
    let mut events = other.watch(&mirror.token).await.unwrap();
    mirror.catch_up(&mut events).await;

    let with = |contact: &Contact, labels: &[&str]| Contact {
        id: contact.id.clone(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        ..Contact::default()
    };
    owner
        .update(with(&enemy, &["Friends"]), &["labels"])
        .await
        .unwrap();
    owner.update(with(&friend, &[]), &["labels"]).await.unwrap();
    let other_one = owner.has(ada()).await;
    while !mirror.contacts.contains_key(&enemy.id) || mirror.contacts.len() > 1 {
        mirror.event(heard(&mut events).await);
    }
    // Its new name is the same label.
    let label = owner.label("Friends").await;
    owner.rename_label(&label, "Amis").await.unwrap();
    while mirror.contacts[&enemy.id].labels != ["Amis"] {
        mirror.event(heard(&mut events).await);
    }
    owner
        .update(with(&other_one, &["Amis"]), &["labels"])
        .await
        .unwrap();
    mirror.sync(&other, 1).await;

    mirror.assert_same(&other).await;
    assert_eq!(mirror.contacts.len(), 2);
}

#[tokio::test]
async fn who_begins_with_nothing_hears_of_no_other_contact() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Reader).await;
    owner.has_all((0..5).map(|_| ada())).await;
    owner.has_deleted(ada()).await;

    let (mut told, mut token) = (Vec::new(), String::new());
    loop {
        let page = other.sync(&token, 2).await.unwrap();
        assert_eq!(page.deleted_ids, Vec::<String>::new());
        told.extend(page.changed);
        if page.next_page_token.is_empty() {
            break;
        }
        token = page.next_page_token;
    }

    assert_eq!(told, [friend]);
}
