//! `UpdateContact`.

use proto::contacts::v1::{Contact, UpdateContactRequest};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, as_written, full, named};

/// An empty patch of this contact.
fn patch_of(contact: &Contact) -> Contact {
    Contact {
        id: contact.id.clone(),
        ..Contact::default()
    }
}

#[tokio::test]
async fn a_named_field_is_changed_and_nothing_else() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let patch = Contact {
        nickname: "Enchantress".into(),
        notes: "not named".into(),
        ..patch_of(&stored)
    };

    let updated = owner.update(patch, &["nickname"]).await.unwrap();

    let mut expected = full();
    expected.nickname = "Enchantress".into();
    assert_eq!(as_written(updated.clone()), expected);
    assert_eq!(updated.version, stored.version + 1);
    assert_eq!(updated.etag, format!("\"{}\"", updated.version));
    assert_eq!(updated.create_time, stored.create_time);
    assert_eq!(updated.phones, stored.phones);
    assert_eq!(owner.get(&stored.id).await.unwrap(), updated);
}

#[tokio::test]
async fn each_field_is_cleared_when_named_and_empty() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let mut emptied = as_written(stored.clone());

    for field in contacts_service::contact::mask::WRITABLE {
        if *field == "family_name" {
            continue;
        }
        let updated = owner.update(patch_of(&stored), &[field]).await.unwrap();

        clear(&mut emptied, field);
        assert_eq!(as_written(updated), emptied, "{field}");
    }
    let expected = Contact {
        uid: full().uid,
        ..named("", "Lovelace")
    };
    assert_eq!(emptied, expected);
}

/// Clears a field by its name, with reflection.
fn clear(contact: &mut Contact, field: &str) {
    use prost_reflect::{DescriptorPool, DynamicMessage};
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let descriptor = pool.get_message_by_name("addressbook.contacts.v1.Contact");
    let mut dynamic = DynamicMessage::new(descriptor.unwrap());
    dynamic.transcode_from(contact).unwrap();
    dynamic.clear_field_by_name(field);
    *contact = dynamic.transcode_to().unwrap();
}

#[tokio::test]
async fn a_star_replaces_all() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let patch = Contact {
        given_name: "Grace".into(),
        ..patch_of(&stored)
    };

    let updated = owner.update(patch, &["*"]).await.unwrap();

    let expected = Contact {
        uid: stored.uid.clone(),
        ..named("Grace", "")
    };
    assert_eq!(as_written(updated.clone()), expected);
    assert_eq!(updated.display_name, "Grace");
}

#[tokio::test]
async fn without_a_mask_the_populated_fields_count() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let patch = Contact {
        given_name: "Grace".into(),
        labels: vec!["Navy".into()],
        starred: false,
        ..patch_of(&stored)
    };

    let updated = owner.update(patch, &[]).await.unwrap();

    let mut expected = full();
    expected.given_name = "Grace".into();
    expected.labels = vec!["Navy".into()];
    assert_eq!(as_written(updated), expected);
}

#[tokio::test]
async fn output_only_fields_are_ignored_also_where_they_are_named() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let patch = Contact {
        version: 99,
        display_name: "Someone else".into(),
        delete_time: Some(prost_types::Timestamp::default()),
        notes: "new".into(),
        ..patch_of(&stored)
    };

    let updated = owner
        .update(
            patch,
            &["notes", "version", "display_name", "delete_time", "uid"],
        )
        .await
        .unwrap();

    assert_eq!((updated.version, &*updated.notes), (2, "new"));
    assert_eq!(updated.display_name, "Ada Lovelace");
    assert_eq!((updated.delete_time, &updated.uid), (None, &stored.uid));
}

#[tokio::test]
async fn a_path_that_is_no_field_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    for path in [
        "",
        "name",
        "emails.address",
        "contact.notes",
        "custom_fields.a",
    ] {
        let answer = owner.update(patch_of(&stored), &["notes", path]).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "UPDATE_MASK_INVALID");
        assert_bad_fields(answer, &["update_mask"]);
    }
    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let patch = |etag: &str, notes: &str| Contact {
        etag: etag.into(),
        notes: notes.into(),
        ..patch_of(&stored)
    };

    let first = owner
        .update(patch(&stored.etag, "first"), &[])
        .await
        .unwrap();
    let late = owner.update(patch(&stored.etag, "late"), &[]).await;

    assert_eq!(metadata(late.as_ref().unwrap_err(), "etag"), first.etag);
    assert_refused(late, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(owner.get(&stored.id).await.unwrap(), first);
    owner
        .update(patch(&first.etag, "second"), &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn of_parallel_updates_with_one_etag_one_wins() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let updates = (0..10).map(|i| {
        let patch = Contact {
            etag: stored.etag.clone(),
            notes: format!("update {i}"),
            ..patch_of(&stored)
        };
        async { owner.update(patch, &[]).await }
    });

    let answers = futures_util::future::join_all(updates).await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 9));
    for answer in lost {
        assert_refused(answer, Code::Aborted, "ETAG_MISMATCH");
    }
    let winner = won.into_iter().next().unwrap().unwrap();
    assert_eq!(owner.get(&stored.id).await.unwrap(), winner);
}

#[tokio::test]
async fn the_uid_cannot_change() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let patch = |uid: &str| Contact {
        uid: uid.into(),
        notes: "new".into(),
        ..patch_of(&stored)
    };

    for uid in ["another", "URN:UUID:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1"] {
        for mask in [&[][..], &["*"], &["uid", "notes"]] {
            let answer = owner.update(patch(uid), mask).await;
            assert_refused(answer.clone(), Code::InvalidArgument, "UID_IMMUTABLE");
            assert_bad_fields(answer, &["contact.uid"]);
        }
    }
    owner.update(patch(&stored.uid), &[]).await.unwrap();
}

#[tokio::test]
async fn a_uid_that_is_the_same_but_for_its_form_is_no_change() {
    let app = App::start().await;
    let owner = app.owner();
    let as_sent = " Mu\u{308}ller ";
    let stored = owner
        .has(Contact {
            uid: as_sent.into(),
            ..ada()
        })
        .await;

    let updated = owner
        .update(
            Contact {
                uid: as_sent.into(),
                notes: "new".into(),
                ..patch_of(&stored)
            },
            &[],
        )
        .await
        .unwrap();

    assert_eq!((&*updated.uid, &*updated.notes), ("Müller", "new"));
}

#[tokio::test]
async fn an_update_that_changes_nothing_keeps_version_and_time() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let same = Contact {
        given_name: " Ada".into(),
        ..patch_of(&stored)
    };

    assert_eq!(owner.update(same, &[]).await.unwrap(), stored);
    assert_eq!(owner.update(stored.clone(), &["*"]).await.unwrap(), stored);
    assert_eq!(owner.update(stored.clone(), &[]).await.unwrap(), stored);
    assert_eq!(owner.update(patch_of(&stored), &[]).await.unwrap(), stored);
    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
}

#[tokio::test]
async fn an_update_may_not_leave_an_empty_or_invalid_contact() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    let emptied = owner.update(patch_of(&stored), &["*"]).await;
    let invalid = Contact {
        nickname: "a\nb".into(),
        ..patch_of(&stored)
    };
    let invalid = owner.update(invalid, &[]).await;

    assert_refused(emptied, Code::InvalidArgument, "CONTACT_EMPTY");
    assert_bad_fields(invalid, &["contact.nickname"]);
    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
}

#[tokio::test]
async fn a_deleted_contact_cannot_be_changed() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let deleted = owner.delete(&stored.id).await.unwrap();

    for allow_missing in [false, true] {
        let answer = owner
            .update_with(UpdateContactRequest {
                contact: Some(stored.clone()),
                allow_missing,
                ..UpdateContactRequest::default()
            })
            .await;
        assert_refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    assert_eq!(owner.get(&stored.id).await.unwrap(), deleted);
}

#[tokio::test]
async fn the_contact_and_its_id_must_be_sent() {
    let app = App::start().await;
    let owner = app.owner();

    let without_contact = owner.update_with(UpdateContactRequest::default()).await;
    let without_id = owner.update(ada(), &[]).await;

    assert_bad_fields(without_contact, &["contact"]);
    assert_refused(without_id.clone(), Code::InvalidArgument, "ID_INVALID");
    assert_bad_fields(without_id, &["contact.id"]);
}
