//! Ignored pairs: groups of them, their list, and their end.

use proto::contacts::v1::{FindDuplicatesRequest, IgnoreDuplicateRequest};
use tonic::Code;

use crate::app::{App, rows};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, email, ids, named};

/// The group of all these contacts.
fn group(ids: &[&str]) -> IgnoreDuplicateRequest {
    IgnoreDuplicateRequest {
        id: ids[0].to_owned(),
        other_ids: ids[1..].iter().map(|&id| id.to_owned()).collect(),
        ..IgnoreDuplicateRequest::default()
    }
}

#[tokio::test]
async fn a_group_of_21_is_ignored_with_one_call_and_each_pair_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all((0..21).map(|_| ada())).await;
    let mut ids = ids(&stored);
    owner.ignore(ids[3], ids[1]).await.unwrap();
    ids.reverse();

    owner.ignore_with(group(&ids)).await.unwrap();
    owner.ignore_with(group(&ids)).await.unwrap();

    assert_eq!(owner.duplicates(0).await, []);
    assert_eq!(rows(&app, "ignored_duplicates", owner.user).await, 210);
}

#[tokio::test]
async fn a_group_with_a_stranger_or_a_repeat_is_ignored_not_at_all() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let stored = owner.has_all((0..22).map(|_| ada())).await;
    let theirs = stranger.has(ada()).await;
    let ids = ids(&stored);

    let refused = owner
        .ignore_with(group(&[ids[0], ids[1], &theirs.id]))
        .await;
    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    let refused = owner.ignore_with(group(&[ids[0], ids[1], ids[1]])).await;
    assert_bad_fields(refused, &["other_ids[1]"]);
    assert_bad_fields(owner.ignore_with(group(&ids)).await, &["other_ids"]);

    assert_eq!(rows(&app, "ignored_duplicates", owner.user).await, 0);
    owner.ignore_with(group(&ids[1..])).await.unwrap();
}

#[tokio::test]
async fn ignored_pairs_are_listed_page_by_page_and_to_their_owner_alone() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.owner());
    let stored = owner.has_all((0..4).map(|_| ada())).await;
    let ids = ids(&stored);
    owner.ignore_with(group(&ids)).await.unwrap();
    let mut all: Vec<[String; 2]> = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        all.extend(
            ids[at + 1..]
                .iter()
                .map(|other| [*id, *other].map(str::to_owned)),
        );
    }

    for page_size in [0, 1, 4, 6, 2000] {
        assert_eq!(owner.ignored(page_size).await, all, "{page_size}");
    }
    assert!(other.ignored(0).await.is_empty());
}

#[tokio::test]
async fn a_pair_that_is_no_longer_ignored_is_suggested_again() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let stored = owner.has_all([ada(), ada()]).await;
    let [a, b] = [&*stored[0].id, &*stored[1].id];
    owner.ignore(a, b).await.unwrap();

    stranger.unignore(a, b).await.unwrap();
    assert_eq!(owner.duplicates(0).await, []);
    owner.unignore(b, a).await.unwrap();
    owner.unignore(b, a).await.unwrap();

    assert_eq!(owner.duplicates(0).await.len(), 1);
    assert!(owner.ignored(0).await.is_empty());
    assert_bad_fields(owner.unignore(a, a).await, &["other_id"]);
}

#[tokio::test]
async fn groups_below_the_lowest_score_are_not_returned() {
    let app = App::start().await;
    let owner = app.owner();
    // Two of the same name, and two of the same name and e-mail.
    owner
        .has_all([named("Bob", "Low"), named("Bob", "Low")])
        .await;
    let high = || proto::contacts::v1::Contact {
        emails: vec![email("ada@example.com")],
        ..ada()
    };
    owner.has_all([high(), high()]).await;
    let found = async |min_score, page_size| {
        let request = FindDuplicatesRequest {
            min_score,
            page_size,
            ..FindDuplicatesRequest::default()
        };
        let page = owner.duplicates_with(request).await?;
        let scores: Vec<f64> = page.groups.iter().map(|group| group.score).collect();
        Ok::<_, tonic::Status>((scores, page.next_page_token))
    };

    let (scores, _) = found(0.0, 0).await.unwrap();
    assert!(scores.len() == 2 && scores[0] > scores[1], "{scores:?}");
    for min_score in [scores[1], 0.0] {
        assert_eq!(found(min_score, 0).await.unwrap().0, scores);
    }
    for min_score in [scores[0], scores[0].midpoint(scores[1])] {
        let (only, next) = found(min_score, 1).await.unwrap();
        assert_eq!(
            (only.len(), only[0].total_cmp(&scores[0])),
            (1, std::cmp::Ordering::Equal)
        );
        assert_eq!(next, "");
    }
    assert!(found(1.0, 0).await.unwrap().0.is_empty());
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_bad_fields(found(bad, 0).await, &["min_score"]);
    }
}
