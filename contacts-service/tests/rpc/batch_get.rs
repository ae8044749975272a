//! `BatchGetContacts`.

use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, ids, named};

#[tokio::test]
async fn contacts_come_in_the_order_asked_for() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has_all([named("A", ""), named("B", ""), named("C", "")])
        .await;
    owner.delete(&stored[2].id).await.unwrap();
    let (a, b, c) = (&*stored[0].id, &*stored[1].id, &*stored[2].id);

    let (contacts, missing) = owner.batch_get(&[c, a, b, a], false).await.unwrap();

    assert_eq!(ids(&contacts), [c, a, b, a]);
    assert!(contacts[0].delete_time.is_some());
    assert_eq!(missing, Vec::<String>::new());
}

#[tokio::test]
async fn a_missing_id_fails_the_call_or_is_reported() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let gone = [Uuid::now_v7(), Uuid::now_v7()].map(|id| id.to_string());
    let asked = [&*gone[1], &*stored.id, &*gone[0]];

    let refused = owner.batch_get(&asked, false).await;
    let (contacts, missing) = owner.batch_get(&asked, true).await.unwrap();

    assert_eq!(metadata(refused.as_ref().unwrap_err(), "id"), gone[1]);
    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(ids(&contacts), [&*stored.id]);
    assert_eq!(missing, [&*gone[1], &*gone[0]]);
}

#[tokio::test]
async fn a_bad_id_is_named_by_its_place() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    let answer = owner.batch_get(&[&stored.id, "x"], true).await;

    assert_refused(answer.clone(), Code::InvalidArgument, "ID_INVALID");
    assert_bad_fields(answer, &["ids[1]"]);
}

#[tokio::test]
async fn at_most_500_ids_are_taken() {
    let app = App::start().await;
    let owner = app.owner();
    let id = owner.has(ada()).await.id;

    let most = owner.batch_get(&vec![&*id; 500], false).await.unwrap();
    let too_many = owner.batch_get(&vec![&*id; 501], false).await;

    assert_eq!(most.0.len(), 500);
    assert_bad_fields(too_many, &["ids"]);
    assert_eq!(owner.batch_get(&[], false).await.unwrap(), (vec![], vec![]));
}

#[tokio::test]
async fn an_answer_is_not_larger_than_clients_read() {
    let app = App::start().await;
    let owner = app.owner();
    let mut large = ada();
    large.notes = "n".repeat(8_000);
    let id = owner.has(large).await.id;

    let refused = owner.batch_get(&vec![&*id; 500], false).await;

    assert_refused(refused, Code::InvalidArgument, "BATCH_TOO_LARGE");
    assert_eq!(
        owner.batch_get(&[&*id; 300], false).await.unwrap().0.len(),
        300
    );
}
