//! `SignUp`.

use std::collections::HashSet;

use proto::auth::v1::SignUpRequest;
use tokio::task::JoinSet;
use tonic::Code;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, START, fields, new_account, reason, refusal};

const REQUEST: &str = "01980b5e-6f1c-7cde-9a3b-2f7d6c1e8a90";

/// A request that can be repeated.
fn repeatable() -> SignUpRequest {
    SignUpRequest {
        request_id: REQUEST.into(),
        ..new_account("ada@example.org")
    }
}

#[tokio::test]
async fn an_account_is_made_with_its_normal_email() {
    let app = App::start().await;

    let user = app.sign_up("  Ada@BÜCHER.example ").await.unwrap();

    assert_eq!(user.email, "ada@xn--bcher-kva.example");
    assert_eq!(user.display_name, "Ada Lovelace");
    assert_eq!(user.create_time.unwrap().seconds, START);
    assert_eq!(user.etag, "\"1\"");
    assert!(!user.disabled && !user.mfa_enabled && !user.email_verified && user.roles.is_empty());
    assert_eq!(app.audit().await, ["sign_up"]);
}

#[tokio::test]
async fn an_email_has_one_account_however_it_is_written() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();

    for email in ["ada@example.org", "ADA@example.org", " ada@EXAMPLE.org "] {
        let status = app.sign_up(email).await.unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        assert_eq!(reason(&status), "EMAIL_TAKEN");
    }
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let app = App::start().await;
    let good = new_account("ada@example.org");
    let with = |change: fn(&mut SignUpRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for (request, expected, field) in [
        (with(|r| r.email = "ada".into()), "EMAIL_INVALID", "email"),
        (
            with(|r| r.password = "short".into()),
            "PASSWORD_TOO_SHORT",
            "password",
        ),
        (
            with(|r| r.password = "7q".repeat(600)),
            "PASSWORD_TOO_LONG",
            "password",
        ),
        (
            with(|r| r.password = "Password1234".into()),
            "PASSWORD_COMMON",
            "password",
        ),
        (
            with(|r| r.password = "my-ADA-likes-maths".into()),
            "PASSWORD_CONTEXT",
            "password",
        ),
        (
            with(|r| r.display_name = "a\nb".into()),
            "DISPLAY_NAME_INVALID",
            "display_name",
        ),
        (
            with(|r| r.display_name = "a".repeat(201)),
            "DISPLAY_NAME_INVALID",
            "display_name",
        ),
        (
            with(|r| r.request_id = "a".repeat(65)),
            "REQUEST_ID_INVALID",
            "request_id",
        ),
        (
            with(|r| r.request_id = "1".into()),
            "REQUEST_ID_INVALID",
            "request_id",
        ),
        (
            with(|r| r.request_id = "c232ab00-9414-11ec-b3c8-9f6bdeced846".into()),
            "REQUEST_ID_INVALID",
            "request_id",
        ),
    ] {
        let status = app.sign_up_as(&request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), expected);
        assert_eq!(fields(&status), [field]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twelve_sign_ups_of_one_email_one_wins() {
    let app = App::start().await;
    let mut calls = JoinSet::new();
    for number in 0..12 {
        let mut auth = app.auth.clone();
        let mut request = new_account("ada@example.org");
        request.request_id = format!("01980b5e-6f1c-7cde-9a3b-{number:012}");
        calls.spawn(async move { auth.sign_up(request).await });
    }

    let answers = calls.join_all().await;

    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 11));
    for answer in refused {
        assert_eq!(refusal(answer), "EMAIL_TAKEN");
    }
    assert_eq!(app.audited("sign_up_taken").await, 10);
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM auth.users")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(users, 1);
    assert_eq!(app.audited("sign_up").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_sent_three_times_makes_one_account_and_says_so_three_times() {
    let app = App::start().await;
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let app = app.auth.clone();
        calls.spawn(async move { app.clone().sign_up(repeatable()).await });
    }

    let answers = calls.join_all().await.into_iter().map(Result::unwrap);
    let ids: HashSet<String> = answers
        .map(|answer| answer.into_inner().user.unwrap().id)
        .collect();

    assert_eq!(ids.len(), 1);
    assert_eq!(app.audit().await, ["sign_up"]);
}

#[tokio::test]
async fn a_request_can_be_repeated_for_a_day() {
    let app = App::start().await;
    let request = SignUpRequest {
        request_id: REQUEST.into(),
        ..new_account("ada@example.org")
    };
    let user = app.sign_up_as(&request).await.unwrap();

    app.advance(86_399);
    assert_eq!(app.sign_up_as(&request).await.unwrap(), user);

    app.advance(1);
    assert_eq!(refusal(app.sign_up_as(&request).await), "EMAIL_TAKEN");
}

#[tokio::test]
async fn a_request_id_is_for_one_request() {
    let app = App::start().await;
    let request = SignUpRequest {
        request_id: REQUEST.into(),
        ..new_account("ada@example.org")
    };
    app.sign_up_as(&request).await.unwrap();

    let other_password = SignUpRequest {
        password: OTHER_PASSWORD.into(),
        ..request.clone()
    };
    let other_name = SignUpRequest {
        display_name: "Someone Else".into(),
        ..request.clone()
    };
    let other_id = SignUpRequest {
        request_id: REQUEST.replace("01", "02"),
        ..request.clone()
    };

    for other in [other_password, other_name] {
        let status = app.sign_up_as(&other).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    }
    assert_eq!(refusal(app.sign_up_as(&other_id).await), "EMAIL_TAKEN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_repeats_with_other_passwords_three_are_checked() {
    let app = App::start().await;
    app.sign_up_as(&repeatable()).await.unwrap();
    let replica = app.replica().await;
    let mut calls = JoinSet::new();
    for number in 0..100 {
        let mut auth = [&app, &replica][number % 2].auth.clone();
        let guess = SignUpRequest {
            password: format!("harbour-lantern-{}", 100 + number),
            ..repeatable()
        };
        calls.spawn(async move { auth.sign_up(guess).await });
    }

    let answers: Vec<_> = calls.join_all().await.into_iter().map(refusal).collect();

    let count = |what: &str| answers.iter().filter(|answer| *answer == what).count();
    assert_eq!(count("REQUEST_ID_REUSED"), 3);
    assert_eq!(count("LOG_IN_THROTTLED"), 97);
    assert_eq!(app.audited("sign_up_failed").await, 3);
    // They count as guesses of the password.
    let log_in = app.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(refusal(log_in), "LOG_IN_THROTTLED");
    app.advance(3);
    app.sign_up_as(&repeatable()).await.unwrap();
    app.log_in("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_repeat_with_another_name_is_told_so_before_its_password_is_looked_at() {
    let app = App::start().await;
    app.sign_up_as(&repeatable()).await.unwrap();

    for _ in 0..9 {
        let other = SignUpRequest {
            display_name: "Someone Else".into(),
            password: OTHER_PASSWORD.into(),
            ..repeatable()
        };
        assert_eq!(refusal(app.sign_up_as(&other).await), "REQUEST_ID_REUSED");
    }

    app.log_in("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn the_owner_of_a_taken_email_can_read_of_the_sign_up_that_met_it() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();

    for _ in 0..15 {
        assert_eq!(refusal(app.sign_up("ada@example.org").await), "EMAIL_TAKEN");
    }
    assert_eq!(app.audited("sign_up_taken").await, 10);
    app.advance(3600);
    assert_eq!(refusal(app.sign_up("ada@example.org").await), "EMAIL_TAKEN");

    assert_eq!(app.audited("sign_up_taken").await, 11);
}

#[tokio::test]
async fn a_closed_sign_up_is_refused_and_log_in_is_not() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    let closed = app.replica_with(&["--sign-up-enabled=false"]).await;

    let status = closed.sign_up("bob@example.org").await.unwrap_err();

    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "SIGN_UP_DISABLED");
    closed.log_in("ada@example.org", PASSWORD).await.unwrap();
}
