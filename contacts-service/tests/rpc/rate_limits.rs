//! A user who calls too often is told when to retry.

use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::{assert_refused, metadata, reason};
use crate::sample;

#[tokio::test]
async fn reads_of_one_user_are_limited_and_nothing_else_is() {
    let app = App::with_limits("read:user=3/h").await;
    let (ada, bob) = (app.owner(), app.owner());
    let contact = ada.has(sample::named("Ann", "Lee")).await;
    for _ in 0..3 {
        ada.get(&contact.id).await.unwrap();
    }

    let refused = ada.get(&contact.id).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "RATE_LIMITED");
    assert_eq!(metadata(&refused, "group"), "read");
    assert_eq!(metadata(&refused, "by"), "user");
    ada.has(sample::named("Zoe", "Lee")).await;
    assert_refused(
        bob.get(&contact.id).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
}

#[tokio::test]
async fn writes_have_a_limit_of_their_own() {
    let app = App::with_limits("write:user=1/h").await;
    let ada = app.owner();
    let contact = ada.has(sample::named("Ann", "Lee")).await;

    let refused = ada.create(sample::named("Zoe", "Lee")).await;

    assert_refused(refused, Code::ResourceExhausted, "RATE_LIMITED");
    ada.get(&contact.id).await.unwrap();
}

#[tokio::test]
async fn calls_without_a_good_token_count_for_nobody() {
    let app = App::with_limits("read:user=1/h").await;
    let ada = app.owner();
    let contact = ada.has(sample::named("Ann", "Lee")).await;
    let forged = Owner::new(app.channel.clone(), ada.user, "forged");

    for _ in 0..3 {
        let refused = forged.get(&contact.id).await;
        assert_refused(refused, Code::Unauthenticated, "TOKEN_INVALID");
    }

    ada.get(&contact.id).await.unwrap();
}
