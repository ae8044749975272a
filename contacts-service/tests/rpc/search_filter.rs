//! `SearchContacts` within a filter.

use proto::contacts::v1::{Contact, SearchContactsRequest, ShareRole};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{date, email, named};

/// The names that are found within a filter, in pages of this size.
async fn found(owner: &Owner, query: &str, filter: &str, page_size: i32) -> Vec<String> {
    let request = SearchContactsRequest {
        query: query.into(),
        filter: filter.into(),
        page_size,
        ..SearchContactsRequest::default()
    };
    let found = owner.search_all(request).await.into_iter();
    found.map(|one| one.contact.unwrap().display_name).collect()
}

/// Anna A to Anna F; A, B and C are friends, A and D are favourites, E has an e-mail, F a
/// birthday and another spelling.
async fn annas(owner: &Owner) {
    for family in ["A", "B", "C", "D", "E", "F"] {
        let contact = Contact {
            labels: ["A", "B", "C"]
                .contains(&family)
                .then(|| "Friends".to_owned())
                .into_iter()
                .collect(),
            starred: ["A", "D"].contains(&family),
            emails: (family == "E")
                .then(|| email("e@example.com"))
                .into_iter()
                .collect(),
            birthday: (family == "F").then(|| date(1990, 1, 2)),
            ..named(if family == "F" { "Anne" } else { "Anna" }, family)
        };
        owner.has(contact).await;
    }
}

#[tokio::test]
async fn only_what_the_filter_selects_is_found() {
    let app = App::start().await;
    let owner = app.owner();
    annas(&owner).await;

    for (query, filter, expected) in [
        (
            "anna",
            "labels:friends",
            &["Anna A", "Anna B", "Anna C"][..],
        ),
        ("anna", "-labels:friends", &["Anna D", "Anna E", "Anne F"]),
        (
            "anna",
            "labels:friends AND -starred=true",
            &["Anna B", "Anna C"],
        ),
        ("anna", "starred=true", &["Anna A", "Anna D"]),
        ("anna", "has:email", &["Anna E"]),
        ("anna", "email=\"e@example.com\"", &["Anna E"]),
        // Also with a typing error.
        ("anna", "has:birthday", &["Anne F"]),
        ("anna", "labels:nobody", &[]),
        ("anna b", "labels:friends", &["Anna B"]),
        ("anna example", "labels:friends", &[]),
        (
            "anna",
            "update_time > \"2000-01-01T00:00:00Z\" AND -labels:*",
            &["Anna D", "Anna E", "Anne F"],
        ),
        ("zoe", "labels:friends", &[]),
    ] {
        assert_eq!(
            found(&owner, query, filter, 0).await,
            expected,
            "{query} {filter}"
        );
    }
}

#[tokio::test]
async fn what_is_found_does_not_depend_on_the_size_of_a_page() {
    let app = App::start().await;
    let owner = app.owner();
    annas(&owner).await;

    for filter in [
        "labels:*",
        "-labels:*",
        "-starred=true",
        "has:email OR has:birthday",
    ] {
        let all = found(&owner, "anna", filter, 0).await;
        assert!(all.len() > 1);
        for size in 1..6 {
            assert_eq!(
                found(&owner, "anna", filter, size).await,
                all,
                "{filter} {size}"
            );
        }
    }
}

#[tokio::test]
async fn a_contact_is_found_by_its_uid_and_a_query() {
    let app = App::start().await;
    let owner = app.owner();
    annas(&owner).await;
    let contact = Contact {
        uid: "urn:x".into(),
        ..named("Anna", "G")
    };
    owner.has(contact).await;

    assert_eq!(found(&owner, "anna", "uid=\"urn:x\"", 0).await, ["Anna G"]);
}

#[tokio::test]
async fn a_write_changes_what_the_filter_selects() {
    let app = App::start().await;
    let owner = app.owner();
    annas(&owner).await;
    let stored = owner.has(named("Anna", "G")).await;
    assert_eq!(found(&owner, "anna g", "labels:new", 0).await, [""; 0]);

    let patch = Contact {
        id: stored.id,
        labels: vec!["New".into()],
        ..Contact::default()
    };
    owner.update(patch, &["labels"]).await.unwrap();

    assert_eq!(found(&owner, "anna g", "labels:new", 0).await, ["Anna G"]);
}

#[tokio::test]
async fn a_recipient_of_labels_filters_by_those_only() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    let label = owner.create_label("Friends").await.unwrap();
    owner
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;
    for (name, labels) in [
        ("A", &["Friends", "Debtors"][..]),
        ("B", &["Friends"]),
        ("C", &["Debtors"]),
    ] {
        let contact = Contact {
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            ..named("Anna", name)
        };
        owner.has(contact).await;
    }
    let reader = reader.in_book_of(&owner);

    let all = ["Anna A", "Anna B"];
    assert_eq!(found(&reader, "anna", "labels:friends", 0).await, all);
    assert_eq!(found(&reader, "anna", "labels:debtors", 0).await, [""; 0]);
    assert_eq!(found(&reader, "anna", "-labels:debtors", 0).await, all);
    assert_eq!(found(&reader, "anna", "labels:*", 0).await, all);
}

#[tokio::test]
async fn a_wrong_filter_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for filter in [
        "anna",
        "labels=x",
        "delete_time > \"2026-01-01T00:00:00Z\"",
        "(has:email",
    ] {
        let request = SearchContactsRequest {
            query: "anna".into(),
            filter: filter.into(),
            ..SearchContactsRequest::default()
        };
        let answer = owner.search(request).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FILTER_INVALID");
        assert_bad_fields(answer, &["filter"]);
    }
}
