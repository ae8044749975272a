//! `ListContacts`: filters with OR, NOT, parts and times.

use proto::contacts::v1::{Contact, ListContactsRequest};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::assert_refused;
use crate::sample::{date, email, named, organization, phone};

fn filtered(filter: &str) -> ListContactsRequest {
    ListContactsRequest {
        filter: filter.into(),
        page_size: 2,
        ..ListContactsRequest::default()
    }
}

/// The first letters of the names of those that a filter leaves.
async fn left(owner: &Owner, filter: &str) -> String {
    let contacts = owner.list_all(filtered(filter)).await.into_iter();
    contacts.map(|contact| contact.given_name).collect()
}

fn labelled(given: &str, labels: &[&str]) -> Contact {
    Contact {
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        ..named(given, "")
    }
}

/// A to F: each combination of the labels x and y, and two that have more.
async fn six(owner: &Owner) -> Vec<Contact> {
    let starred = Contact {
        starred: true,
        emails: vec![email("d@example.com")],
        birthday: Some(date(1990, 1, 2)),
        ..labelled("D", &["x", "y"])
    };
    let reached = Contact {
        nickname: "Eff".into(),
        notes: "to call".into(),
        phones: vec![phone("ask at the desk")],
        organizations: vec![organization("Acme")],
        ..named("E", "")
    };
    let mailed = Contact {
        emails: vec![email("f@example.com")],
        phones: vec![phone("+49 30 1234567")],
        ..labelled("F", &["z"])
    };
    owner
        .has_all([
            named("A", ""),
            labelled("B", &["x"]),
            labelled("C", &["Y"]),
            starred,
            reached,
            mailed,
        ])
        .await
}

#[tokio::test]
async fn conditions_are_joined_and_negated_as_in_the_standard() {
    let app = App::start().await;
    let owner = app.owner();
    six(&owner).await;

    for (filter, expected) in [
        ("labels:x OR labels:y", "BCD"),
        ("labels:\"x\" AND labels:\"y\"", "D"),
        ("-labels:x", "ACEF"),
        ("NOT labels:x", "ACEF"),
        ("NOT labels:x AND NOT labels:y", "AEF"),
        ("-(labels:x OR labels:y)", "AEF"),
        ("NOT (labels:x AND labels:y)", "ABCEF"),
        ("labels:*", "BCDF"),
        ("-labels:*", "AE"),
        ("NOT labels:*", "AE"),
        ("labels:\"*\"", ""),
        ("-labels:none", "ABCDEF"),
        // OR binds more tightly than AND.
        ("labels:x OR labels:y AND starred=true", "D"),
        ("(labels:y AND starred=true) OR labels:x", "BD"),
        ("labels:z AND labels:x OR labels:y", ""),
        ("(labels:z AND labels:x) OR labels:y", "CD"),
        ("-labels:* OR starred=true", "ADE"),
        ("starred != true AND labels:x", "B"),
        ("email != \"d@example.com\" AND has:email", "F"),
        ("-(-(-labels:*))", "AE"),
        ("((((labels:x))))", "BD"),
        ("( labels:x )AND( labels:y )", "D"),
        ("-starred=true AND -has:phone", "ABC"),
        ("uid=\"nobody\" OR labels:z", "F"),
        ("organization:acme OR phone=\"+49301234567\"", "EF"),
    ] {
        assert_eq!(left(&owner, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_part_is_there_or_not() {
    let app = App::start().await;
    let owner = app.owner();
    six(&owner).await;

    for (filter, expected) in [
        ("has:email", "DF"),
        ("-has:email", "ABCE"),
        // Also one without digits.
        ("has:phone", "EF"),
        ("has:birthday", "D"),
        ("has:label", "BCDF"),
        ("has:nickname", "E"),
        ("has:notes", "E"),
        ("has:organization", "E"),
        ("has:photo", ""),
        ("NOT has:photo", "ABCDEF"),
        ("has:email OR has:phone", "DEF"),
        ("has:email AND has:phone", "F"),
        ("-has:email AND -has:phone", "ABC"),
    ] {
        assert_eq!(left(&owner, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn times_are_compared() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = six(&owner).await;
    let changed = Contact {
        notes: "changed".into(),
        ..stored[0].clone()
    };
    let changed = owner.update(changed, &["notes"]).await.unwrap();

    let written = changed.update_time.unwrap().to_string();
    let third = stored[2].create_time.unwrap().to_string();
    for (filter, expected) in [
        (format!("create_time < \"{third}\""), "AB"),
        (format!("create_time <= \"{third}\""), "ABC"),
        (format!("create_time = \"{third}\""), "C"),
        (format!("create_time != \"{third}\""), "ABDEF"),
        (format!("create_time > \"{third}\""), "DEF"),
        (format!("create_time>={third}"), "CDEF"),
        (format!("update_time >= \"{written}\""), "A"),
        (format!("update_time > \"{written}\""), ""),
        (format!("NOT update_time >= \"{written}\""), "BCDEF"),
        (
            format!("update_time<{written} AND create_time>{third}"),
            "DEF",
        ),
        (
            "update_time > \"2000-01-01T00:00:00+02:00\"".into(),
            "ABCDEF",
        ),
        ("create_time < \"2000-01-01T00:00:00.5Z\"".into(), ""),
    ] {
        assert_eq!(left(&owner, &filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn delete_times_are_compared_where_deleted_ones_are_listed() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = six(&owner).await;
    let first = owner.delete(&stored[1].id).await.unwrap();
    owner.delete(&stored[3].id).await.unwrap();

    let time = first.delete_time.unwrap();
    for (filter, expected) in [
        (format!("delete_time > \"{time}\""), "D"),
        (format!("delete_time <= \"{time}\""), "B"),
        (format!("NOT delete_time <= \"{time}\""), "ACDEF"),
        (format!("delete_time != \"{time}\""), "ACDEF"),
    ] {
        let request = ListContactsRequest {
            show_deleted: true,
            ..filtered(&filter)
        };
        let contacts = owner.list_all(request).await.into_iter();
        let names: String = contacts.map(|contact| contact.given_name).collect();
        assert_eq!(names, expected, "{filter}");
        let live = owner.list(filtered(&filter)).await;
        assert_refused(live, Code::InvalidArgument, "FILTER_INVALID");
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_and_where() {
    let app = App::start().await;
    let owner = app.owner();

    for (filter, problem) in [
        (
            "labels:x nothing",
            "neither AND nor OR between two conditions, at character 10",
        ),
        ("labels:x AND name=y", "unknown field \"name\""),
        ("labels:x AND name=y", "at character 14"),
        ("-starred=maybe", "other than true or false, at character 2"),
        ("(labels:x", "a ( without a ), at character 10"),
        ("labels:\"x\")", "a ) without a (, at character 11"),
        (
            "labels:x OR labels=y",
            "compares labels with =, but it only takes :, at character 13",
        ),
        ("update_time > now", "\"now\", which is not a time like"),
        ("has:hat", "unknown part \"hat\""),
        ("email=", "a condition without a value, at character 7"),
        ("ünïcode=x", "unknown field \"ünïcode\""),
    ] {
        let status = owner.list(filtered(filter)).await.unwrap_err();
        assert!(
            status.message().contains(problem),
            "{filter}: {}",
            status.message()
        );
    }
}

#[tokio::test]
async fn a_page_token_of_another_filter_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    six(&owner).await;
    let page = owner.list(filtered("-labels:*")).await.unwrap();
    assert_eq!(page.next_page_token, "");
    let page = owner.list(filtered("labels:x OR labels:y")).await.unwrap();

    let other = ListContactsRequest {
        page_token: page.next_page_token,
        ..filtered("labels:x OR labels:z")
    };

    let answer = owner.list(other).await;
    assert_refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}
