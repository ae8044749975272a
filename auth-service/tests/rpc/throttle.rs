//! Guessing is slowed down.

use proto::auth::v1::{ChangePasswordRequest, LogInRequest};
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, reason};

const ADA: &str = "ada@example.org";
const WRONG: &str = "not-the-password";

async fn guess(app: &App, email: &str, password: &str) -> String {
    match app.log_in(email, password).await {
        Ok(_) => "right".into(),
        Err(status) => reason(&status),
    }
}

async fn guesses(app: &App, email: &str, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(guess(app, email, WRONG).await);
    }
    seen
}

fn seconds_to_wait(status: &Status) -> u64 {
    let details = status.get_error_details();
    details.retry_info().unwrap().retry_delay.unwrap().as_secs()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_guesses_at_once_three_are_checked() {
    let app = App::start().await;
    app.sign_up(ADA).await.unwrap();
    let replica = app.replica().await;
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let at = if number % 2 == 0 { &app } else { &replica };
        let mut auth = at.auth.clone();
        let request = LogInRequest {
            email: ADA.into(),
            password: format!("wrong-password-{number}"),
            ..LogInRequest::default()
        };
        calls.spawn(async move { auth.log_in(request).await.unwrap_err() });
    }

    let answers = calls.join_all().await;

    let (checked, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|status| reason(status) == "INVALID_CREDENTIALS");
    assert_eq!(checked.len(), 3);
    for status in refused {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(&status), "LOG_IN_THROTTLED");
        assert_eq!(seconds_to_wait(&status), 3);
    }
}

#[tokio::test]
async fn pauses_grow_with_the_failures_in_a_row() {
    let app = App::start().await;
    app.sign_up(ADA).await.unwrap();
    let checked_up_to = async |failures: usize, pause: i64| {
        loop {
            let made = app.audit().await.len() - 1;
            if made == failures {
                break;
            }
            assert_eq!(guess(&app, ADA, WRONG).await, "INVALID_CREDENTIALS");
            app.advance(pause);
        }
    };

    checked_up_to(2, 0).await;
    for (failures, pause) in [(8, 3), (24, 5), (99, 10), (101, 900)] {
        checked_up_to(failures, pause).await;
        guess(&app, ADA, WRONG).await;
        let status = app.log_in(ADA, PASSWORD).await.unwrap_err();
        assert!(
            seconds_to_wait(&status) >= pause.unsigned_abs(),
            "{failures}"
        );
        app.advance(900);
    }
    assert_eq!(guess(&app, ADA, PASSWORD).await, "right");
}

#[tokio::test]
async fn a_blocked_account_refuses_the_right_password_until_the_pause_is_over() {
    let app = App::start().await;
    app.sign_up(ADA).await.unwrap();
    guesses(&app, ADA, 3).await;

    assert_eq!(guess(&app, ADA, PASSWORD).await, "LOG_IN_THROTTLED");
    app.advance(3);
    assert_eq!(guess(&app, ADA, PASSWORD).await, "right");
}

#[tokio::test]
async fn a_right_password_forgets_the_failures() {
    let app = App::start().await;
    app.sign_up(ADA).await.unwrap();

    for _ in 0..5 {
        assert_eq!(guesses(&app, ADA, 2).await, ["INVALID_CREDENTIALS"; 2]);
        assert_eq!(guess(&app, ADA, PASSWORD).await, "right");
    }
}

#[tokio::test]
async fn an_unknown_email_is_slowed_down_like_a_known_one() {
    let app = App::start().await;
    app.sign_up(ADA).await.unwrap();

    let known = guesses(&app, ADA, 6).await;
    let unknown = guesses(&app, "bob@example.org", 6).await;

    assert_eq!(known, unknown);
    assert!(known.contains(&"LOG_IN_THROTTLED".to_owned()));
}

#[tokio::test]
async fn the_table_names_nobody() {
    let app = App::start().await;
    guesses(&app, ADA, 1).await;

    let rows: Vec<String> = sqlx::query_scalar("SELECT t::text FROM auth.throttles AS t")
        .fetch_all(&app.db)
        .await
        .unwrap();

    assert_eq!(rows.len(), 2);
    let readable = hex::encode("ada");
    assert!(!rows.concat().contains(&readable));
}

#[tokio::test]
async fn the_current_password_is_guessed_in_a_bucket_of_its_own() {
    let app = App::start().await;
    let tokens = app.user(ADA).await;
    let change = async || {
        let request = ChangePasswordRequest {
            current_password: WRONG.into(),
            new_password: OTHER_PASSWORD.into(),
        };
        let request = bearer(request, &tokens.access_token);
        let answer = app.account.clone().change_password(request).await;
        reason(&answer.unwrap_err())
    };

    for _ in 0..3 {
        assert_eq!(change().await, "INVALID_CREDENTIALS");
    }

    assert_eq!(change().await, "LOG_IN_THROTTLED");
    assert_eq!(guess(&app, ADA, PASSWORD).await, "right");
}

#[tokio::test]
async fn one_address_is_slowed_down_over_many_accounts() {
    let app = App::start_with(&["--log-in-address-failures=5"]).await;
    let spray = async |from: usize| guess(&app, &format!("user-{from}@example.org"), WRONG).await;

    for number in 0..5 {
        assert_eq!(spray(number).await, "INVALID_CREDENTIALS");
    }

    assert_eq!(spray(5).await, "LOG_IN_THROTTLED");
    app.advance(3);
    assert_eq!(spray(6).await, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn right_passwords_do_not_slow_an_office_down() {
    let app = App::start_with(&["--log-in-address-failures=3"]).await;
    app.sign_up(ADA).await.unwrap();

    for _ in 0..10 {
        assert_eq!(guess(&app, ADA, PASSWORD).await, "right");
    }
}

#[tokio::test]
async fn a_call_that_comes_late_is_not_taken_for_a_blocked_one() {
    let app = App::start().await;
    app.sign_up(ADA).await.unwrap();
    assert_eq!(guess(&app, ADA, WRONG).await, "INVALID_CREDENTIALS");

    // Started before the one that was counted first.
    app.advance(-1);

    assert_eq!(guess(&app, ADA, PASSWORD).await, "right");
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_told_apart() {
    let flags = [
        "--log-in-address-failures=2",
        "--trusted-proxies=127.0.0.0/8",
    ];
    let app = App::start_with(&flags).await;
    let from = async |address: &str, email: &str| {
        let mut request = Request::new(LogInRequest {
            email: email.into(),
            password: WRONG.into(),
            ..LogInRequest::default()
        });
        let value = address.parse().unwrap();
        request.metadata_mut().insert("x-forwarded-for", value);
        reason(&app.auth.clone().log_in(request).await.unwrap_err())
    };

    assert_eq!(
        from("192.0.2.1", "a@example.org").await,
        "INVALID_CREDENTIALS"
    );
    assert_eq!(
        from("192.0.2.1", "b@example.org").await,
        "INVALID_CREDENTIALS"
    );
    assert_eq!(from("192.0.2.1", "c@example.org").await, "LOG_IN_THROTTLED");
    assert_eq!(
        from("192.0.2.2", "d@example.org").await,
        "INVALID_CREDENTIALS"
    );
}
