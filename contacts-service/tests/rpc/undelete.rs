//! `UndeleteContact`.

use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, as_written, full};

#[tokio::test]
async fn a_deleted_contact_comes_back_whole() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let deleted = owner.delete(&stored.id).await.unwrap();

    let back = owner.undelete(&stored.id).await.unwrap();

    assert_eq!(as_written(back.clone()), as_written(stored.clone()));
    assert_eq!((back.delete_time, back.expire_time), (None, None));
    assert_eq!(back.version, deleted.version + 1);
    assert_eq!(owner.get(&stored.id).await.unwrap(), back);
    assert_eq!(owner.total_size().await, 1);
    assert_eq!(owner.found_names("lovelace").await.len(), 1);
}

#[tokio::test]
async fn a_live_contact_cannot_be_brought_back() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    let answer = owner.undelete(&stored.id).await;

    assert_refused(answer, Code::AlreadyExists, "CONTACT_NOT_DELETED");
    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn of_parallel_calls_one_wins_and_counts() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    owner.delete(&stored.id).await.unwrap();
    let calls = (0..10).map(|_| owner.undelete(&stored.id));

    let answers = futures_util::future::join_all(calls).await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn a_missing_contact_cannot_be_brought_back() {
    let app = App::start().await;
    let owner = app.owner();

    let missing = owner.undelete(&Uuid::now_v7().to_string()).await;
    let no_uuid = owner.undelete("x").await;

    assert_refused(missing, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_bad_fields(no_uuid, &["id"]);
}
