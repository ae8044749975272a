//! `CreateContactRequest.request_id`: the same call twice creates one contact.

use std::sync::atomic::Ordering::SeqCst;

use proto::contacts::v1::{Contact, CreateContactRequest};
use tonic::Code;

use crate::app::{App, rows};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, full, named};

fn request(contact: Contact, request_id: &str) -> CreateContactRequest {
    CreateContactRequest {
        contact: Some(contact),
        request_id: request_id.into(),
        ..CreateContactRequest::default()
    }
}

#[tokio::test]
async fn the_same_call_gets_the_first_answer_again() {
    let app = App::start().await;
    let owner = app.owner();

    let first = owner.create_with(request(full(), "once")).await.unwrap();
    owner.delete(&first.id).await.unwrap();
    let second = owner.create_with(request(full(), "once")).await.unwrap();

    assert_eq!(second, first);
    assert_eq!(rows(&app, "contacts", owner.user).await, 1);
}

#[tokio::test]
async fn twenty_calls_at_a_time_are_one_contact() {
    let app = App::start().await;
    let owner = app.owner();
    let calls = (0..20).map(|_| owner.create_with(request(full(), "once")));

    let answers = futures_util::future::join_all(calls).await;

    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first);
    }
    assert_eq!(owner.total_size().await, 1);
    assert_eq!(first.version, 1);
}

#[tokio::test]
async fn another_contact_under_a_used_id_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    owner.create_with(request(ada(), "once")).await.unwrap();
    let in_a_region = CreateContactRequest {
        default_region: "DE".into(),
        ..request(ada(), "once")
    };

    for other in [request(named("Grace", "Hopper"), "once"), in_a_region] {
        let answer = owner.create_with(other).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "REQUEST_ID_REUSED");
        assert_bad_fields(answer, &["request_id"]);
    }
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn other_ids_and_none_store_the_same_contact_again() {
    let app = App::start().await;
    let owner = app.owner();

    for id in ["", "", "a", "b"] {
        owner.create_with(request(ada(), id)).await.unwrap();
    }

    assert_eq!(owner.total_size().await, 4);
}

#[tokio::test]
async fn a_failed_call_does_not_use_its_id_up() {
    let app = App::start().await;
    let owner = app.owner();

    let failed = owner.create_with(request(named("a\0b", ""), "once")).await;
    let second = owner.create_with(request(ada(), "once")).await;

    assert_bad_fields(failed, &["contact.given_name"]);
    assert_eq!(second.unwrap().display_name, "Ada Lovelace");
}

#[tokio::test]
async fn an_id_is_at_most_64_characters_of_one_line() {
    let app = App::start().await;
    let owner = app.owner();

    for id in ["x".repeat(65), "a\0b".into(), "a\nb".into()] {
        let answer = owner.create_with(request(ada(), &id)).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "REQUEST_ID_INVALID");
        assert_bad_fields(answer, &["request_id"]);
    }
    let longest = "é".repeat(64);
    owner.create_with(request(ada(), &longest)).await.unwrap();
}

#[tokio::test]
async fn an_id_can_be_used_for_another_contact_after_a_day() {
    let (app, clock) = App::at(1_700_000_000).await;
    let owner = app.owner();
    owner.create_with(request(ada(), "once")).await.unwrap();
    let hopper = || request(named("Grace", "Hopper"), "once");

    clock.fetch_add(24 * 60 * 60 - 1, SeqCst);
    let within_the_day = owner.create_with(hopper()).await;
    clock.fetch_add(2, SeqCst);
    let after_it = owner.create_with(hopper()).await;

    assert_refused(within_the_day, Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(after_it.unwrap().display_name, "Grace Hopper");
    let again = owner.create_with(hopper()).await;
    assert_eq!(again.unwrap().display_name, "Grace Hopper");
    assert_eq!(owner.total_size().await, 2);
}
