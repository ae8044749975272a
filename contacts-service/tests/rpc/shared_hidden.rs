//! The labels that the recipient of another label does not see.

use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{
    Contact, ListContactsRequest, ListUpcomingBirthdaysRequest, MergeContactsRequest, ShareRole,
};
use tonic::Code;

use crate::app::App;
use crate::mirror::heard;
use crate::owner::Owner;
use crate::owner_changes::change;
use crate::owner_labels::labelled;
use crate::owner_merges::merging;
use crate::refusal::{assert_bad_fields, assert_refused, reason};
use crate::sample::date;
use crate::shared_label::{Shared, friends, known, seen};

#[tokio::test]
async fn they_are_in_no_response_of_a_read() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Reader).await;
    let twin = owner.has(known(&["Work", "Friends"])).await;
    let expected = [seen(&friend), seen(&twin)];

    assert_eq!(other.get(&friend.id).await.unwrap(), expected[0]);
    let masked = other.get_masked(&friend.id, Some(&["labels"])).await;
    assert_eq!(masked.unwrap().labels, ["Friends"]);
    let ids = [&*friend.id, &*twin.id];
    assert_eq!(other.batch_get(&ids, false).await.unwrap().0, expected);
    assert_eq!(
        other.list_all(ListContactsRequest::default()).await,
        expected
    );
    let found = other.found("ada").await.into_iter();
    assert!(found.map(|one| one.contact.unwrap()).eq(expected.clone()));
    let birthdays = ListUpcomingBirthdaysRequest {
        within_days: Some(366),
        from_date: Some(date(2023, 1, 1)),
        ..ListUpcomingBirthdaysRequest::default()
    };
    let born = other.birthdays_all(birthdays).await.into_iter();
    assert!(born.map(|one| one.contact.unwrap()).eq(expected.clone()));
    for one in other.revisions(&friend.id, 0).await {
        assert_eq!(one.contact.unwrap(), expected[0]);
    }
    assert_eq!(other.sync("", 0).await.unwrap().changed, expected);
    let mut events = other.watch("").await.unwrap();
    let Some(Event::LabelChanged(label)) = heard(&mut events).await.event else {
        panic!("the label comes before its contacts");
    };
    assert_eq!(label.name, "Friends");
    for contact in &expected {
        let event = heard(&mut events).await.event;
        assert_eq!(event, Some(Event::Changed(contact.clone())));
    }
    let groups = other.duplicates(0).await;
    assert_eq!(groups[0].contacts, expected);
    assert_eq!(groups.len(), 1);
    let stats = other.stats().await;
    assert_eq!(stats.by_label, [("Friends".to_owned(), 2)].into());
    assert_eq!(other.label_counts().await, [("Friends".into(), 2)]);
}

#[tokio::test]
async fn no_filter_finds_them_and_none_is_told_from_a_missing_one() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Reader).await;
    let listed = async |owner: &Owner, filter: &str| {
        let request = ListContactsRequest {
            filter: filter.into(),
            show_deleted: true,
            order_by: "create_time".into(),
            ..ListContactsRequest::default()
        };
        owner.list_all(request).await
    };

    for filter in [
        "labels:work",
        "labels:WORK",
        "labels:\"Work\"",
        "labels:\" work \"",
        "labels:\"w\u{200b}ork\"",
        "labels:missing",
        "labels:friends AND labels:work",
        "labels:work AND starred=false",
        "has:birthday AND labels:work",
        "labels:\"\u{ff37}ork\"",
    ] {
        assert_eq!(listed(&other, filter).await, [], "{filter}");
    }
    assert_eq!(listed(&owner, "labels:work").await.len(), 2);
    for filter in [
        "labels:friends",
        "labels:FRIENDS",
        "labels:friends AND has:birthday",
    ] {
        assert_eq!(listed(&other, filter).await, [seen(&friend)], "{filter}");
    }
}

#[tokio::test]
async fn they_survive_every_write_of_an_editor() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Editor).await;
    let id = &*friend.id;
    let check = async |answer: Contact| {
        let mut stored = owner.get(id).await.unwrap();
        assert_eq!(stored.labels, ["Friends", "Work"]);
        stored.labels = vec!["Friends".into()];
        assert_eq!(answer, stored);
    };
    let of_batch = |batch: Result<Vec<Result<Contact, _>>, _>| -> Contact {
        let batch: Vec<Result<Contact, tonic_types::Status>> = batch.unwrap();
        batch.into_iter().next().unwrap().unwrap()
    };
    let as_seen = other.get(id).await.unwrap();
    let noted = |notes: &str| Contact {
        notes: notes.into(),
        etag: String::new(),
        ..as_seen.clone()
    };

    // With the etag of what was seen.
    let whole = Contact {
        etag: as_seen.etag.clone(),
        ..noted("one")
    };
    check(other.update(whole.clone(), &["*"]).await.unwrap()).await;
    check(other.update(whole, &["*"]).await.unwrap()).await;
    check(
        other
            .update(noted("two"), &["labels", "notes"])
            .await
            .unwrap(),
    )
    .await;
    check(other.update(noted("three"), &[]).await.unwrap()).await;
    check(other.update(noted("four"), &["notes"]).await.unwrap()).await;
    check(of_batch(other.batch_update([noted("five")], false).await)).await;
    let unchanged = other.get(id).await.unwrap();
    check(other.update(unchanged.clone(), &["*"]).await.unwrap()).await;
    assert_eq!(owner.get(id).await.unwrap().version, unchanged.version);
    check(other.delete(id).await.unwrap()).await;
    check(other.undelete(id).await.unwrap()).await;
    check(of_batch(other.batch_delete(&[id], false).await)).await;
    check(other.undelete(id).await.unwrap()).await;
    let version = as_seen.version.to_string();
    check(other.restore(id, &version, "").await.unwrap()).await;
    // Its revisions had other hidden labels.
    let now = owner.get(id).await.unwrap();
    let more = Contact {
        id: id.into(),
        ..labelled(&["Home", "Friends"])
    };
    owner.update(more, &["labels"]).await.unwrap();
    let back = now.version.to_string();
    other.update(noted("six"), &["notes"]).await.unwrap();
    let back = other.restore(id, &back, "").await.unwrap();
    assert_eq!(
        (&*back.notes, &*back.labels),
        (&*now.notes, &["Friends".to_owned()][..])
    );
    assert_eq!(owner.get(id).await.unwrap().labels, ["Home", "Friends"]);
}

#[tokio::test]
async fn to_name_one_is_to_add_a_new_label() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Editor).await;
    owner.create_label("Empty").await.unwrap();

    for label in [
        "Work",
        "work",
        "WORK",
        " Work",
        "W\u{200b}ork",
        "\u{ff37}ork",
        "Empty",
        "New",
        "Friend",
        "Frıends",
    ] {
        for labels in [&["Friends", label][..], &[label, "FRIENDS"]] {
            let patch = Contact {
                id: friend.id.clone(),
                ..labelled(labels)
            };
            let status = other.update(patch.clone(), &["labels"]).await.unwrap_err();
            assert_eq!(reason(&status), "SHARE_LABEL_READ_ONLY", "{label:?}");
            assert_bad_fields::<()>(Err(status), &["contact.labels"]);
            let status = other.batch_update([patch], false).await.unwrap_err();
            assert_eq!(reason(&status), "SHARE_LABEL_READ_ONLY", "{label:?}");
        }
    }
    assert_eq!(owner.get(&friend.id).await.unwrap(), friend);
    assert_eq!(owner.labels(0).await.len(), 3);
}

#[tokio::test]
async fn a_merge_unites_them_unseen() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Editor).await;
    let twin = owner.has(known(&["Home", "Friends"])).await;
    let request = MergeContactsRequest {
        request_id: "once".into(),
        ..merging(&friend, &[&twin])
    };

    let first = other.merge_with(request.clone()).await.unwrap();

    assert_eq!(first.contact.as_ref().unwrap().labels, ["Friends"]);
    assert_eq!(
        owner.get(&friend.id).await.unwrap().labels,
        ["Friends", "Work", "Home"]
    );
    assert_eq!(other.merge_with(request).await.unwrap(), first);
    let apart = other.unmerge(&first.merge_id).await.unwrap();
    assert!(apart.iter().all(|contact| contact.labels == ["Friends"]));
    assert_eq!(owner.get(&friend.id).await.unwrap().labels, friend.labels);
    assert_eq!(owner.get(&twin.id).await.unwrap().labels, twin.labels);
}

#[tokio::test]
async fn each_shared_label_is_seen_and_changed_by_its_role() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Editor).await;
    let me = Owner {
        book: String::new(),
        ..other.clone()
    };
    owner.create_label("Home").await.unwrap();
    let relabel = |labels: &[&str]| {
        change(Contact {
            id: friend.id.clone(),
            ..labelled(labels)
        })
    };
    let (work, home) = (owner.label("Work").await, owner.label("Home").await);
    owner.shares_with(&me, Some(&work), ShareRole::Reader).await;
    owner.shares_with(&me, Some(&home), ShareRole::Editor).await;

    let all = ["Friends", "Work"];
    assert_eq!(other.get(&friend.id).await.unwrap().labels, all);
    let refused = other.update_with(relabel(&["Friends"])).await;
    assert_refused(refused, Code::InvalidArgument, "SHARE_LABEL_READ_ONLY");
    let refused = other.update_with(relabel(&["Work"])).await;
    assert_refused(refused, Code::InvalidArgument, "SHARE_LABEL_REQUIRED");
    let moved = other.update_with(relabel(&["Home", "Work"])).await.unwrap();
    assert_eq!(moved.labels, ["Home", "Work"]);
    assert_eq!(
        owner.get(&friend.id).await.unwrap().labels,
        ["Home", "Work"]
    );
    assert_eq!(other.label_counts().await.len(), 3);
}
