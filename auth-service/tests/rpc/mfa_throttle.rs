//! Codes cannot be guessed, even with the password.

use proto::auth::v1::CompleteMfaRequest;
use proto::auth::v1::complete_mfa_request::Code as AnyCode;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::app::{App, PASSWORD, reason, refusal};
use crate::authenticator::Secured;

const ADA: &str = "ada@example.com";

fn seconds_to_wait(status: &Status) -> u64 {
    let details = status.get_error_details();
    details.retry_info().unwrap().retry_delay.unwrap().as_secs()
}

/// Guesses once, with a new challenge.
async fn guess(app: &App, ada: &Secured) -> Status {
    let challenge = app.challenge(&ada.email).await;
    let answer = app.answer(&challenge.id, &ada.wrong_code(app)).await;
    answer.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_wrong_codes_at_once_three_are_checked() {
    let app = App::start().await;
    let replica = app.replica().await;
    let ada = app.secured(ADA).await;
    let mut challenges = Vec::new();
    for _ in 0..10 {
        challenges.push(app.challenge(ADA).await.id);
    }
    let wrong = ada.wrong_code(&app);
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let at = if number % 2 == 0 { &app } else { &replica };
        let mut auth = at.auth.clone();
        let request = CompleteMfaRequest {
            challenge_id: challenges[number % challenges.len()].clone(),
            code: Some(AnyCode::TotpCode(wrong.clone())),
        };
        calls.spawn(async move { auth.complete_mfa(request).await.unwrap_err() });
    }

    let answers = calls.join_all().await;

    let (checked, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|status| reason(status) == "MFA_CODE_INVALID");
    assert_eq!(checked.len(), 3);
    for status in refused {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(&status), "MFA_THROTTLED");
        assert_eq!(seconds_to_wait(&status), 30);
    }
    assert_eq!(app.audited("mfa_failed").await, 3);
}

#[tokio::test]
async fn pauses_grow_whatever_log_ins_come_between() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;

    for pause in [0, 0, 30, 60, 60, 300, 300, 4 * 3600, 4 * 3600] {
        assert_eq!(reason(&guess(&app, &ada).await), "MFA_CODE_INVALID");
        if pause > 0 {
            let status = guess(&app, &ada).await;
            assert_eq!(reason(&status), "MFA_THROTTLED");
            assert_eq!(seconds_to_wait(&status), pause);
        }
        app.advance(pause.cast_signed());
    }
}

#[tokio::test]
async fn a_block_refuses_the_right_code_until_it_is_over() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    for _ in 0..3 {
        guess(&app, &ada).await;
    }
    let challenge = app.challenge(ADA).await;

    let answer = app.answer(&challenge.id, &ada.code(&app)).await;
    assert_eq!(refusal(answer), "MFA_THROTTLED");
    app.advance(30);
    app.answer(&challenge.id, &ada.code(&app)).await.unwrap();
}

#[tokio::test]
async fn a_right_code_forgets_the_failures() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;

    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(reason(&guess(&app, &ada).await), "MFA_CODE_INVALID");
        }
        let challenge = app.challenge(ADA).await;
        app.answer(&challenge.id, &ada.code(&app)).await.unwrap();
        app.advance(30);
    }
}

#[tokio::test]
async fn a_recovery_code_is_a_way_in_where_the_app_is_blocked() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    for _ in 0..3 {
        guess(&app, &ada).await;
    }
    let challenge = app.challenge(ADA).await;

    app.recover(&challenge.id, &ada.recovery_codes[0])
        .await
        .unwrap();

    // And allows no more guesses of the app's codes.
    assert_eq!(reason(&guess(&app, &ada).await), "MFA_THROTTLED");
}

#[tokio::test]
async fn recovery_codes_are_counted_by_challenge() {
    let app = App::start().await;
    app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    let wrong = "aaaaa-aaaaa-aaaaa-aaaaa";

    for _ in 0..3 {
        let answer = app.recover(&challenge.id, wrong).await;
        assert_eq!(refusal(answer), "MFA_CODE_INVALID");
    }

    let status = app.recover(&challenge.id, wrong).await.unwrap_err();
    assert_eq!(reason(&status), "MFA_THROTTLED");
    assert_eq!(seconds_to_wait(&status), 3);
    let other = app.challenge(ADA).await;
    assert_eq!(
        refusal(app.recover(&other.id, wrong).await),
        "MFA_CODE_INVALID"
    );
}

#[tokio::test]
async fn all_calls_of_an_account_share_the_guesses() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let wrong = ada.wrong_code(&app);

    guess(&app, &ada).await;
    for _ in 0..2 {
        let disabled = app.disable_totp(ada.access(), PASSWORD, &wrong).await;
        assert_eq!(refusal(disabled), "MFA_CODE_INVALID");
    }

    assert_eq!(reason(&guess(&app, &ada).await), "MFA_THROTTLED");
    let code = ada.code(&app);
    let regenerated = app.regenerate(ada.access(), PASSWORD, &code).await;
    assert_eq!(refusal(regenerated), "MFA_THROTTLED");
}

#[tokio::test]
async fn who_does_not_know_the_password_blocks_nobody() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    let mut forged = challenge.id.clone();
    forged.replace_range(60..64, "AAAA");

    for _ in 0..10 {
        let answer = app.answer(&forged, "123456").await;
        assert_eq!(refusal(answer), "MFA_CHALLENGE_EXPIRED");
    }

    app.answer(&challenge.id, &ada.code(&app)).await.unwrap();
}
