//! A device that has logged in before is not locked out by strangers who guess.

use proto::auth::v1::{LogInRequest, LogInResponse};
use tokio::task::JoinSet;
use tonic::Status;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, reason, refusal};
use crate::{change_email, change_password};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const WRONG: &str = "not-the-password";

async fn log_in(
    app: &App,
    email: &str,
    password: &str,
    device_token: &str,
) -> Result<LogInResponse, Status> {
    let request = LogInRequest {
        email: email.into(),
        password: password.into(),
        device_token: device_token.into(),
        ..LogInRequest::default()
    };
    Ok(app.auth.clone().log_in(request).await?.into_inner())
}

/// Signs up and logs in; returns the device's token.
async fn device(app: &App, email: &str) -> String {
    app.sign_up(email).await.unwrap();
    known_device(app, email).await
}

async fn known_device(app: &App, email: &str) -> String {
    let answer = log_in(app, email, PASSWORD, "").await.unwrap();
    answer.device_token
}

/// Guesses until one is not checked; returns the results.
async fn guess_until_blocked(app: &App, email: &str, device_token: &str) {
    for _ in 0..3 {
        let guess = log_in(app, email, WRONG, device_token).await;
        assert_eq!(refusal(guess), "INVALID_CREDENTIALS");
    }
    let guess = log_in(app, email, WRONG, device_token).await;
    assert_eq!(refusal(guess), "LOG_IN_THROTTLED");
}

#[tokio::test]
async fn strangers_who_guess_do_not_lock_a_known_device_out() {
    let app = App::start().await;
    let token = device(&app, ADA).await;
    guess_until_blocked(&app, ADA, "").await;

    let answer = log_in(&app, ADA, PASSWORD, &token).await.unwrap();

    assert_ne!(answer.device_token, token);
    assert_eq!(
        refusal(log_in(&app, ADA, PASSWORD, "").await),
        "LOG_IN_THROTTLED"
    );
    let next = answer.device_token;
    log_in(&app, ADA, PASSWORD, &next).await.unwrap();
}

#[tokio::test]
async fn wrong_passwords_of_a_device_count_for_it_alone() {
    let app = App::start().await;
    let token = device(&app, ADA).await;
    let other = known_device(&app, ADA).await;

    guess_until_blocked(&app, ADA, &token).await;

    assert_eq!(
        refusal(log_in(&app, ADA, PASSWORD, &token).await),
        "LOG_IN_THROTTLED"
    );
    log_in(&app, ADA, PASSWORD, &other).await.unwrap();
    log_in(&app, ADA, PASSWORD, "").await.unwrap();
    app.advance(3);
    log_in(&app, ADA, PASSWORD, &token).await.unwrap();
    assert_eq!(app.audited("log_in_failed").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_with_a_stolen_token_three_are_checked() {
    let app = App::start().await;
    let token = device(&app, ADA).await;
    let replica = app.replica().await;
    let mut calls = JoinSet::new();
    for number in 0..100 {
        let mut auth = [&app, &replica][number % 2].auth.clone();
        let request = LogInRequest {
            email: ADA.into(),
            password: format!("wrong-password-{number}"),
            device_token: token.clone(),
            ..LogInRequest::default()
        };
        calls.spawn(async move { reason(&auth.log_in(request).await.unwrap_err()) });
    }

    let answers = calls.join_all().await;

    let looked_at = answers.iter().filter(|is| *is == "INVALID_CREDENTIALS");
    assert_eq!(looked_at.count(), 3);
}

#[tokio::test]
async fn tokens_of_others_and_for_unknown_emails_count_as_none() {
    let app = App::start().await;
    let token = device(&app, ADA).await;
    let foreign = device(&app, BOB).await;
    guess_until_blocked(&app, ADA, "").await;
    guess_until_blocked(&app, "nobody@example.com", &foreign).await;

    for none in [&foreign, "dt1_", &token[..token.len() - 1], "\0", "x"] {
        let refused = log_in(&app, ADA, PASSWORD, none).await;
        assert_eq!(refusal(refused), "LOG_IN_THROTTLED", "{none:?}");
    }
    let unknown = log_in(&app, "nobody@example.com", PASSWORD, &token).await;
    assert_eq!(refusal(unknown), "LOG_IN_THROTTLED");
}

#[tokio::test]
async fn a_new_password_or_email_ends_the_tokens() {
    let app = App::start().await;
    let before = device(&app, ADA).await;
    let access = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    let tokens = change_password::change(&app, &access, PASSWORD, OTHER_PASSWORD)
        .await
        .unwrap();
    guess_until_blocked(&app, ADA, "").await;

    let ended = log_in(&app, ADA, OTHER_PASSWORD, &before).await;
    assert_eq!(refusal(ended), "LOG_IN_THROTTLED");

    app.advance(3);
    let answer = log_in(&app, ADA, OTHER_PASSWORD, "").await.unwrap();
    let access = &tokens.access_token;
    change_email::moved(&app, access, OTHER_PASSWORD, BOB)
        .await
        .unwrap();
    guess_until_blocked(&app, BOB, "").await;
    let ended = log_in(&app, BOB, OTHER_PASSWORD, &answer.device_token).await;
    assert_eq!(refusal(ended), "LOG_IN_THROTTLED");
}

#[tokio::test]
async fn with_a_second_factor_the_device_is_known_once_both_are_shown() {
    let app = App::start().await;
    let secured = app.secured(ADA).await;
    let answer = log_in(&app, ADA, PASSWORD, "").await.unwrap();
    assert_eq!(answer.device_token, "");
    let challenge = app.challenge(ADA).await;
    let code = secured.code(&app);
    let answer = app.answer(&challenge.id, &code).await.unwrap();
    guess_until_blocked(&app, ADA, "").await;

    let again = log_in(&app, ADA, PASSWORD, &answer.device_token).await;

    assert_eq!(again.unwrap().device_token, "");
}
