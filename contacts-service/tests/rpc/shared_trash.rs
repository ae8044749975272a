//! Which deleted contacts the recipient of a share sees.

use proto::contacts::v1::{Contact, ListContactsRequest, ShareRole, UpdateContactRequest};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_refused, reason_in_batch};
use crate::shared_label::{ids, known};
use crate::shared_since::{cases, noted, versions};

#[tokio::test]
async fn what_was_deleted_before_is_missing_for_every_call() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        let gone = owner.has_deleted(known(&["Friends"])).await;
        let editor = case.shares(ShareRole::Editor).await;
        let id = &*gone.id;
        let missing = "CONTACT_NOT_FOUND";

        assert_refused(editor.get(id).await, Code::NotFound, missing);
        let (found, absent) = editor.batch_get(&[id, &friend.id], true).await.unwrap();
        assert_eq!(
            (ids(found), absent),
            (vec![friend.id.clone()], vec![id.to_owned()])
        );
        assert_refused(
            editor.revisions_page(id, 0, "").await,
            Code::NotFound,
            missing,
        );
        assert_refused(editor.undelete(id).await, Code::NotFound, missing);
        let version = gone.version.to_string();
        assert_refused(
            editor.restore(id, &version, "").await,
            Code::NotFound,
            missing,
        );
        assert_refused(editor.restore(id, "1", "").await, Code::NotFound, missing);
        assert_refused(
            editor.merge(friend, &[&gone]).await,
            Code::NotFound,
            missing,
        );
        assert_refused(
            editor.merge(&gone, &[friend]).await,
            Code::NotFound,
            missing,
        );
        let refused = editor.update(noted(&gone, "x"), &[]).await;
        assert_refused(refused, Code::NotFound, missing);
        assert_refused(
            editor.delete_with(id, "", false).await,
            Code::NotFound,
            missing,
        );
        assert_eq!(editor.delete_with(id, "", true).await.unwrap(), None);
        let batch = editor.batch_delete(&[id], true).await.unwrap();
        assert_eq!(reason_in_batch(&batch[0]), missing);
        let batch = editor
            .batch_update([noted(&gone, "x")], true)
            .await
            .unwrap();
        assert_eq!(reason_in_batch(&batch[0]), missing);
        assert_eq!(ids(trash(&editor).await), [&*friend.id]);
        assert_eq!(editor.stats().await.deleted, 0);
        assert_eq!(owner.get(id).await.unwrap(), gone);
    }
}

/// All contacts, deleted ones included, in every order.
async fn trash(owner: &Owner) -> Vec<Contact> {
    let mut all = Vec::new();
    for order in [
        "create_time",
        "create_time desc",
        "update_time",
        "family_name",
    ] {
        let request = ListContactsRequest {
            show_deleted: true,
            order_by: order.into(),
            page_size: 1,
            ..ListContactsRequest::default()
        };
        let mut listed = owner.list_all(request).await;
        listed.sort_by(|one, other| one.id.cmp(&other.id));
        assert!(all.is_empty() || all == listed, "{order}");
        all = listed;
    }
    all
}

/// An id that the writer does not see is not free, either.
#[tokio::test]
async fn a_hidden_contact_is_not_created_again() {
    let app = App::start().await;
    for case in cases(&app).await {
        let owner = &case.owner;
        let gone = owner.has_deleted(known(&["Friends"])).await;
        let enemy = owner.has(known(&["Work"])).await;
        let editor = case.shares(ShareRole::Editor).await;
        let hidden = if case.label.is_some() {
            vec![gone, enemy]
        } else {
            vec![gone]
        };
        for contact in hidden {
            let patch = Contact {
                id: contact.id.clone(),
                ..labelled(&["Friends"])
            };
            let request = UpdateContactRequest {
                contact: Some(patch),
                allow_missing: true,
                ..UpdateContactRequest::default()
            };
            let batch = editor.batch_update_with(vec![request.clone()], true).await;
            assert_eq!(reason_in_batch(&batch.unwrap()[0]), "CONTACT_NOT_FOUND");
            let refused = editor.update_with(request).await;
            assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
            assert_eq!(owner.get(&contact.id).await.unwrap(), contact);
        }
    }
}

#[tokio::test]
async fn what_is_deleted_after_it_is_seen_and_comes_back() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        let editor = case.shares(ShareRole::Editor).await;
        let by_owner = owner.has_deleted(known(&["Friends"])).await;
        let gone = editor.delete(&friend.id).await.unwrap();

        assert_eq!(editor.get(&friend.id).await.unwrap(), gone);
        assert_eq!(editor.get(&by_owner.id).await.unwrap(), by_owner);
        assert_eq!(ids(trash(&editor).await).len(), 2);
        assert_eq!(editor.stats().await.deleted, 2);
        editor.undelete(&friend.id).await.unwrap();
        let version = by_owner.version.to_string();
        let back = editor.restore(&by_owner.id, &version, "").await.unwrap();
        assert_eq!(back.delete_time, None);
    }
}

#[tokio::test]
async fn a_new_name_of_the_label_changes_nothing_of_it() {
    let app = App::start().await;
    for case in cases(&app).await {
        let owner = &case.owner;
        let before = owner.has_deleted(known(&["Friends"])).await;
        let editor = case.shares(ShareRole::Editor).await;
        let after = owner.has_deleted(known(&["Friends"])).await;
        let label = owner.label("Friends").await;
        let label = owner.rename_label(&label, "Amis").await.unwrap();
        owner.rename_label(&label, "AMIS").await.unwrap();

        assert!(owner.get(&before.id).await.unwrap().version > after.version);
        let refused = editor.get(&before.id).await;
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
        assert_eq!(editor.get(&after.id).await.unwrap().labels, ["AMIS"]);
        assert_eq!(ids(trash(&editor).await).len(), 2);
        assert_eq!(editor.stats().await.deleted, 1);
        // Nor does a second deletion of what came back.
        owner.undelete(&before.id).await.unwrap();
        editor.get(&before.id).await.unwrap();
        owner.delete(&before.id).await.unwrap();
        assert_eq!(editor.stats().await.deleted, 2);
    }
}

#[tokio::test]
async fn what_comes_back_does_not_show_when_it_was_deleted() {
    let app = App::start().await;
    for case in cases(&app).await {
        let owner = &case.owner;
        let gone = owner.has_deleted(known(&["Friends"])).await;
        let reader = case.shares(ShareRole::Reader).await;

        let back = owner.undelete(&gone.id).await.unwrap();

        assert_eq!(reader.get(&gone.id).await.unwrap(), back);
        assert_eq!(reader.revision_ids(&gone.id).await, versions([&back]));
        let gone = owner.delete(&gone.id).await.unwrap();
        let again = owner.undelete(&gone.id).await.unwrap();
        let seen = versions([&again, &gone, &back]);
        assert_eq!(reader.revision_ids(&gone.id).await, seen);
    }
}
