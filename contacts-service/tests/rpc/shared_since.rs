//! What the recipient of a share sees of the time before the acceptance.

use proto::contacts::v1::{Contact, Label, ShareRole};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::assert_refused;
use crate::shared_label::known;

pub fn noted(contact: &Contact, notes: &str) -> Contact {
    Contact {
        id: contact.id.clone(),
        notes: notes.into(),
        ..Contact::default()
    }
}

pub fn versions<'a>(contacts: impl IntoIterator<Item = &'a Contact>) -> Vec<String> {
    let contacts = contacts.into_iter();
    contacts
        .map(|contact| contact.version.to_string())
        .collect()
}

async fn write(owner: &Owner, contact: &Contact, notes: &str) -> Contact {
    owner
        .update(noted(contact, notes), &["notes"])
        .await
        .unwrap()
}

async fn relabel(owner: &Owner, contact: &Contact, labels: &[&str]) -> Contact {
    let contact = Contact {
        id: contact.id.clone(),
        ..labelled(labels)
    };
    owner.update(contact, &["labels"]).await.unwrap()
}

/// A user, its friend, the label of its friends, and both ways to share.
pub struct Case {
    pub owner: Owner,
    pub other: Owner,
    pub friend: Contact,
    pub label: Option<Label>,
}

impl Case {
    pub async fn shares(&self, role: ShareRole) -> Owner {
        let label = self.label.as_ref();
        self.owner.shares_with(&self.other, label, role).await.0
    }
}

pub async fn cases(app: &App) -> [Case; 2] {
    let case = async |of_label: bool| {
        let (owner, other) = (app.plain_owner(), app.plain_owner());
        let friend = owner.has(known(&["Friends"])).await;
        let label = owner.label("Friends").await;
        Case {
            owner,
            other,
            friend,
            label: of_label.then_some(label),
        }
    };
    [case(false).await, case(true).await]
}

#[tokio::test]
async fn a_history_begins_with_the_state_at_the_acceptance() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        let secret = write(owner, friend, "secret").await;
        let at = write(owner, friend, "none").await;
        let editor = case.shares(ShareRole::Editor).await;
        assert_eq!(editor.revision_ids(&friend.id).await, versions([&at]));
        let after = write(owner, friend, "new").await;
        let last = write(&editor, friend, "newer").await;

        let seen = versions([&last, &after, &at]);
        for size in [0, 1, 2, 3, 50] {
            let revisions = editor.revisions(&friend.id, size).await;
            let ids: Vec<_> = revisions.into_iter().map(|one| one.revision_id).collect();
            assert_eq!(ids, seen, "{size}");
        }
        for hidden in [&secret, friend] {
            let version = hidden.version.to_string();
            let refused = editor.restore(&friend.id, &version, "").await;
            assert_refused(refused, Code::NotFound, "REVISION_NOT_FOUND");
        }
        let back = editor.restore(&friend.id, &seen[2], "").await.unwrap();
        assert_eq!(back.notes, "none");
        assert_eq!(owner.revision_ids(&friend.id).await.len(), 6);
    }
}

#[tokio::test]
async fn a_page_token_of_the_owner_leads_a_recipient_nowhere() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        for notes in ["one", "two", "three"] {
            write(owner, friend, notes).await;
        }
        let reader = case.shares(ShareRole::Reader).await;
        write(owner, friend, "four").await;
        let named = owner.in_book_of(owner);
        let mut token = String::new();
        for expected in [1, 0, 0, 0] {
            let page = named.revisions_page(&friend.id, 1, &token).await.unwrap();
            token = page.next_page_token;
            let seen = reader.revisions_page(&friend.id, 50, &token).await;
            let seen = seen.unwrap();
            assert_eq!(seen.revisions.len(), expected);
            assert_eq!(seen.next_page_token, "");
        }
    }
}

#[tokio::test]
async fn a_state_without_a_shared_label_is_never_shown() {
    let app = App::start().await;
    let [_, case] = cases(&app).await;
    let owner = &case.owner;
    let editor = case.shares(ShareRole::Editor).await;
    let plain = owner.has(known(&["Work"])).await;
    let secret = write(owner, &plain, "secret").await;
    write(owner, &plain, "none").await;
    let joined = relabel(owner, &plain, &["Work", "Friends"]).await;
    let there = write(owner, &plain, "there").await;
    relabel(owner, &plain, &["Work"]).await;
    write(owner, &plain, "secret, too").await;
    write(owner, &plain, "none").await;
    let again = relabel(owner, &plain, &["FRIENDS"]).await;

    let seen = versions([&again, &there, &joined]);
    assert_eq!(editor.revision_ids(&plain.id).await, seen);
    for version in 1..=again.version {
        let restored = editor
            .restore(&plain.id, &version.to_string(), &again.etag)
            .await;
        if seen.contains(&version.to_string()) {
            restored.unwrap();
            break;
        }
        assert_refused(restored, Code::NotFound, "REVISION_NOT_FOUND");
    }
    let refused = editor
        .restore(&plain.id, &secret.version.to_string(), "")
        .await;
    assert_refused(refused, Code::NotFound, "REVISION_NOT_FOUND");
}

/// The name is the same, but what had it was another label.
#[tokio::test]
async fn a_state_with_another_label_of_that_name_is_not_shown() {
    let app = App::start().await;
    let [_, case] = cases(&app).await;
    let owner = &case.owner;
    let reader = case.shares(ShareRole::Reader).await;
    let enemy = owner.has(known(&["Enemies"])).await;
    write(owner, &enemy, "secret").await;
    write(owner, &enemy, "none").await;
    let enemies = owner.label("Enemies").await;
    owner.rename_label(&enemies, "Others").await.unwrap();
    let friends = owner.label("Friends").await;
    owner.rename_label(&friends, "Enemies").await.unwrap();

    let joined = relabel(owner, &enemy, &["Others", "Enemies"]).await;

    assert_eq!(reader.revision_ids(&enemy.id).await, versions([&joined]));
}

#[tokio::test]
async fn of_several_shares_each_shows_since_its_own_acceptance() {
    let app = App::start().await;
    let [case, _] = cases(&app).await;
    let (owner, other, friend) = (&case.owner, &case.other, &case.friend);
    let colleague = owner.has(known(&["Work"])).await;
    let both = owner.has(known(&["Friends", "Work"])).await;
    let stranger = owner.has(known(&[])).await;
    let all = [friend, &colleague, &both, &stranger];
    let write_all = async |notes: &str| {
        for contact in all {
            write(owner, contact, notes).await;
        }
    };
    let counts = async |reader: &Owner| {
        let mut counts = Vec::new();
        for contact in all {
            let page = reader.revisions_page(&contact.id, 50, "").await;
            counts.push(page.map_or(0, |page| page.revisions.len()));
        }
        counts
    };

    let (friends, work) = (owner.label("Friends").await, owner.label("Work").await);
    let (reader, _) = owner
        .shares_with(other, Some(&friends), ShareRole::Reader)
        .await;
    write_all("one").await;
    assert_eq!(counts(&reader).await, [2, 0, 2, 0]);
    owner
        .shares_with(other, Some(&work), ShareRole::Reader)
        .await;
    write_all("two").await;
    assert_eq!(counts(&reader).await, [3, 2, 3, 0]);
    owner.shares_with(other, None, ShareRole::Reader).await;
    write_all("three").await;

    assert_eq!(counts(&reader).await, [4, 3, 4, 2]);
    // A state from before the last share shows the labels of the others only.
    let labels = reader.revisions(&both.id, 0).await;
    let labels = labels
        .into_iter()
        .map(|one| one.contact.unwrap().labels.len());
    assert_eq!(labels.collect::<Vec<_>>(), [2, 2, 2, 1]);
}

#[tokio::test]
async fn a_new_role_does_not_move_the_beginning() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        write(owner, friend, "secret").await;
        let (reader, share) = {
            let label = case.label.as_ref();
            owner
                .shares_with(&case.other, label, ShareRole::Reader)
                .await
        };
        let gone = owner.has_deleted(known(&["Friends"])).await;
        write(owner, friend, "new").await;

        owner.set_role(&share, ShareRole::Editor).await.unwrap();

        assert_eq!(reader.revision_ids(&friend.id).await.len(), 2);
        reader.undelete(&gone.id).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_accepts_again_begins_again() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        let reader = case.shares(ShareRole::Reader).await;
        write(owner, friend, "new").await;
        let gone = owner.has_deleted(known(&["Friends"])).await;
        owner.end_share(&owner.shares().await[0]).await.unwrap();
        write(owner, friend, "newer").await;

        case.shares(ShareRole::Reader).await;

        assert_eq!(reader.revision_ids(&friend.id).await.len(), 1);
        let refused = reader.get(&gone.id).await;
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    }
}

/// As they are stored by the release before.
#[tokio::test]
async fn shares_and_deletions_of_an_earlier_release_count_by_their_versions() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        write(owner, friend, "secret").await;
        let before = owner.has_deleted(known(&["Friends"])).await;
        let reader = case.shares(ShareRole::Reader).await;
        let after = owner.has_deleted(known(&["Friends"])).await;
        write(owner, friend, "new").await;
        let mut db = app.admin().await;
        for sql in [
            "UPDATE contacts.shares SET accept_version = NULL WHERE owner_id = $1",
            "UPDATE contacts.contacts SET delete_version = NULL, writer_id = NULL WHERE owner_id = $1",
            "UPDATE contacts.revisions SET delete_version = NULL, writer_id = NULL WHERE owner_id = $1",
        ] {
            sqlx::query(sql)
                .bind(owner.user)
                .execute(&mut db)
                .await
                .unwrap();
        }
        let check = async || {
            let revisions = reader.revisions(&friend.id, 0).await;
            assert_eq!(revisions.len(), 2);
            assert!(
                revisions
                    .iter()
                    .all(|revision| revision.writer_id.is_empty())
            );
            reader.get(&after.id).await.unwrap();
            let refused = reader.get(&before.id).await;
            assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
        };

        check().await;
        let share = &owner.shares().await[0];
        owner.set_role(share, ShareRole::Editor).await.unwrap();
        let label = owner.label("Friends").await;
        let renamed = owner.rename_label(&label, "Amis").await.unwrap();
        let refused = reader.get(&before.id).await;
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
        reader.get(&after.id).await.unwrap();
        owner.rename_label(&renamed, "Friends").await.unwrap();
    }
}

#[tokio::test]
async fn a_merge_of_before_cannot_be_undone_by_a_recipient() {
    let app = App::start().await;
    for case in cases(&app).await {
        let (owner, friend) = (&case.owner, &case.friend);
        let secret = Contact {
            notes: "secret".into(),
            ..known(&["Friends"])
        };
        let absorbed = owner.has(secret).await;
        let (_, merge) = owner.merge(friend, &[&absorbed]).await.unwrap();
        let editor = case.shares(ShareRole::Editor).await;

        let refused = editor.unmerge(&merge).await;
        assert_refused(refused, Code::NotFound, "MERGE_NOT_FOUND");
        assert_eq!(editor.revision_ids(&friend.id).await.len(), 1);
        owner.unmerge(&merge).await.unwrap();
        let (_, merge) = owner.merge(friend, &[&absorbed]).await.unwrap();
        editor.unmerge(&merge).await.unwrap();
    }
}
