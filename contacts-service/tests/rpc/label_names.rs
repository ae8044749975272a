//! Labels that contacts create, and names that are equal.

use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, UpdateContactRequest,
};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, book, rows};
use crate::batch_create::batch;
use crate::owner::Owner;
use crate::owner_changes::change;
use crate::owner_labels::labelled;
use crate::refusal::{assert_refused, metadata, reason};
use crate::sample::ada;

fn names(counts: &[(String, i64)]) -> Vec<&str> {
    counts.iter().map(|(name, _)| &**name).collect()
}

fn create(contact: Contact) -> CreateContactRequest {
    CreateContactRequest {
        contact: Some(contact),
        ..CreateContactRequest::default()
    }
}

#[tokio::test]
async fn every_write_makes_the_labels_that_its_contacts_bring() {
    let app = App::start().await;
    let owner = app.owner();

    let one = owner.has(labelled(&["a", "b"])).await;
    let repeatable = CreateContactRequest {
        request_id: "once".into(),
        ..create(labelled(&["c"]))
    };
    owner.create_with(repeatable).await.unwrap();
    let many = owner
        .batch_create(batch([labelled(&["d"]), labelled(&["A", "e"])]))
        .await
        .unwrap();
    let patch = |contact: &Contact, label: &str| Contact {
        id: contact.id.clone(),
        labels: vec![label.into()],
        ..Contact::default()
    };
    owner.update(patch(&one, "f"), &[]).await.unwrap();
    let second = many[1].as_ref().unwrap();
    owner
        .batch_update([patch(second, "g")], false)
        .await
        .unwrap();
    let new = UpdateContactRequest {
        allow_missing: true,
        ..change(Contact {
            id: Uuid::now_v7().to_string(),
            ..labelled(&["h"])
        })
    };
    owner.update_with(new).await.unwrap();

    let expected = [
        ("a", 0),
        ("b", 0),
        ("c", 1),
        ("d", 1),
        ("e", 0),
        ("f", 1),
        ("g", 1),
        ("h", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(owner.label_counts().await, expected);
    // The label has the version of the write that created it.
    assert_eq!(owner.label("a").await.version, one.version);
}

#[tokio::test]
async fn what_is_only_checked_or_refused_makes_no_label() {
    let app = App::start().await;
    let owner = app.owner();
    let taken = owner.has(ada()).await;

    let checked = CreateContactRequest {
        validate_only: true,
        ..create(labelled(&["x"]))
    };
    owner.create_with(checked).await.unwrap();
    let refused = owner.create(Contact {
        uid: taken.uid.clone(),
        ..labelled(&["y"])
    });

    assert_refused(refused.await, Code::AlreadyExists, "UID_TAKEN");
    assert_eq!(rows(&app, "labels", owner.user).await, 0);
}

#[tokio::test]
async fn names_that_differ_in_case_form_and_width_are_one_label() {
    let app = App::start().await;
    let owner = app.owner();

    let first = owner
        .has(labelled(&["Família", "família", "ＦＡＭÍＬＩＡ"]))
        .await;
    let second = owner.has(labelled(&["FAMÍLIA"])).await;
    let taken = owner.create_label("fami\u{301}lia").await.unwrap_err();

    assert_eq!(first.labels, ["Família"]);
    assert_eq!(second.labels, ["Família"]);
    let label = owner.label("Família").await;
    assert_eq!((owner.labels(0).await.len(), label.contact_count), (1, 2));
    assert_eq!(taken.code(), Code::AlreadyExists);
    assert_eq!(reason(&taken), "LABEL_TAKEN");
    assert_eq!(metadata(&taken, "id"), label.id);
}

#[tokio::test]
async fn a_name_of_which_folding_leaves_nothing_or_very_much_is_a_label_like_any_other() {
    let app = App::start().await;
    let owner = app.owner();
    let long = "\u{fdfa}".repeat(100);
    // Hard to compress, because an index limits the size of keys.
    let ligatures: String = ('\u{fc00}'..='\u{fdc7}')
        .filter(|c| !c.is_control())
        .take(100)
        .collect();

    for name in ["\u{301}", "❤\u{fe0f}", &long, &ligatures] {
        let contact = owner.has(labelled(&[name])).await;
        let label = owner.label(&contact.labels[0]).await;
        assert_eq!(label.contact_count, 1, "{name}");
        assert_eq!(owner.members(name).await, [contact], "{name}");
        assert_refused(
            owner.create_label(name).await,
            Code::AlreadyExists,
            "LABEL_TAKEN",
        );
        owner.delete_label(&label.id, "").await.unwrap();
        assert_eq!(owner.members(name).await, [], "{name}");
    }
}

/// 1000 labels on ten contacts.
async fn with_every_label(owner: &Owner) {
    let tenth = |n: usize| {
        let names: Vec<String> = (0..100).map(|m| format!("{}", n * 100 + m)).collect();
        labelled(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let made = owner.batch_create(batch((0..10).map(tenth))).await.unwrap();
    assert!(made.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_thousand_and_first_label_is_refused_however_it_comes() {
    let app = App::start().await;
    let owner = app.owner();
    with_every_label(&owner).await;
    let bare = owner.has(labelled(&["999"])).await;
    let before = book(&app, owner.user).await;
    let patch = Contact {
        id: bare.id.clone(),
        labels: vec!["999".into(), "more".into()],
        ..Contact::default()
    };

    let explicit = owner.create_label("more").await.unwrap_err();
    let partial = BatchCreateContactsRequest {
        allow_partial: true,
        ..batch([ada(), labelled(&["more"])])
    };
    let refusals = [
        owner.create(labelled(&["more"])).await.unwrap_err(),
        owner.batch_create(partial).await.unwrap_err(),
        owner.update(patch.clone(), &[]).await.unwrap_err(),
        owner.batch_update([patch], true).await.unwrap_err(),
        explicit,
    ];

    for status in refusals {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(&status), "LABEL_QUOTA_EXCEEDED");
    }
    assert_eq!(book(&app, owner.user).await, before);
    assert_eq!(owner.labels(0).await.len(), 1000);
    assert_eq!(owner.labels(300).await.len(), 1000);
    assert_eq!(names(&owner.label_counts().await)[999], "999");
    // A deletion makes room.
    let label = owner.label("0").await;
    owner.delete_label(&label.id, "").await.unwrap();
    owner.has(labelled(&["more"])).await;
}

#[tokio::test]
async fn a_restored_contact_makes_its_labels_of_then_anew() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(labelled(&["Then"])).await;
    let then = owner.label("Then").await;
    owner.delete_label(&then.id, "").await.unwrap();

    let revision = contact.version.to_string();
    let restored = owner.restore(&contact.id, &revision, "").await.unwrap();

    assert_eq!(restored.labels, ["Then"]);
    let label = owner.label("Then").await;
    assert_eq!((label.contact_count, label.version), (1, restored.version));
    assert_ne!(label.id, then.id);
}
