//! An owner's figures.

use proto::contacts::v1::{Contact, GetContactStatsResponse};

use crate::app::App;
use crate::sample::{ada, born, date};

fn labelled(labels: &[&str]) -> Contact {
    Contact {
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..ada()
    }
}

#[tokio::test]
async fn figures_are_those_of_the_callers_contacts() {
    let app = App::with_quota(7).await;
    let (owner, other) = (app.owner(), app.owner());
    owner
        .has_all([
            born("Eve", date(0, 5, 5)),
            labelled(&["Friends", "Work"]),
            labelled(&["Friends"]),
        ])
        .await;
    owner.has_deleted(labelled(&["Friends", "Gone"])).await;
    owner.has_deleted(born("Sam", date(0, 5, 5))).await;
    other.has(labelled(&["Friends", "Foreign"])).await;

    let stats = owner.stats().await;

    let by_label = [("Friends", 2), ("Work", 1)].map(|(label, count)| (label.to_owned(), count));
    let expected = GetContactStatsResponse {
        live: 3,
        deleted: 2,
        by_label: by_label.into(),
        with_birthday: 1,
        bytes: app.byte_count(&owner).await,
        quota: 7,
        bytes_quota: 256 << 20,
    };
    assert_eq!(stats, expected);
}

#[tokio::test]
async fn spellings_of_a_label_are_counted_together_and_once_for_each_contact() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([labelled(&["Café", "café"]), labelled(&["CAFÉ"])])
        .await;

    let by_label = owner.stats().await.by_label;

    assert_eq!(by_label.values().collect::<Vec<_>>(), [&2]);
    let spelled = by_label.into_keys().next().unwrap();
    assert!(["Café", "café", "CAFÉ"].contains(&&*spelled), "{spelled}");
}

#[tokio::test]
async fn as_many_labels_as_there_can_be_are_counted() {
    let app = App::start().await;
    let owner = app.owner();
    for hundred in 0..10 {
        let labels: Vec<_> = (0..100).map(|n| format!("L{hundred}-{n}")).collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        owner.has(labelled(&labels)).await;
    }
    owner.has(labelled(&["L9-99"])).await;

    let by_label = owner.stats().await.by_label;

    assert_eq!(by_label.len(), 1000);
    assert_eq!(by_label["L9-99"], 2);
}

#[tokio::test]
async fn whoever_never_wrote_has_nothing() {
    let app = App::start().await;

    let stats = app.owner().stats().await;

    let expected = GetContactStatsResponse {
        quota: 50_000,
        bytes_quota: 256 << 20,
        ..GetContactStatsResponse::default()
    };
    assert_eq!(stats, expected);
}
