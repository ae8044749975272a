//! Labels: created, read, listed, added to contacts, and hidden from strangers.

use proto::contacts::v1::{CreateLabelRequest, Label};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::{App, book, rows};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_bad_fields, assert_refused, fields, metadata, reason};
use crate::sample::ada;

fn named(name: &str) -> Label {
    Label {
        name: name.into(),
        ..Label::default()
    }
}

#[tokio::test]
async fn a_label_is_made_read_and_listed() {
    let app = App::start().await;
    let owner = app.owner();

    let made = owner.create_label(" Friends  of Ada ").await.unwrap();

    assert_eq!((&*made.name, made.contact_count), ("Friends  of Ada", 0));
    assert_eq!(made.etag, format!("\"{}\"", made.version));
    assert_eq!(made.create_time, made.update_time);
    assert_eq!(owner.get_label(&made.id).await.unwrap(), made);
    assert_eq!(owner.labels(0).await, [made]);
}

#[tokio::test]
async fn a_label_that_is_only_checked_is_not_stored() {
    let app = App::start().await;
    let owner = app.owner();
    owner.create_label("old").await.unwrap();
    let check = |name: &str| CreateLabelRequest {
        label: Some(named(name)),
        validate_only: true,
        owner_id: owner.book.clone(),
    };

    let made = owner.labels_client().create_label(check("new")).await;
    let taken = owner.labels_client().create_label(check("OLD")).await;

    assert_eq!(made.unwrap().into_inner().label.unwrap().name, "new");
    assert_refused(taken, Code::AlreadyExists, "LABEL_TAKEN");
    assert_eq!(owner.label_counts().await, [("old".into(), 0)]);
}

#[tokio::test]
async fn a_name_that_breaks_its_limits_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let label = owner.create_label(&"é".repeat(100)).await.unwrap();

    for name in ["", " ", "a\nb", &"é".repeat(101)] {
        assert_bad_fields(owner.create_label(name).await, &["label.name"]);
        assert_bad_fields(owner.rename_label(&label, name).await, &["label.name"]);
    }
    let nothing = owner
        .labels_client()
        .create_label(CreateLabelRequest::default())
        .await;
    assert_bad_fields(nothing, &["label"]);
    let other_field = owner.update_label(label.clone(), &["colour"]).await;
    assert_refused(other_field, Code::InvalidArgument, "UPDATE_MASK_INVALID");
    assert_eq!(owner.labels(0).await, [label]);
}

#[tokio::test]
async fn labels_are_listed_by_name_and_counted_on_whatever_pages() {
    let app = App::start().await;
    let owner = app.owner();
    owner.create_label("empty").await.unwrap();
    owner.has(labelled(&["Österreich", "work"])).await;
    owner.has(labelled(&["Zürich", "WORK", "ÖSTERREICH"])).await;
    let gone = owner.has(labelled(&["work", "left"])).await;
    owner.delete(&gone.id).await.unwrap();
    let expected = [
        ("empty".to_owned(), 0),
        ("left".into(), 0),
        ("Österreich".into(), 2),
        ("work".into(), 2),
        ("Zürich".into(), 1),
    ];

    assert_eq!(owner.label_counts().await, expected);
    for size in 1..=6 {
        let paged = owner.labels(size).await;
        assert_eq!(paged, owner.labels(0).await, "{size}");
        for label in &paged {
            assert_eq!(&owner.get_label(&label.id).await.unwrap(), label);
        }
    }
    let refused = owner.list_labels(-1, "").await;
    assert_refused(refused, Code::InvalidArgument, "PAGE_SIZE_INVALID");
}

#[tokio::test]
async fn a_page_token_is_good_for_its_owner_and_for_labels_only() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has(labelled(&["a", "b", "c"])).await;
    owner.has(ada()).await;
    stranger.has(labelled(&["x", "y"])).await;
    let token = owner.list_labels(1, "").await.unwrap().next_page_token;
    let contacts = owner
        .list(proto::contacts::v1::ListContactsRequest {
            page_size: 1,
            ..Default::default()
        })
        .await;
    let of_contacts = contacts.unwrap().next_page_token;

    for (caller, token) in [(&stranger, &token), (&owner, &of_contacts)] {
        let refused = caller.list_labels(1, token).await;
        assert_refused(refused, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    // The last label of the page may be deleted meanwhile.
    owner
        .delete_label(&owner.label("a").await.id, "")
        .await
        .unwrap();
    let next = owner.list_labels(1, &token).await.unwrap();
    assert_eq!(next.labels[0].name, "b");
}

#[tokio::test]
async fn contacts_get_and_lose_a_label_under_one_version() {
    let app = App::start().await;
    let owner = app.owner();
    let team = owner.create_label("Team").await.unwrap();
    let bare = owner.has(ada()).await;
    let spelled = owner.has(labelled(&["TEAM", "x"])).await;
    let leaving = owner.has(labelled(&["x", "team"])).await;
    let outside = owner.has(labelled(&["x"])).await;

    let (add, remove) = ([&*bare.id, &spelled.id], [&*leaving.id, &outside.id]);
    let answer = owner.modify_members(&team.id, &add, &remove).await.unwrap();

    assert_eq!((answer.contact_count, &answer.etag), (2, &team.etag));
    let labels = async |id: &str| owner.get(id).await.unwrap().labels;
    assert_eq!(labels(&bare.id).await, ["Team"]);
    assert_eq!(labels(&leaving.id).await, ["x"]);
    // Nothing had to be changed for these.
    assert_eq!(owner.get(&spelled.id).await.unwrap(), spelled);
    assert_eq!(owner.get(&outside.id).await.unwrap(), outside);
    let changed = [&bare.id, &leaving.id].map(async |id| owner.get(id).await.unwrap().version);
    for version in changed {
        assert_eq!(version.await, outside.version + 1);
    }
    assert_eq!(owner.revisions(&bare.id, 0).await.len(), 2);

    let before = book(&app, owner.user).await;
    let again = owner.modify_members(&team.id, &add, &remove).await.unwrap();
    assert_eq!(again, answer);
    assert_eq!(book(&app, owner.user).await, before, "nothing is written");
}

#[tokio::test]
async fn members_are_modified_all_or_none() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let label = owner.create_label("x").await.unwrap();
    let fine = owner.has(ada()).await.id;
    let member = owner.has(labelled(&["x"])).await.id;
    let deleted = owner.has(ada()).await.id;
    owner.delete(&deleted).await.unwrap();
    let foreign = stranger.has(ada()).await.id;
    let missing = Uuid::now_v7().to_string();
    let many: Vec<String> = (0..100).map(|n| format!("{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let labelled_enough = owner.has(labelled(&many)).await.id;
    let before = book(&app, owner.user).await;

    for id in [&missing, &foreign, &deleted] {
        for answer in [
            owner.modify_members(&label.id, &[&fine, id], &[]).await,
            owner
                .modify_members(&label.id, &[&fine], &[&member, id])
                .await,
        ] {
            let status = answer.unwrap_err();
            assert_eq!(status.code(), Code::NotFound);
            assert_eq!(reason(&status), "CONTACT_NOT_FOUND");
            assert_eq!(&metadata(&status, "id"), id);
        }
    }
    let full = owner
        .modify_members(&label.id, &[&fine, &labelled_enough], &[])
        .await;
    assert_bad_fields(full, &["add_ids[1]"]);
    let both = owner
        .modify_members(&label.id, &[&fine], &[&member, &fine])
        .await;
    assert_bad_fields(both, &["remove_ids[1]"]);
    let nobody = owner.modify_members(&label.id, &[], &[]).await;
    assert_bad_fields(nobody, &["add_ids"]);
    let malformed = owner.modify_members(&label.id, &[&fine], &["x"]).await;
    assert_bad_fields(malformed, &["remove_ids[0]"]);
    let too_many = vec![&*fine; 501];
    let too_many = owner.modify_members(&label.id, &too_many, &[]).await;
    assert_bad_fields(too_many, &["add_ids"]);
    assert_eq!(book(&app, owner.user).await, before);

    // A repeated id counts once.
    let twice = owner
        .modify_members(&label.id, &[&fine, &fine], &[&member, &member])
        .await;
    assert_eq!(twice.unwrap().contact_count, 1);
}

/// Every call that names a label, and fails if it is missing.
async fn refusals(caller: &Owner, id: &str, contact: &str) -> Vec<Status> {
    let label = Label {
        id: id.into(),
        etag: "\"9\"".into(),
        ..named("x")
    };
    let without_etag = Label {
        etag: String::new(),
        ..label.clone()
    };
    vec![
        caller.get_label(id).await.unwrap_err(),
        caller.rename_label(&label, "y").await.unwrap_err(),
        caller.update_label(without_etag, &[]).await.unwrap_err(),
        caller.delete_label(id, "").await.unwrap_err(),
        caller.delete_label(id, "\"9\"").await.unwrap_err(),
        caller
            .modify_members(id, &[contact], &[])
            .await
            .unwrap_err(),
        caller
            .modify_members(id, &[], &[contact])
            .await
            .unwrap_err(),
    ]
}

#[tokio::test]
async fn another_owners_label_looks_exactly_like_a_missing_one() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has(labelled(&["friends"])).await;
    let foreign = owner.label("friends").await;
    let (theirs, missing) = (stranger.has(ada()).await, Uuid::now_v7().to_string());
    let before = book(&app, owner.user).await;

    let of_foreign = refusals(&stranger, &foreign.id, &theirs.id).await;
    let of_missing = refusals(&stranger, &missing, &theirs.id).await;
    stranger
        .delete_label_with(&foreign.id, "", true)
        .await
        .unwrap();
    let same_name = stranger.create_label("Friends").await.unwrap();

    for (foreign_one, missing_one) in of_foreign.iter().zip(&of_missing) {
        assert_eq!(foreign_one.code(), Code::NotFound);
        assert_eq!(reason(foreign_one), "LABEL_NOT_FOUND");
        assert_eq!(foreign_one.message(), missing_one.message());
        assert_eq!(foreign_one.details().len(), missing_one.details().len());
        assert_eq!(fields(foreign_one), fields(missing_one));
    }
    assert_ne!(same_name.id, foreign.id);
    assert_eq!(stranger.label_counts().await, [("Friends".into(), 0)]);
    assert_eq!(book(&app, owner.user).await, before);
}

#[tokio::test]
async fn a_strangers_contacts_are_neither_counted_nor_renamed() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has(labelled(&["friends"])).await;
    stranger.has(labelled(&["friends"])).await;
    let before = book(&app, stranger.user).await;

    let label = owner.label("friends").await;
    let renamed = owner.rename_label(&label, "foes").await.unwrap();
    owner.delete_label(&label.id, "").await.unwrap();

    assert_eq!((label.contact_count, renamed.contact_count), (1, 1));
    assert_eq!(rows(&app, "labels", owner.user).await, 0);
    assert_eq!(book(&app, stranger.user).await, before);
}
