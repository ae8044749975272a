//! `LogOut`.

use tonic::Code;

use crate::app::{App, PASSWORD, reason, refusal};

#[tokio::test]
async fn a_log_out_ends_the_session() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;

    app.log_out(&tokens.refresh_token).await.unwrap();

    let status = app.refresh(&tokens.refresh_token).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unauthenticated, "SESSION_REVOKED".into())
    );
    assert_eq!(
        refusal(app.get_me(&tokens.access_token).await),
        "TOKEN_REVOKED"
    );
    assert_eq!(app.audit().await, ["sign_up", "log_in", "log_out"]);
}

#[tokio::test]
async fn a_log_out_ends_one_session_only() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let other = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    app.log_out(&tokens.refresh_token).await.unwrap();

    app.refresh(&other.refresh_token).await.unwrap();
}

#[tokio::test]
async fn an_older_token_of_the_session_ends_it_too() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    let second = app
        .refresh(&first)
        .await
        .unwrap()
        .tokens
        .unwrap()
        .refresh_token;

    app.log_out(&first).await.unwrap();

    assert_eq!(refusal(app.refresh(&second).await), "SESSION_REVOKED");
}

#[tokio::test]
async fn a_dead_or_foreign_token_is_fine() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    app.log_out(&tokens.refresh_token).await.unwrap();

    app.log_out(&tokens.refresh_token).await.unwrap();
    app.log_out("rt1_nonsense").await.unwrap();
    app.log_out("\0").await.unwrap();

    assert_eq!(
        app.audit().await,
        ["sign_up", "log_in", "log_out"],
        "nothing happened twice"
    );
}

#[tokio::test]
async fn an_empty_token_is_refused() {
    let app = App::start().await;

    let status = app.log_out("").await.unwrap_err();

    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "FIELD_INVALID");
}
