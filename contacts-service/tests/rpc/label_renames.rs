//! What happens to contacts when their label is renamed or deleted.

use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, Label, ListContactsRequest,
};
use tonic::Code;

use crate::app::{App, book};
use crate::mirror::Mirror;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_refused, metadata, reason};
use crate::sample::ids;

/// So many contacts with these labels; returns their version.
async fn has_many(owner: &Owner, count: usize, labels: &[&str]) -> i64 {
    let request = CreateContactRequest {
        contact: Some(labelled(labels)),
        ..CreateContactRequest::default()
    };
    let mut last = 0;
    for start in (0..count).step_by(500) {
        let batch = BatchCreateContactsRequest {
            requests: vec![request.clone(); 500.min(count - start)],
            ..BatchCreateContactsRequest::default()
        };
        let made = owner.batch_create(batch).await.unwrap();
        last = made[0].as_ref().unwrap().version;
    }
    last
}

/// What all contacts with a label have in common.
struct Members<'a> {
    count: usize,
    labels: &'a [&'a str],
    version: i64,
    earlier_revisions: i64,
}

async fn assert_members(app: &App, owner: &Owner, label: &str, expected: &Members<'_>) {
    let members = owner.members(label).await;
    assert_eq!(members.len(), expected.count);
    for contact in &members {
        assert_eq!(contact.labels, expected.labels);
        assert_eq!(contact.version, expected.version);
    }
    let kept = "SELECT count(*) FROM contacts.contacts AS c
                WHERE owner_id = $1 AND version = $2 AND $3 = (
                    SELECT count(*) FROM contacts.revisions AS r
                    WHERE r.owner_id = c.owner_id AND r.contact_id = c.id)";
    let kept = sqlx::query_scalar(kept).bind(owner.user);
    let kept = kept.bind(expected.version).bind(expected.earlier_revisions);
    let kept: i64 = kept.fetch_one(&mut app.admin().await).await.unwrap();
    assert_eq!(usize::try_from(kept).unwrap(), expected.count);
}

/// The owner's totals match the rows.
async fn assert_bytes(app: &App, owner: &Owner) {
    let sql = "SELECT sum(octet_length(body))::bigint FROM contacts.contacts WHERE owner_id = $1";
    let bytes = sqlx::query_scalar(sql).bind(owner.user);
    let bytes: i64 = bytes.fetch_one(&mut app.admin().await).await.unwrap();
    assert_eq!(app.byte_count(owner).await, bytes);
}

#[tokio::test]
async fn a_thousand_contacts_are_renamed_and_unlabelled_under_one_version_each() {
    let app = App::start().await;
    let owner = app.owner();
    has_many(&owner, 500, &["a", "Old", "z"]).await;
    has_many(&owner, 499, &["a", "OLD", "z"]).await;
    let others = has_many(&owner, 3, &["older", "z"]).await;
    let old = owner.label("Old").await;

    let renamed = owner.rename_label(&old, "A longer name").await.unwrap();

    assert_eq!((renamed.version, renamed.contact_count), (others + 1, 999));
    assert_eq!(
        (&renamed.id, renamed.create_time),
        (&old.id, old.create_time)
    );
    let mut expected = Members {
        count: 999,
        labels: &["a", "A longer name", "z"],
        version: renamed.version,
        earlier_revisions: 1,
    };
    assert_members(&app, &owner, "a longer name", &expected).await;
    assert_bytes(&app, &owner).await;

    owner
        .delete_label(&renamed.id, &renamed.etag)
        .await
        .unwrap();

    expected.labels = &["a", "z"];
    expected.version += 1;
    expected.earlier_revisions = 2;
    assert_members(&app, &owner, "a", &expected).await;
    assert_bytes(&app, &owner).await;
    for gone in ["old", "a longer name"] {
        assert_eq!(owner.members(gone).await, []);
    }
    let unchanged = owner.members("older").await;
    assert!(unchanged.iter().all(|other| other.version == others));
}

#[tokio::test]
async fn a_member_can_be_had_back_as_it_was() {
    let app = App::start().await;
    let owner = app.owner();
    let before = owner.has(labelled(&["old", "b"])).await;
    let label = owner.label("old").await;

    owner.rename_label(&label, "new").await.unwrap();

    let revisions = owner.revisions(&before.id, 0).await;
    let contacts: Vec<_> = revisions
        .iter()
        .map(|r| r.contact.clone().unwrap())
        .collect();
    assert_eq!(contacts.len(), 2);
    assert_eq!(contacts[0].labels, ["new", "b"]);
    assert_eq!(contacts[1], before);
    assert_eq!(
        contacts[0].update_time,
        owner.label("new").await.update_time
    );
}

#[tokio::test]
async fn deleted_contacts_follow_so_that_nothing_comes_back_with_them() {
    let app = App::start().await;
    let owner = app.owner();
    let ids = [
        owner.has(labelled(&["old"])).await.id,
        owner.has(labelled(&["gone"])).await.id,
    ];
    let mut deleted = Vec::new();
    for id in &ids {
        deleted.push(owner.delete(id).await.unwrap());
    }

    let (old, gone) = (owner.label("old").await, owner.label("gone").await);
    owner.rename_label(&old, "new").await.unwrap();
    owner.delete_label(&gone.id, "").await.unwrap();

    for (contact, labels) in deleted.iter().zip([vec!["new".to_owned()], vec![]]) {
        let still_deleted = owner.get(&contact.id).await.unwrap();
        assert_eq!(still_deleted.delete_time, contact.delete_time);
        assert_eq!(still_deleted.expire_time, contact.expire_time);
        let back = owner.undelete(&contact.id).await.unwrap();
        assert_eq!(back.labels, labels);
    }
    assert_eq!(owner.label_counts().await, [("new".into(), 1)]);
}

#[tokio::test]
async fn a_rename_in_case_alone_respells_the_contacts() {
    let app = App::start().await;
    let owner = app.owner();
    let members = owner
        .has_all([labelled(&["família"]), labelled(&["Família"])])
        .await;
    let label = owner.label("família").await;

    let renamed = owner.rename_label(&label, "Família").await.unwrap();

    assert_eq!((&*renamed.name, renamed.contact_count), ("Família", 2));
    for member in members {
        let respelled = owner.get(&member.id).await.unwrap();
        assert_eq!(respelled.labels, ["Família"]);
        assert_eq!(respelled.version, renamed.version);
    }

    let before = book(&app, owner.user).await;
    assert_eq!(
        owner.rename_label(&renamed, "Família").await.unwrap(),
        renamed
    );
    let nothing_named = Label {
        name: String::new(),
        ..renamed.clone()
    };
    assert_eq!(
        owner.update_label(nothing_named, &[]).await.unwrap(),
        renamed
    );
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn a_taken_name_is_refused_whatever_its_spelling() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(labelled(&["Família", "friends"])).await;
    let (family, friends) = (owner.label("Família").await, owner.label("friends").await);
    let before = book(&app, owner.user).await;

    let refused = owner.rename_label(&friends, "FAMÍLIA").await.unwrap_err();

    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(reason(&refused), "LABEL_TAKEN");
    assert_eq!(metadata(&refused, "id"), family.id);
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn a_label_that_changed_since_is_neither_renamed_nor_deleted() {
    let app = App::start().await;
    let owner = app.owner();
    let old = owner.create_label("old").await.unwrap();
    let new = owner.rename_label(&old, "new").await.unwrap();

    let rename = owner.rename_label(&old, "newer").await.unwrap_err();
    let delete = owner.delete_label(&old.id, &old.etag).await.unwrap_err();

    for status in [rename, delete] {
        assert_eq!(status.code(), Code::Aborted);
        assert_eq!(reason(&status), "ETAG_MISMATCH");
        assert_eq!(metadata(&status, "etag"), new.etag);
    }
    owner.delete_label(&new.id, &new.etag).await.unwrap();
    let again = owner.delete_label(&new.id, "").await;
    assert_refused(again, Code::NotFound, "LABEL_NOT_FOUND");
}

#[tokio::test]
async fn a_contact_without_room_for_the_name_stops_the_rename() {
    let app = App::start().await;
    let owner = app.owner();
    let mut full = labelled(&["x"]);
    full.raw_properties = vec!["y".repeat(16_000); 4];
    full.notes = "n".repeat(1400);
    owner.has(labelled(&["x"])).await;
    owner.has(full).await;
    let label = owner.label("x").await;
    let before = book(&app, owner.user).await;

    let refused = owner.rename_label(&label, &"é".repeat(100)).await;

    assert_refused(refused, Code::InvalidArgument, "CONTACT_TOO_LARGE");
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn a_label_of_too_many_contacts_is_refused_as_a_whole() {
    let app = App::start().await;
    let owner = app.owner();
    let version = has_many(&owner, 2, &["x"]).await;
    let copies = "INSERT INTO contacts.contacts
                      (owner_id, id, uid, version, create_time, update_time, body, family_key,
                       given_key, display_key, starred, label_keys, email_keys, phone_keys,
                       organization_key, search_text, change)
                  SELECT owner_id, gen_random_uuid(), 'copy ' || n, version, create_time,
                         update_time, body, family_key, given_key, display_key, starred,
                         label_keys, email_keys, phone_keys, organization_key, search_text, change
                  FROM contacts.contacts, generate_series(1, 9999) AS n
                  WHERE owner_id = $1 AND id = (
                      SELECT id FROM contacts.contacts WHERE owner_id = $1 LIMIT 1)";
    let mut admin = app.admin().await;
    sqlx::query(copies)
        .bind(owner.user)
        .execute(&mut admin)
        .await
        .unwrap();
    let counted = "UPDATE contacts.owner_state
                   SET byte_count = byte_count * 10001 / 2, live_count = 10001
                   WHERE owner_id = $1";
    let counted = sqlx::query(counted).bind(owner.user);
    counted.execute(&mut admin).await.unwrap();
    let label = owner.label("x").await;

    let refused = [
        owner.rename_label(&label, "y").await.map(drop),
        owner.delete_label(&label.id, "").await,
    ];

    for answer in refused {
        assert_refused(answer, Code::FailedPrecondition, "LABEL_TOO_LARGE");
    }
    let untouched = "SELECT count(*) FROM contacts.contacts WHERE owner_id = $1 AND version = $2";
    let untouched = sqlx::query_scalar(untouched).bind(owner.user).bind(version);
    let untouched: i64 = untouched.fetch_one(&mut admin).await.unwrap();
    assert_eq!(untouched, 10_001);
    let page = owner.list(ListContactsRequest::default()).await.unwrap();
    owner
        .modify_members(&label.id, &[], &[&page.contacts[0].id])
        .await
        .unwrap();
    let renamed = owner.rename_label(&label, "y").await.unwrap();
    assert_eq!(renamed.contact_count, 10_000);
    assert_bytes(&app, &owner).await;
}

#[tokio::test]
async fn a_sync_tells_of_every_contact_whose_label_was_renamed_or_deleted() {
    let app = App::start().await;
    let owner = app.owner();
    has_many(&owner, 700, &["old", "b"]).await;
    has_many(&owner, 5, &["b"]).await;
    let mut mirror = Mirror::of(&owner).await;

    let label = owner.label("old").await;
    owner.rename_label(&label, "new").await.unwrap();
    let page = owner.sync(&mirror.token, 100).await.unwrap();
    let of_page = page.changed.iter();
    assert_eq!(
        of_page
            .filter(|contact| contact.labels == ["new", "b"])
            .count(),
        100
    );
    mirror.sync(&owner, 100).await;
    mirror.assert_same(&owner).await;

    owner.delete_label(&label.id, "").await.unwrap();
    mirror.sync(&owner, 0).await;
    mirror.assert_same(&owner).await;
    assert!(
        mirror
            .contacts
            .values()
            .all(|contact| contact.labels == ["b"])
    );
}

#[tokio::test]
async fn a_longer_name_does_not_fit_into_a_book_whose_bytes_are_used_up() {
    let app = App::with(&["--contact-bytes-quota", "65536"]).await;
    let owner = app.owner();
    let heavy = Contact {
        notes: "n".repeat(16_300),
        ..labelled(&["x"])
    };
    let stored = owner.has_all(vec![heavy; 4]).await;
    let (label, long) = (owner.label("x").await, "z".repeat(100));
    let long = owner.create_label(&long).await.unwrap();
    let before = book(&app, owner.user).await;

    let renamed = owner.rename_label(&label, &"y".repeat(90)).await;
    let modified = owner.modify_members(&long.id, &ids(&stored), &[]).await;

    assert_refused(renamed, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    assert_refused(modified, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    assert_eq!(book(&app, owner.user).await, before);
    owner.rename_label(&label, "y").await.unwrap();
    owner.delete_label(&label.id, "").await.unwrap();
    assert_bytes(&app, &owner).await;
}
