//! `ListContacts`: what its filter selects.

use proto::contacts::v1::{Contact, CreateContactRequest, ListContactsRequest};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{date, email, named, organization, phone};

async fn listed(owner: &Owner, filter: &str) -> Vec<String> {
    let request = ListContactsRequest {
        filter: filter.into(),
        page_size: 2,
        ..ListContactsRequest::default()
    };
    let contacts = owner.list_all(request).await;
    contacts.into_iter().map(|c| c.given_name).collect()
}

/// Ada, Bea, Cy and Dot, who differ in everything that a filter can select.
async fn four(owner: &Owner) {
    let labels = |labels: &[&str]| labels.iter().map(|&l| l.to_owned()).collect();
    let ada = Contact {
        starred: true,
        labels: labels(&["Füße & Co", "Team 100%"]),
        emails: vec![email("Ada@Example.com"), email("ada@work.example")],
        birthday: Some(date(0, 2, 29)),
        ..named("Ada", "A")
    };
    let bea = Contact {
        labels: labels(&["füsse & co", "say \"hi\" \\o/"]),
        phones: vec![phone("+49 30 123456")],
        organizations: vec![organization("Acme GmbH"), organization("100% Wool")],
        ..named("Bea", "B")
    };
    let cy = Contact {
        starred: true,
        labels: labels(&["Team"]),
        emails: vec![email("cy@example.com")],
        phones: vec![phone("030 123456")],
        organizations: vec![organization("Müller & Söhne")],
        birthday: Some(date(1999, 1, 1)),
        ..named("Cy", "C")
    };
    for contact in [ada, bea, cy, named("Dot", "D")] {
        owner
            .create_with(CreateContactRequest {
                contact: Some(contact),
                default_region: "DE".into(),
                ..CreateContactRequest::default()
            })
            .await
            .unwrap();
    }
    let deleted = Contact {
        starred: true,
        ..named("Eve", "E")
    };
    let deleted = owner.has(deleted).await;
    owner.delete(&deleted.id).await.unwrap();
}

#[tokio::test]
async fn a_filter_leaves_those_that_fit() {
    let app = App::start().await;
    let owner = app.owner();
    four(&owner).await;

    for (filter, expected) in [
        ("starred=true", &["Ada", "Cy"][..]),
        ("starred = false", &["Bea", "Dot"]),
        ("labels:\"FÜSSE & CO\"", &["Ada", "Bea"]),
        ("labels:team", &["Cy"]),
        ("labels:\"TEAM 100%\"", &["Ada"]),
        ("labels:\"Team %\"", &[]),
        (r#"labels:"say \"hi\" \\o/""#, &["Bea"]),
        ("email=\"ADA@example.COM\"", &["Ada"]),
        ("email=ada@work.example", &["Ada"]),
        ("email=\"ada\"", &[]),
        ("phone=\"+49 (30) 123-456\"", &["Bea", "Cy"]),
        ("phone=\"030/123456\"", &["Cy"]),
        ("phone=\"030123\"", &[]),
        ("organization:\"acme\"", &["Bea"]),
        ("organization:\"MULLER &\"", &["Cy"]),
        ("organization:\"%\"", &["Bea"]),
        ("organization:\"_\"", &[]),
        ("has:birthday", &["Ada", "Cy"]),
        ("has:\"birthday\"", &["Ada", "Cy"]),
        ("labels:\"o'; DROP TABLE contacts.contacts; --\"", &[]),
    ] {
        assert_eq!(listed(&owner, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn joined_conditions_all_hold() {
    let app = App::start().await;
    let owner = app.owner();
    four(&owner).await;

    for (filter, expected) in [
        ("starred=true AND has:birthday", &["Ada", "Cy"][..]),
        ("starred=true AND phone=\"030123456\"", &["Cy"]),
        ("starred=true AND starred=false", &[]),
        ("labels:\"FÜSSE & CO\" AND labels:\"team 100%\"", &["Ada"]),
        (
            "labels:team AND email=\"cy@example.com\" AND organization:sohne AND has:birthday \
             AND starred=true",
            &["Cy"],
        ),
        ("  starred=true   AND\n\thas:birthday  ", &["Ada", "Cy"]),
    ] {
        assert_eq!(listed(&owner, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_hides_the_total_and_can_show_deleted_ones() {
    let app = App::start().await;
    let owner = app.owner();
    four(&owner).await;
    let request = ListContactsRequest {
        filter: "starred=true".into(),
        show_deleted: true,
        ..ListContactsRequest::default()
    };

    let page = owner.list(request).await.unwrap();

    assert_eq!(page.total_size, None);
    let names: Vec<_> = page.contacts.iter().map(|c| &*c.given_name).collect();
    assert_eq!(names, ["Ada", "Cy", "Eve"]);
}

#[tokio::test]
async fn a_filter_follows_an_update() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = Contact {
        labels: vec!["old".into()],
        starred: true,
        ..named("Ada", "")
    };
    let stored = owner.has(contact).await;
    let patch = Contact {
        id: stored.id,
        labels: vec!["new".into()],
        ..Contact::default()
    };

    owner.update(patch, &["labels", "starred"]).await.unwrap();

    assert_eq!(listed(&owner, "labels:old").await, [""; 0]);
    assert_eq!(listed(&owner, "starred=true").await, [""; 0]);
    assert_eq!(
        listed(&owner, "labels:new AND starred=false").await,
        ["Ada"]
    );
}

#[tokio::test]
async fn a_filter_of_another_form_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let too_long = format!("labels:\"{}\"", "x".repeat(1000));
    let too_many = ["starred=true"; 33].join(" AND ");

    for filter in [
        "ada",
        "labels",
        "labels:",
        "labels:\"\"",
        "labels:\" \"",
        "organization:\"\"",
        "organization:\" \"",
        "phone=\"\"",
        "phone=\"none\"",
        "email=\"\"",
        "labels=team",
        "starred=yes",
        "starred=\"\"",
        "has:hat",
        "has:*",
        "starred=true has:birthday",
        "starred=true AND",
        "starred=true OR",
        "starred=true and has:birthday",
        "AND starred=true",
        "OR starred=true",
        "NOT",
        "NOT NOT starred=true",
        "--starred=true",
        "()",
        "(starred=true",
        "(starred=true))",
        "starred>true",
        "phone:\"030\"",
        "update_time:\"2026-01-01T00:00:00Z\"",
        "update_time > yesterday",
        "update_time > \"2026-13-01T00:00:00Z\"",
        "create_time = \"2026-01-01\"",
        "delete_time > \"2026-01-01T00:00:00Z\"",
        "labels:\"open",
        "labels:\"a\\n\"",
        "name=\"x\"",
        "\0",
        "é",
        &too_long,
        &too_many,
    ] {
        let answer = owner
            .list(ListContactsRequest {
                filter: filter.into(),
                ..ListContactsRequest::default()
            })
            .await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FILTER_INVALID");
        assert_bad_fields(answer, &["filter"]);
    }
}

#[tokio::test]
async fn a_control_character_in_a_filter_never_makes_the_service_fail() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(named("Ada", "A")).await;
    for field in ["labels:", "email=", "phone=", "organization:", "uid="] {
        for hostile in ["a\0b", "\0", "\u{1}", "a\nb", "\u{7f}", "\u{feff}"] {
            let request = ListContactsRequest {
                filter: format!("{field}\"{hostile}\""),
                ..ListContactsRequest::default()
            };
            match owner.list(request).await {
                Ok(page) => assert_eq!(page.contacts, [], "{field}{hostile:?}"),
                refused => assert_refused(refused, Code::InvalidArgument, "FILTER_INVALID"),
            }
        }
    }
}
