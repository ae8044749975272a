//! Who wrote a revision.

use proto::contacts::v1::{Contact, ShareRole};

use crate::app::App;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::sample::ada;

/// Who wrote the current revision of a contact, and how many it has.
async fn writer(owner: &Owner, id: &str) -> (String, usize) {
    let revisions = owner.revisions(id, 0).await;
    (revisions[0].writer_id.clone(), revisions.len())
}

/// An owner, and an editor of all of its contacts.
async fn two(app: &App) -> [Owner; 2] {
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let (editor, _) = owner.shares_with(&other, None, ShareRole::Editor).await;
    [owner, editor]
}

#[tokio::test]
async fn every_kind_of_write_says_who_wrote() {
    let app = App::start().await;
    let both = two(&app).await;
    let label = both[0].create_label("Friends").await.unwrap();
    for (me, before) in [(&both[1], &both[0]), (&both[0], &both[1])] {
        let name = both[0].get_label(&label.id).await.unwrap().name;
        let contact = before.has(labelled(&[&name])).await;
        let absorbed = before.has(ada()).await;
        let id = &*contact.id;
        let mut revisions = 1;
        let mut mine = async || {
            revisions += 1;
            assert_eq!(writer(&both[0], id).await, (me.user.to_string(), revisions));
            // Not that of the write before.
            revisions += 1;
            let note = Contact {
                id: id.to_owned(),
                notes: format!("{revisions}"),
                ..Contact::default()
            };
            before.update(note, &[]).await.unwrap();
            let theirs = (before.user.to_string(), revisions);
            assert_eq!(writer(&both[0], id).await, theirs);
        };
        let noted = |notes: &str| Contact {
            id: id.to_owned(),
            notes: notes.into(),
            ..Contact::default()
        };

        me.update(noted("one"), &[]).await.unwrap();
        mine().await;
        me.batch_update([noted("two")], false).await.unwrap();
        mine().await;
        me.restore(id, &contact.version.to_string(), "")
            .await
            .unwrap();
        mine().await;
        me.modify_members(&label.id, &[], &[id]).await.unwrap();
        mine().await;
        me.modify_members(&label.id, &[id], &[]).await.unwrap();
        mine().await;
        let named = both[0].get_label(&label.id).await.unwrap();
        let name = format!("Friends of {}", me.user);
        me.rename_label(&named, &name).await.unwrap();
        mine().await;
        me.merge(&contact, &[&absorbed]).await.unwrap();
        assert_eq!(writer(&both[0], &absorbed.id).await.0, me.user.to_string());
        mine().await;
        let seen = both[1].revisions(id, 50).await;
        assert_eq!(both[0].revisions(id, 50).await, seen);
    }
}

#[tokio::test]
async fn creations_and_deletions_say_who_wrote() {
    let app = App::start().await;
    let both = two(&app).await;
    for me in &both {
        let mine = async |id: &str, revisions: usize| {
            let expected = (me.user.to_string(), revisions);
            assert_eq!(writer(&both[0], id).await, expected);
        };
        let created = me.has(ada()).await;
        mine(&created.id, 1).await;
        let labelled = me.has(labelled(&["New"])).await;
        mine(&labelled.id, 1).await;
        let batch = me.create_all([ada()], false).await.unwrap();
        mine(&batch[0].as_ref().unwrap().id, 1).await;
        let by_id = Contact {
            id: uuid::Uuid::now_v7().to_string(),
            ..ada()
        };
        let upsert = proto::contacts::v1::UpdateContactRequest {
            contact: Some(by_id),
            allow_missing: true,
            ..Default::default()
        };
        let upserted = me.update_with(upsert).await.unwrap();
        mine(&upserted.id, 1).await;
        me.delete(&created.id).await.unwrap();
        mine(&created.id, 2).await;
        me.undelete(&created.id).await.unwrap();
        mine(&created.id, 3).await;
        me.batch_delete(&[&created.id], false).await.unwrap();
        mine(&created.id, 4).await;
    }
}

#[tokio::test]
async fn an_undone_merge_says_who_undid_it() {
    let app = App::start().await;
    let both = two(&app).await;
    for (me, other) in [(&both[0], &both[1]), (&both[1], &both[0])] {
        let (one, two) = (other.has(ada()).await, other.has(ada()).await);
        let (_, merge) = other.merge(&one, &[&two]).await.unwrap();
        me.unmerge(&merge).await.unwrap();
        for id in [&one.id, &two.id] {
            assert_eq!(writer(&both[0], id).await, (me.user.to_string(), 3));
        }
    }
}
