//! `RefreshToken`, one call after the other.

use proto::auth::v1::TokenPair;
use tonic::Code;

use crate::app::{App, START, fields, reason, refusal};

const REQUEST: &str = "01980b5e-6f1c-7cde-9a3b-2f7d6c1e8a90";
const OTHER_REQUEST: &str = "01980b5e-6f1c-7cde-9a3b-2f7d6c1e8a91";

async fn next(app: &App, token: &str) -> TokenPair {
    let answer = app.refresh(token).await.unwrap();
    assert!(!answer.replayed);
    answer.tokens.unwrap()
}

/// The same token with one bit of its secret changed: an existing session, but a wrong
/// MAC.
fn forged(token: &str) -> String {
    let mut text = token.to_owned().into_bytes();
    text[80] = if text[80] == b'A' { b'B' } else { b'A' };
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn each_token_gives_the_next() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await;
    app.advance(100);

    let second = next(&app, &first.refresh_token).await;
    let third = next(&app, &second.refresh_token).await;

    assert_eq!(third.session_id, first.session_id);
    assert_ne!(third.refresh_token, second.refresh_token);
    assert_eq!(third.access_expire_time.unwrap().seconds, START + 100 + 600);
    assert_eq!(
        third.refresh_expire_time.unwrap().seconds,
        START + 100 + 14 * 86_400
    );
    app.get_me(&third.access_token).await.unwrap();
    app.get_me(&first.access_token).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_the_grace_time() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    let second = next(&app, &first).await;
    app.advance(30);

    let again = app.refresh(&first).await.unwrap();
    app.refresh(&first).await.unwrap();

    assert!(again.replayed);
    let tokens = again.tokens.unwrap();
    assert_eq!(tokens.refresh_token, second.refresh_token);
    assert_ne!(tokens.access_token, second.access_token);
    assert_eq!(tokens.access_expire_time.unwrap().seconds, START + 30 + 600);
    assert_eq!(tokens.refresh_expire_time, second.refresh_expire_time);
    let audit = app.audit().await;
    assert_eq!(
        audit
            .iter()
            .filter(|kind| *kind == "refresh_replayed")
            .count(),
        1
    );
    next(&app, &second.refresh_token).await;
}

#[tokio::test]
async fn an_older_token_ends_the_session_after_the_grace_time() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    let second = next(&app, &first).await;
    app.advance(31);

    let status = app.refresh(&first).await.unwrap_err();

    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unauthenticated, "REFRESH_TOKEN_REUSED".into())
    );
    assert_eq!(
        refusal(app.refresh(&second.refresh_token).await),
        "SESSION_REVOKED"
    );
    assert_eq!(refusal(app.refresh(&first).await), "SESSION_REVOKED");
    assert_eq!(
        refusal(app.get_me(&second.access_token).await),
        "TOKEN_REVOKED"
    );
    assert_eq!(app.audit().await, ["sign_up", "log_in", "refresh_reused"]);
}

#[tokio::test]
async fn a_token_two_steps_back_ends_the_session_at_once() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    let second = next(&app, &first).await.refresh_token;
    let third = next(&app, &second).await.refresh_token;

    assert_eq!(refusal(app.refresh(&first).await), "REFRESH_TOKEN_REUSED");
    assert_eq!(refusal(app.refresh(&third).await), "SESSION_REVOKED");
}

#[tokio::test]
async fn without_a_grace_time_every_repetition_ends_the_session() {
    let app = App::start_with(&["--refresh-grace-seconds=0"]).await;
    let first = app.user("ada@example.org").await.refresh_token;
    next(&app, &first).await;

    assert_eq!(refusal(app.refresh(&first).await), "REFRESH_TOKEN_REUSED");
}

#[tokio::test]
async fn a_request_id_extends_the_repetition_to_a_day() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    let second = app
        .refresh_as(&first, REQUEST)
        .await
        .unwrap()
        .tokens
        .unwrap();

    app.advance(86_400);
    let again = app.refresh_as(&first, REQUEST).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.tokens.unwrap().refresh_token, second.refresh_token);

    app.advance(1);
    assert_eq!(
        refusal(app.refresh_as(&first, REQUEST).await),
        "REFRESH_TOKEN_REUSED"
    );
}

#[tokio::test]
async fn another_request_id_does_not_extend_it() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    app.refresh_as(&first, REQUEST).await.unwrap();
    app.advance(31);

    assert_eq!(
        refusal(app.refresh_as(&first, OTHER_REQUEST).await),
        "REFRESH_TOKEN_REUSED"
    );
}

#[tokio::test]
async fn a_request_id_that_can_be_guessed_is_refused_and_changes_nothing() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;

    let long = "z".repeat(36);
    for request_id in [
        "1",
        "r-1",
        "123456789012345678901",
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-4000-8000-000000000001",
        "12345678-1234-1234-1234-123456789012",
        "abcdefghijklmnopqrstuv",
        // Of versions 1 and 6: the time and the machine, in other orders.
        "c232ab00-9414-11ec-b3c8-9f6bdeced846",
        "{c232ab00-9414-11ec-b3c8-9f6bdeced846}",
        "1ec9414c-232a-6b00-b3c8-9f6bdeced846",
        &long,
    ] {
        let status = app.refresh_as(&first, request_id).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{request_id}");
        assert_eq!(reason(&status), "REQUEST_ID_INVALID");
        assert_eq!(fields(&status), ["request_id"]);
    }

    for good in [REQUEST, "a1b2c3d4e5f6g7h8i9j0kw", &REQUEST.replace('-', "")] {
        let token = app.user(&format!("{good}@example.org")).await.refresh_token;
        app.refresh_as(&token, good).await.unwrap();
    }
    assert!(!app.refresh_as(&first, REQUEST).await.unwrap().replayed);
}

#[tokio::test]
async fn a_forged_token_ends_nothing() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;

    for forgery in [
        forged(&token),
        token[..token.len() - 1].to_owned(),
        "rt1_x".into(),
        "\0".into(),
    ] {
        let status = app.refresh(&forgery).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "REFRESH_TOKEN_INVALID");
        app.log_out(&forgery).await.unwrap();
    }

    next(&app, &token).await;
    assert_eq!(app.audit().await, ["sign_up", "log_in"]);
}

#[tokio::test]
async fn an_empty_token_is_refused() {
    let app = App::start().await;

    let status = app.refresh("").await.unwrap_err();

    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "FIELD_INVALID");
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_refreshed() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await.refresh_token;
    app.advance(14 * 86_400 - 1);
    let second = next(&app, &first).await.refresh_token;
    app.advance(14 * 86_400);

    let status = app.refresh(&second).await.unwrap_err();

    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unauthenticated, "SESSION_EXPIRED".into())
    );
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_end_however_often_it_is_refreshed() {
    let app = App::start_with(&["--refresh-absolute-ttl-seconds=1000"]).await;
    let first = app.user("ada@example.org").await;
    assert_eq!(first.refresh_expire_time.unwrap().seconds, START + 1000);
    app.advance(900);

    let second = next(&app, &first.refresh_token).await;

    assert_eq!(second.refresh_expire_time.unwrap().seconds, START + 1000);
    assert_eq!(second.access_expire_time.unwrap().seconds, START + 1000);
    app.advance(100);
    assert_eq!(
        refusal(app.refresh(&second.refresh_token).await),
        "SESSION_EXPIRED"
    );
}

#[tokio::test]
async fn a_disabled_account_cannot_refresh_and_keeps_its_session() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    app.sql("UPDATE auth.users SET disable_time = now()").await;

    let status = app.refresh(&token).await.unwrap_err();

    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "ACCOUNT_DISABLED".into())
    );
    app.sql("UPDATE auth.users SET disable_time = NULL").await;
    next(&app, &token).await;
}

#[tokio::test]
async fn a_refresh_brings_new_roles() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    app.sql("UPDATE auth.users SET roles = '{admin}'").await;

    let access = next(&app, &token).await.access_token;

    let data = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(&access).unwrap();
    assert_eq!(data.claims["roles"], serde_json::json!(["admin"]));
    assert_eq!(data.claims["auth_time"], START);
}

#[tokio::test]
async fn a_session_that_is_forgotten_or_lacks_its_user_is_told_apart() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;

    app.sql("CREATE TABLE kept AS TABLE auth.users; DELETE FROM auth.users")
        .await;
    let status = app.refresh(&token).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unavailable, "STORE_UNAVAILABLE".into())
    );

    app.sql("INSERT INTO auth.users TABLE kept; DELETE FROM auth.sessions")
        .await;
    assert_eq!(refusal(app.refresh(&token).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn a_refresh_that_cannot_win_is_aborted() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    app.sql(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER lose BEFORE UPDATE ON auth.sessions FOR EACH ROW EXECUTE FUNCTION lose()",
    )
    .await;

    let status = app.refresh(&token).await.unwrap_err();

    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Aborted, "REFRESH_CONFLICT".into())
    );
    app.sql("DROP TRIGGER lose ON auth.sessions").await;
    next(&app, &token).await;
}
