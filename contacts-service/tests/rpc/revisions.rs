//! `ListContactRevisions`.

use proto::contacts::v1::{Contact, ContactChange};
use tonic::Code;

use crate::app::{App, rows};
use crate::refusal::assert_refused;
use crate::sample::{ada, full};

fn noted(id: &str, notes: String) -> Contact {
    Contact {
        id: id.into(),
        notes,
        ..Contact::default()
    }
}

#[tokio::test]
async fn every_kind_of_write_leaves_a_revision() {
    let app = App::start().await;
    let owner = app.owner();
    let created = owner.has(full()).await;
    let id = &*created.id;
    let note = |text: &str| noted(id, text.into());

    let updated = owner.update(note("one"), &[]).await.unwrap();
    let batch = owner.batch_update([note("two")], false).await.unwrap();
    let deleted = owner.delete(id).await.unwrap();
    let undeleted = owner.undelete(id).await.unwrap();
    let restored = owner.restore(id, "2", "").await.unwrap();
    let in_batch = owner.batch_delete(&[id], false).await.unwrap();
    let back = owner.restore(id, "1", "").await.unwrap();

    let wanted = [
        (ContactChange::Created, created.clone()),
        (ContactChange::Updated, updated),
        (ContactChange::Updated, batch[0].clone().unwrap()),
        (ContactChange::Deleted, deleted),
        (ContactChange::Undeleted, undeleted),
        (ContactChange::Restored, restored),
        (ContactChange::Deleted, in_batch[0].clone().unwrap()),
        (ContactChange::Restored, back),
    ];
    let revisions = owner.revisions(id, 0).await;
    assert_eq!(revisions.len(), wanted.len());
    for (revision, (change, contact)) in revisions.iter().rev().zip(wanted) {
        assert_eq!(revision.change(), change);
        assert_eq!(revision.revision_id, contact.version.to_string());
        assert_eq!(revision.revision_time, contact.update_time);
        assert_eq!(revision.contact, Some(contact));
    }
}

#[tokio::test]
async fn a_contact_that_never_changed_costs_no_row() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;

    owner.update(stored.clone(), &["*"]).await.unwrap();
    owner.batch_update([stored.clone()], false).await.unwrap();
    owner.restore(&stored.id, "1", "").await.unwrap();

    assert_eq!(owner.revision_ids(&stored.id).await, ["1"]);
    assert_eq!(rows(&app, "revisions", owner.user).await, 0);
}

#[tokio::test]
async fn a_refused_write_leaves_no_revision() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let stale = Contact {
        etag: "\"9\"".into(),
        ..noted(&stored.id, "new".into())
    };

    owner.update(stale.clone(), &[]).await.unwrap_err();
    owner.batch_update([stale], false).await.unwrap_err();
    let etag = "\"9\"";
    owner.restore(&stored.id, "1", etag).await.unwrap_err();
    owner.delete_with(&stored.id, etag, true).await.unwrap_err();
    owner.undelete(&stored.id).await.unwrap_err();

    assert_eq!(rows(&app, "revisions", owner.user).await, 0);
}

#[tokio::test]
async fn the_last_fifty_revisions_are_kept_whatever_wrote_them() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let bystander = owner.has(full()).await;
    let id = &*stored.id;
    let kept = |versions: std::ops::RangeInclusive<i64>| {
        versions.rev().map(|v| v.to_string()).collect::<Vec<_>>()
    };
    owner
        .update(noted(&bystander.id, "new".into()), &[])
        .await
        .unwrap();
    for version in 4..=52 {
        let note = noted(id, format!("{version}"));
        let contact = owner.update(note, &[]).await.unwrap();
        assert_eq!(contact.version, version);
    }

    // The first and the 49 updates.
    assert_eq!(owner.revision_ids(id).await[49], "1");
    for version in 53..=64 {
        let contact = match version % 4 {
            0 => owner.undelete(id).await.unwrap(),
            1 => {
                let note = noted(id, format!("{version}"));
                owner.update(note, &[]).await.unwrap()
            }
            2 => {
                let note = noted(id, format!("{version}"));
                let batch = owner.batch_update([note], false).await.unwrap();
                batch.into_iter().next().unwrap().unwrap()
            }
            _ => owner.delete(id).await.unwrap(),
        };
        assert_eq!(contact.version, version);
        assert_eq!(owner.revision_ids(id).await, kept(version - 49..=version));
    }
    let dropped = owner.restore(id, "14", "").await;
    assert_refused(dropped, Code::NotFound, "REVISION_NOT_FOUND");
    let oldest = owner.restore(id, "15", "").await.unwrap();
    assert_eq!(oldest.notes, "15");
    assert_eq!(owner.revision_ids(id).await, kept(16..=65));
    assert_eq!(owner.revision_ids(&bystander.id).await, ["3", "2"]);
}

#[tokio::test]
async fn pages_hold_each_revision_once_while_the_contact_changes() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let note = |n: i64| noted(&stored.id, format!("{n}"));
    for n in 2..=10 {
        owner.update(note(n), &[]).await.unwrap();
    }
    let all = owner.revisions(&stored.id, 50).await;
    for size in [1, 3, 9, 10, 11, 0, 9999] {
        assert_eq!(owner.revisions(&stored.id, size).await, all, "{size}");
    }

    let (mut seen, mut token) = (Vec::new(), String::new());
    for n in 11.. {
        let page = owner.revisions_page(&stored.id, 3, &token).await.unwrap();
        seen.extend(page.revisions);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        owner.update(note(n), &[]).await.unwrap();
    }

    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_page_is_not_larger_than_what_clients_read() {
    let app = App::start().await;
    let owner = app.owner();
    let mut contact = ada();
    for n in 0..63 {
        contact
            .custom_fields
            .insert(format!("{n}"), "x".repeat(1000));
    }
    let stored = owner.has(contact).await;
    for n in 0..55 {
        let note = noted(&stored.id, format!("{n}"));
        owner.update(note, &[]).await.unwrap();
    }

    let page = owner.revisions_page(&stored.id, 50, "").await.unwrap();

    let bytes = prost::Message::encoded_len(&page);
    assert!((2 << 20..4 << 20).contains(&bytes), "{bytes}");
    assert!(!page.next_page_token.is_empty());
    assert_eq!(owner.revisions(&stored.id, 50).await.len(), 50);
}

#[tokio::test]
async fn a_page_token_is_for_one_contact_and_one_owner() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let (one, other) = (owner.has(ada()).await, owner.has(ada()).await);
    let note = noted(&one.id, "new".into());
    owner.update(note, &[]).await.unwrap();
    let page = owner.revisions_page(&one.id, 1, "").await.unwrap();
    let token = page.next_page_token;

    for (caller, id) in [(&owner, &other.id), (&stranger, &one.id)] {
        let answer = caller.revisions_page(id, 1, &token).await;
        assert_refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    let negative = owner.revisions_page(&one.id, -1, "").await;
    assert_refused(negative, Code::InvalidArgument, "PAGE_SIZE_INVALID");
}
