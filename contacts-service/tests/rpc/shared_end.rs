//! When a share ends, it ends at once.

use std::time::Duration;

use chassis::user_id::UserId;
use contacts_service::gone_owners::remove;
use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, Label, ListContactsRequest,
    ShareRole, WatchContactsResponse,
};
use sqlx::Connection;
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::app::App;
use crate::mirror::Mirror;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_refused, reason};
use crate::sample::ada;

/// The end of a stream, within half a minute.
async fn end(events: &mut Streaming<WatchContactsResponse>) -> Status {
    let end = async {
        loop {
            match events.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("an end without a reason"),
                Err(status) => return status,
            }
        }
    };
    timeout(Duration::from_secs(30), end).await.expect("an end")
}

/// One write of each kind.
async fn write(editor: &Owner, contact: &Contact, kind: usize) -> Result<(), Status> {
    let patch = Contact {
        id: contact.id.clone(),
        notes: Uuid::now_v7().to_string(),
        ..Contact::default()
    };
    match kind {
        0 => editor.create(ada()).await.map(drop),
        1 => editor.create(labelled(&["x"])).await.map(drop),
        2 => editor.update(patch, &["notes"]).await.map(drop),
        3 => editor.batch_update([patch], false).await.map(drop),
        4 => editor.create_label(&patch.notes).await.map(drop),
        5 => editor.delete(&contact.id).await.map(drop),
        6 => editor.batch_delete(&[&contact.id], false).await.map(drop),
        7 => editor.undelete(&contact.id).await.map(drop),
        8 => editor.restore(&contact.id, "1", "").await.map(drop),
        9 => {
            let other = Uuid::now_v7().to_string();
            editor.ignore(&contact.id, &other).await
        }
        10 => editor
            .merge(contact, &[&ada_of(&patch.notes)])
            .await
            .map(drop),
        11 => editor.unmerge(&patch.notes).await.map(drop),
        12 => {
            let once = CreateContactRequest {
                contact: Some(ada()),
                request_id: "once".into(),
                ..CreateContactRequest::default()
            };
            editor.create_with(once).await.map(drop)
        }
        _ => {
            let batch = BatchCreateContactsRequest {
                requests: vec![CreateContactRequest {
                    contact: Some(ada()),
                    ..CreateContactRequest::default()
                }],
                ..BatchCreateContactsRequest::default()
            };
            editor.batch_create(batch).await.map(drop)
        }
    }
}

/// A contact that may be missing.
fn ada_of(id: &str) -> Contact {
    Contact {
        id: id.to_owned(),
        ..ada()
    }
}

/// Both wait for the owner's row, the deletion of the share before the write, which was
/// admitted.
#[tokio::test]
async fn nothing_is_written_behind_the_end_of_a_share() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    // In one process they would wait for each other before they reach the database.
    let elsewhere = app.another_instance().await;
    for kind in 0..14 {
        let contact = owner.has(ada()).await;
        let (_, share) = owner.shares_with(&other, None, ShareRole::Editor).await;
        let editor = Owner {
            book: owner.user.to_string(),
            ..app.owner_on(elsewhere.clone(), other.user)
        };
        let mut db = app.admin().await;
        let mut held = db.begin().await.unwrap();
        let take = "SELECT FROM contacts.owner_state WHERE owner_id = $1 FOR UPDATE";
        let take = sqlx::query(take).bind(owner.user);
        take.execute(&mut *held).await.unwrap();

        let ends = owner.clone();
        let end = tokio::spawn(async move { ends.end_share(&share).await });
        app.waiting_for_a_lock(1).await;
        let late = tokio::spawn(async move { write(&editor, &contact, kind).await });
        app.waiting_for_a_lock(2).await;
        held.rollback().await.unwrap();

        end.await.unwrap().unwrap();
        let then = app.version(&owner).await;
        assert_refused(late.await.unwrap(), Code::NotFound, "SHARE_NOT_FOUND");
        assert_eq!(app.version(&owner).await, then, "{kind}");
    }
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_at_once() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let contact = owner.has(ada()).await;
    let (editor, share) = owner.shares_with(&other, None, ShareRole::Editor).await;
    let patch = Contact {
        id: contact.id.clone(),
        notes: "new".into(),
        ..Contact::default()
    };
    let changed = editor.update(patch.clone(), &["notes"]).await.unwrap();

    owner.set_role(&share, ShareRole::Reader).await.unwrap();

    let refused = editor.update(patch, &["notes"]).await;
    assert_refused(refused, Code::PermissionDenied, "SHARE_READ_ONLY");
    assert_eq!(editor.get(&contact.id).await.unwrap(), changed);
}

#[tokio::test]
async fn a_stream_ends_with_its_share_on_every_instance() {
    let app = App::start().await;
    let elsewhere = app.another_instance().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let (reader, share) = owner.shares_with(&other, None, ShareRole::Reader).await;
    let mut far = Owner::new(elsewhere, other.user, &other.token);
    far.book.clone_from(&reader.book);
    let mut streams = Vec::new();
    for reader in [&reader, &far] {
        let mut mirror = Mirror::default();
        let mut events = reader.watch("").await.unwrap();
        mirror.catch_up(&mut events).await;
        streams.push((mirror, events));
    }
    // A change of the role does not end the share.
    owner.set_role(&share, ShareRole::Editor).await.unwrap();
    let contact = owner.has(ada()).await;
    for (mirror, events) in &mut streams {
        while !mirror.contacts.contains_key(&contact.id) {
            mirror.event(events.message().await.unwrap().unwrap());
        }
    }

    owner.end_share(&share).await.unwrap();

    for (_, events) in &mut streams {
        let status = end(events).await;
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(reason(&status), "SHARE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_stream_ends_when_other_labels_are_shared() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let label = async |name: &str| -> Label { owner.create_label(name).await.unwrap() };
    let (friends, work) = (label("Friends").await, label("Work").await);
    let (reader, _) = owner
        .shares_with(&other, Some(&friends), ShareRole::Reader)
        .await;
    let mut mirror = Mirror::default();
    let mut events = reader.watch("").await.unwrap();
    mirror.catch_up(&mut events).await;

    owner
        .shares_with(&other, Some(&work), ShareRole::Reader)
        .await;

    assert_eq!(reason(&end(&mut events).await), "SYNC_TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_share_ends_with_its_label() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let contact = owner.has(labelled(&["Friends"])).await;
    let label = owner.label("Friends").await;
    let (reader, _) = owner
        .shares_with(&other, Some(&label), ShareRole::Reader)
        .await;
    reader.get(&contact.id).await.unwrap();

    owner.delete_label(&label.id, "").await.unwrap();

    let refused = reader.get(&contact.id).await;
    assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
    assert_eq!(owner.shares().await, []);
    // A new label with that name is a different one.
    owner.has(labelled(&["Friends"])).await;
    let refused = reader.list_labels(0, "").await;
    assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
}

#[tokio::test]
async fn a_share_ends_with_the_account_of_either_side() {
    let app = App::start().await;
    for of_owner in [true, false] {
        let (owner, other) = (app.plain_owner(), app.plain_owner());
        let (reader, _) = owner.shares_with(&other, None, ShareRole::Reader).await;

        let gone = if of_owner { owner.user } else { other.user };
        remove(&app.pool(), UserId(gone)).await.unwrap();

        assert_eq!(owner.shares().await, []);
        assert_eq!(other.shared_with_me().await.unwrap(), []);
        let refused = reader.list(ListContactsRequest::default()).await;
        assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
    }
}

#[tokio::test]
async fn an_editors_request_ids_are_its_own() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let (editor, share) = owner.shares_with(&other, None, ShareRole::Editor).await;
    let request = CreateContactRequest {
        contact: Some(ada()),
        request_id: "once".into(),
        ..CreateContactRequest::default()
    };

    let by_owner = owner.create_with(request.clone()).await.unwrap();
    let by_editor = editor.create_with(request.clone()).await.unwrap();

    assert_ne!(by_owner.id, by_editor.id);
    let again = editor.create_with(request.clone()).await.unwrap();
    assert_eq!(again, by_editor);
    owner.end_share(&share).await.unwrap();
    let late = editor.create_with(request).await;
    assert_refused(late, Code::NotFound, "SHARE_NOT_FOUND");
}

#[tokio::test]
async fn while_the_auth_service_is_away_what_was_accepted_works() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let (editor, share) = owner.shares_with(&other, None, ShareRole::Editor).await;

    app.issuer.accounts.go_away();

    let contact = editor.has(ada()).await;
    owner.get(&contact.id).await.unwrap();
    let refused = other.shared_with_me().await;
    assert_refused(refused, Code::Unavailable, "AUTH_UNAVAILABLE");
    let refused = owner
        .offer(crate::owner_shares::sharing(
            "x@example.com",
            ShareRole::Reader,
        ))
        .await;
    assert_refused(refused, Code::Unavailable, "AUTH_UNAVAILABLE");
    other.end_share(&share).await.unwrap();
}
