//! `formatted_name`: the whole name as the person writes it.

use proto::contacts::v1::{Contact, ListContactsRequest};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{named, organization};

fn formatted(name: &str, contact: Contact) -> Contact {
    Contact {
        formatted_name: name.into(),
        ..contact
    }
}

fn only(name: &str) -> Contact {
    formatted(name, Contact::default())
}

/// Names that the parts of a name do not make.
const NAMES: [(&str, &str, &str); 12] = [
    ("Prof. Dr. Ada Lovelace", "Ada", "Lovelace"),
    ("Lovelace, Ada", "Ada", "Lovelace"),
    ("J. R. R. Tolkien", "John Ronald Reuel", "Tolkien"),
    ("bell hooks", "Bell", "Hooks"),
    ("Nguyễn Văn An", "An", "Nguyễn"),
    ("Kovács János", "János", "Kovács"),
    ("Björk Guðmundsdóttir", "Björk", ""),
    ("محمد بن سلمان", "محمد", "سلمان"),
    ("Марія О. Примаченко", "Марія", "Примаченко"),
    ("夏目 漱石", "金之助", "夏目"),
    ("राम कुमार शर्मा", "राम", "शर्मा"),
    ("Mary Smith (née Jones)", "Mary", "Smith"),
];

#[tokio::test]
async fn it_is_what_is_shown_and_the_parts_stay() {
    let app = App::start().await;
    let owner = app.owner();

    for (name, given, family) in NAMES {
        let stored = owner.has(formatted(name, named(given, family))).await;
        assert_eq!(stored.display_name, name);
        assert_eq!((&*stored.given_name, &*stored.family_name), (given, family));
        let cleared = Contact {
            formatted_name: String::new(),
            ..stored
        };
        let cleared = owner.update(cleared, &["formatted_name"]).await.unwrap();
        assert_ne!(cleared.display_name, name);
        assert_ne!(cleared.display_name, "");
    }
}

#[tokio::test]
async fn it_is_found_as_a_name() {
    let app = App::start().await;
    let owner = app.owner();
    for (name, given, family) in NAMES {
        owner.has(formatted(name, named(given, family))).await;
    }

    for (name, given, _) in NAMES {
        for query in [name, given] {
            let found = owner.exact_names(query).await;
            assert!(found.contains(&name.to_owned()), "{query} {found:?}");
        }
    }
    for (query, name) in [
        ("tolkien j", NAMES[2].0),
        ("née", NAMES[11].0),
        ("jones", NAMES[11].0),
        ("kovacsjanos", NAMES[5].0),
        ("夏目漱石", NAMES[9].0),
        ("prof", NAMES[0].0),
    ] {
        assert_eq!(owner.exact_names(query).await[0], name, "{query}");
    }
}

#[tokio::test]
async fn it_is_a_name_alone_and_comes_before_everything_else() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(only("The Committee")).await;
    assert_eq!(stored.display_name, "The Committee");

    let company = Contact {
        nickname: "Nick".into(),
        organizations: vec![organization("ACME")],
        ..only("ACME Support")
    };
    assert_eq!(owner.has(company).await.display_name, "ACME Support");
    for nothing in ["", " ", "\u{200b}", "\u{3164}\u{ad}"] {
        let answer = owner.create(only(nothing)).await;
        assert_refused(answer, Code::InvalidArgument, "CONTACT_EMPTY");
    }
    let cleared = Contact {
        formatted_name: String::new(),
        ..stored
    };
    let answer = owner.update(cleared, &["formatted_name"]).await;
    assert_refused(answer, Code::InvalidArgument, "CONTACT_EMPTY");
}

#[tokio::test]
async fn one_that_is_too_long_or_has_several_lines_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for name in [&"x".repeat(201), "a\nb", "a\u{0}b"] {
        let answer = owner.create(only(name)).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FIELD_INVALID");
        assert_bad_fields(answer, &["contact.formatted_name"]);
    }
    let longest = "é".repeat(200);
    let stored = owner.has(only(&longest.replace('é', "e\u{301}"))).await;
    assert_eq!(stored.formatted_name, longest);
}

#[tokio::test]
async fn the_order_by_display_name_is_that_of_the_formatted_name() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            formatted("Zed", named("Ada", "Adams")),
            named("Mia", "Zorn"),
            formatted("Adam", named("Yves", "Young")),
            only("Kim"),
        ])
        .await;
    let order = async |order_by: &str| {
        let request = ListContactsRequest {
            order_by: order_by.into(),
            ..ListContactsRequest::default()
        };
        let listed = owner.list_all(request).await.into_iter();
        listed.map(|one| one.display_name).collect::<Vec<_>>()
    };

    let by_display = ["Adam", "Kim", "Mia Zorn", "Zed"];
    assert_eq!(order("display_name").await, by_display);
    let by_family = ["Zed", "Kim", "Adam", "Mia Zorn"];
    assert_eq!(order("family_name").await, by_family);
}

#[tokio::test]
async fn the_same_formatted_name_is_the_same_name_of_duplicates() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            only("Ada Lovelace"),
            only("ADA  Lovelace"),
            only("Bob"),
            formatted("Bob", named("Robert", "Miller")),
        ])
        .await;

    let groups = owner.duplicates(0).await;

    assert_eq!(groups.len(), 2);
}

#[tokio::test]
async fn a_merge_keeps_or_fills_it_and_notes_another() {
    let app = App::start().await;
    let owner = app.owner();

    for (mine, theirs, expected, notes) in [
        (only("A"), only("a"), "A", ""),
        (only("A"), only("B"), "A", "Formatted name: B"),
        (only("A"), named("A", ""), "A", ""),
        (named("A", ""), only("Dr. A"), "Dr. A", ""),
        (
            named("A", ""),
            formatted("Dr. A", named("A", "B")),
            "Dr. A",
            "",
        ),
        (
            named("A", ""),
            formatted("Dr. B", named("B", "")),
            "",
            "Name: B\nFormatted name: Dr. B",
        ),
        (
            formatted("A", named("A", "")),
            formatted("A", named("B", "")),
            "A",
            "Name: B",
        ),
    ] {
        let both = owner.has_all([mine, theirs]).await;
        let (merged, _) = owner.merge(&both[0], &[&both[1]]).await.unwrap();
        assert_eq!((&*merged.formatted_name, &*merged.notes), (expected, notes));
    }
}
