//! Duplicates, figures and labels of what is shared.

use proto::contacts::v1::{Contact, GetContactStatsResponse, ShareRole};
use tonic::Code;

use crate::app::App;
use crate::refusal::assert_refused;
use crate::sample::{date, email, named};
use crate::shared_label::{Shared, friends, known};

#[tokio::test]
async fn duplicates_under_a_label_are_those_with_it() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Reader).await;
    let with = |given: &str, labels: &[&str]| Contact {
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        emails: vec![email(&format!("{given}@example.com"))],
        ..named(given, "King")
    };
    // Each pair has another reason, and only one with the label.
    for labels in [["Friends", "Work"], ["Friends", "Home"], ["Work", "Home"]] {
        owner.has(with("Augusta", &labels)).await;
    }
    owner
        .has_all([with("Byron", &["Friends"]), with("Byron", &["Work"])])
        .await;
    assert_eq!(owner.duplicates(0).await.len(), 3);

    let groups = other.duplicates(0).await;

    assert_eq!(groups.len(), 1);
    let names = groups[0].contacts.iter().map(|one| &*one.given_name);
    assert_eq!(names.collect::<Vec<_>>(), ["Augusta", "Augusta"]);
    assert!(
        groups[0]
            .contacts
            .iter()
            .all(|one| one.labels == ["Friends"])
    );
    // What the owner ignores is not suggested to others, and stays the owner's.
    let ids: Vec<_> = groups[0].contacts.iter().map(|one| &*one.id).collect();
    owner.ignore(ids[0], ids[1]).await.unwrap();
    assert_eq!(other.duplicates(0).await, []);
    let refused = other.unignore(ids[0], ids[1]).await;
    assert_refused(refused, Code::PermissionDenied, "SHARE_READ_ONLY");
    assert!(owner.get(&friend.id).await.is_ok() && owner.get(&enemy.id).await.is_ok());
}

#[tokio::test]
async fn figures_under_labels_count_what_has_them() {
    let app = App::start().await;
    let Shared { owner, other, .. } = friends(&app, ShareRole::Reader).await;
    let me = crate::owner::Owner {
        book: String::new(),
        ..other.clone()
    };
    let unborn = Contact {
        birthday: None,
        ..known(&["friends", "Work", "Home"])
    };
    owner.has(unborn).await;
    owner.has_deleted(known(&["Friends"])).await;
    owner.has_deleted(known(&["Work"])).await;
    owner.has(known(&["Home"])).await;
    let figures = |live, deleted, with_birthday, by_label: &[(&str, i64)]| {
        let by_label = by_label
            .iter()
            .map(|(label, count)| ((*label).to_owned(), *count));
        GetContactStatsResponse {
            live,
            deleted,
            with_birthday,
            by_label: by_label.collect(),
            ..GetContactStatsResponse::default()
        }
    };

    assert_eq!(other.stats().await, figures(2, 1, 1, &[("Friends", 2)]));
    let home = owner.label("Home").await;
    owner.shares_with(&me, Some(&home), ShareRole::Reader).await;
    let two = [("Friends", 2), ("Home", 2)];
    assert_eq!(other.stats().await, figures(3, 1, 2, &two));
    owner.has_deleted(known(&["Home", "Friends"])).await;
    owner.has_deleted(known(&["Home"])).await;
    assert_eq!(other.stats().await, figures(3, 3, 2, &two));
    let counts = two.map(|(label, count)| (label.to_owned(), count));
    assert_eq!(other.label_counts().await, counts);
    assert_eq!(other.get_label(&home.id).await.unwrap().contact_count, 2);
}

#[tokio::test]
async fn figures_of_a_whole_book_are_the_owners_without_what_was_deleted_before() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    owner.has(known(&["Friends"])).await;
    owner.has_deleted(known(&["Friends"])).await;
    let (reader, _) = owner.shares_with(&other, None, ShareRole::Reader).await;
    owner
        .has_deleted(Contact {
            birthday: Some(date(0, 2, 29)),
            ..known(&[])
        })
        .await;

    let expected = GetContactStatsResponse {
        deleted: 1,
        ..owner.stats().await
    };
    assert_eq!(owner.stats().await.deleted, 2);
    assert_eq!(reader.stats().await, expected);
}
