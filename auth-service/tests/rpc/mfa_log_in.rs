//! The second half of a log-in: `CompleteMfa`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proto::auth::v1::ChangePasswordRequest;
use sqlx::AssertSqlSafe;
use tonic::Code;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, reason, refusal};
use crate::authenticator::PATIENT;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

fn amr(access_token: &str) -> serde_json::Value {
    let data = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(access_token);
    data.unwrap().claims["amr"].clone()
}

/// Makes two calls reach the same row at the same time.
async fn at_once<T>(
    app: &App,
    table: &str,
    first: impl Future<Output = T>,
    second: impl Future<Output = T>,
) -> [T; 2] {
    let mut held = app.db.begin().await.unwrap();
    let sql = format!("SELECT 1 FROM {table} FOR UPDATE");
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *held)
        .await
        .unwrap();
    let (first, second, ()) = tokio::join!(first, second, async {
        app.waiting_for_a_lock(2).await;
        held.rollback().await.unwrap();
    });
    [first, second]
}

#[tokio::test]
async fn a_code_of_the_app_starts_the_session() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;

    let challenge = app.challenge(ADA).await;
    assert_eq!(challenge.methods, ["totp", "recovery_code"]);
    assert_eq!(challenge.expire_time.unwrap().seconds, app.now() + 300);
    let mut code = ada.code(&app);
    code.insert(3, ' ');
    let answer = app.answer(&challenge.id, &code).await.unwrap();

    let tokens = answer.tokens.unwrap();
    assert!(answer.user.unwrap().mfa_enabled);
    assert_eq!(
        amr(&tokens.access_token),
        serde_json::json!(["pwd", "otp", "mfa"])
    );
    let sessions = app.sessions(&tokens.access_token).await;
    assert_eq!(sessions[0].client_label, "laptop");
    assert!(sessions[0].current);
    let audit = app.audit().await;
    assert_eq!(audit[audit.len() - 2..], ["mfa_challenged", "log_in"]);
}

#[tokio::test]
async fn a_refresh_remembers_the_second_factor() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    let answer = app.answer(&challenge.id, &ada.code(&app)).await.unwrap();

    let token = answer.tokens.unwrap().refresh_token;
    for _ in ["refreshed", "replayed"] {
        let tokens = app.refresh(&token).await.unwrap().tokens.unwrap();
        assert_eq!(
            amr(&tokens.access_token),
            serde_json::json!(["pwd", "otp", "mfa"])
        );
    }
    let before = app.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert_eq!(
        amr(&before.tokens.unwrap().access_token),
        serde_json::json!(["pwd"])
    );
}

#[tokio::test]
async fn a_code_works_once_and_no_earlier_one_after_it() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let (earlier, later) = (ada.code(&app), ada.authenticator.code(app.now() + 30));
    let [first, second] = [app.challenge(ADA).await, app.challenge(ADA).await];

    app.answer(&first.id, &later).await.unwrap();

    for used in [&later, &earlier] {
        let status = app.answer(&second.id, used).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "MFA_CODE_INVALID");
    }
    app.advance(60);
    app.answer(&second.id, &ada.code(&app)).await.unwrap();
}

#[tokio::test]
async fn the_code_that_confirmed_does_not_log_in_as_well() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    app.advance(-30);
    let challenge = app.challenge(ADA).await;

    let answer = app.answer(&challenge.id, &ada.code(&app)).await;

    assert_eq!(refusal(answer), "MFA_CODE_INVALID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_calls_with_one_code_one_wins() {
    let app = App::start_with(PATIENT).await;
    let replica = app.replica_with(PATIENT).await;
    let ada = app.secured(ADA).await;
    let code = ada.code(&app);
    let [first, second] = [app.challenge(ADA).await, app.challenge(ADA).await];

    let answers = at_once(
        &app,
        "auth.totp_secrets",
        app.answer(&first.id, &code),
        replica.answer(&second.id, &code),
    );

    let (won, lost): (Vec<_>, Vec<_>) = answers.await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 1));
    for lost in lost {
        assert_eq!(refusal(lost), "MFA_CODE_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_calls_with_one_recovery_code_one_wins() {
    let app = App::start_with(PATIENT).await;
    let replica = app.replica_with(PATIENT).await;
    let ada = app.secured(ADA).await;
    let code = &ada.recovery_codes[0];
    let [first, second] = [app.challenge(ADA).await, app.challenge(ADA).await];

    let answers = at_once(
        &app,
        "auth.recovery_codes",
        app.recover(&first.id, code),
        replica.recover(&second.id, code),
    );

    assert_eq!(answers.await.into_iter().flatten().count(), 1);
    assert_eq!(app.codes_left(ada.access()).await, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_challenge_gives_one_session() {
    let app = App::start_with(PATIENT).await;
    let replica = app.replica_with(PATIENT).await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    let before = app.sessions(ada.access()).await.len();

    let code = ada.code(&app);
    let answers = at_once(
        &app,
        "auth.mfa_challenges",
        app.answer(&challenge.id, &code),
        replica.recover(&challenge.id, &ada.recovery_codes[0]),
    );

    let (won, lost): (Vec<_>, Vec<_>) = answers.await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 1));
    for lost in lost {
        assert_eq!(refusal(lost), "MFA_CHALLENGE_EXPIRED");
    }
    assert_eq!(app.sessions(ada.access()).await.len(), before + 1);
}

#[tokio::test]
async fn clocks_may_differ_by_one_step() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    app.advance(300);

    for (steps, expected) in [(-2, false), (2, false), (-1, true), (1, true)] {
        let challenge = app.challenge(ADA).await;
        let code = ada.authenticator.code(app.now() + 30 * steps);
        let answer = app.answer(&challenge.id, &code).await;
        assert_eq!(answer.is_ok(), expected, "{steps}");
    }
}

#[tokio::test]
async fn a_recovery_code_works_once_in_any_spelling() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let code = &ada.recovery_codes[4];
    let challenge = app.challenge(ADA).await;

    let typed = format!(" {} ", code.to_uppercase().replace('-', " "));
    let answer = app.recover(&challenge.id, &typed).await.unwrap();

    let access = answer.tokens.unwrap().access_token;
    assert_eq!(amr(&access), serde_json::json!(["pwd", "otp", "mfa"]));
    assert_eq!(app.codes_left(&access).await, 9);
    assert_eq!(app.audited("recovery_code_used").await, 1);
    let challenge = app.challenge(ADA).await;
    assert_eq!(
        refusal(app.recover(&challenge.id, code).await),
        "MFA_CODE_INVALID"
    );
}

#[tokio::test]
async fn a_challenge_ends_after_five_minutes() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let [first, second] = [app.challenge(ADA).await, app.challenge(ADA).await];

    app.advance(299);
    app.answer(&first.id, &ada.code(&app)).await.unwrap();
    app.advance(1);

    for id in [&first.id, &second.id] {
        let status = app.answer(id, &ada.code(&app)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "MFA_CHALLENGE_EXPIRED");
    }
}

#[tokio::test]
async fn a_wrong_answer_can_be_corrected() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;

    for wrong in [ada.wrong_code(&app), "12345".into()] {
        let answer = app.answer(&challenge.id, &wrong).await;
        assert_eq!(refusal(answer), "MFA_CODE_INVALID");
    }

    app.answer(&challenge.id, &ada.code(&app)).await.unwrap();
    assert_eq!(app.audited("mfa_failed").await, 2);
}

#[tokio::test]
async fn a_challenge_is_good_for_its_own_user_only() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let bob = app.secured(BOB).await;
    let (adas, bobs) = (app.challenge(ADA).await, app.challenge(BOB).await);

    let answer = app.answer(&adas.id, &bob.code(&app)).await;
    assert_eq!(refusal(answer), "MFA_CODE_INVALID");
    let answer = app.recover(&adas.id, &bob.recovery_codes[0]).await;
    assert_eq!(refusal(answer), "MFA_CODE_INVALID");

    // Ada's id on Bob's challenge.
    let bytes = |id: &str| BASE64_URL_SAFE_NO_PAD.decode(&id[4..]).unwrap();
    let spliced = [&bytes(&adas.id)[..16], &bytes(&bobs.id)[16..]].concat();
    let spliced = format!("mc1_{}", BASE64_URL_SAFE_NO_PAD.encode(spliced));
    for code in [ada.code(&app), bob.code(&app)] {
        let answer = app.answer(&spliced, &code).await;
        assert_eq!(refusal(answer), "MFA_CHALLENGE_EXPIRED");
    }
}

#[tokio::test]
async fn what_is_no_challenge_is_one_that_ended() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let id = app.challenge(ADA).await.id;

    for text in [
        "",
        "mc1_",
        &id[1..],
        &id[..id.len() - 1],
        &format!("{id}A"),
        "\u{0}",
    ] {
        let answer = app.answer(text, &ada.code(&app)).await;
        assert_eq!(refusal(answer), "MFA_CHALLENGE_EXPIRED", "{text}");
    }
}

#[tokio::test]
async fn a_password_change_ends_the_challenge() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    let change = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: OTHER_PASSWORD.into(),
    };
    let mut account = app.account.clone();
    let changed = account.change_password(bearer(change, ada.access())).await;
    changed.unwrap();

    let answer = app.answer(&challenge.id, &ada.code(&app)).await;

    assert_eq!(refusal(answer), "MFA_CHALLENGE_EXPIRED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_does_not_slip_past_a_password_change() {
    let app = App::start_with(PATIENT).await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    let changing = app
        .begin_with("UPDATE auth.emails SET password_version = password_version + 1")
        .await;

    let code = ada.code(&app);
    let (answer, ()) = tokio::join!(app.answer(&challenge.id, &code), async {
        app.waiting_for_a_lock(1).await;
        changing.commit().await.unwrap();
    });

    assert_eq!(refusal(answer), "MFA_CHALLENGE_EXPIRED");
}

#[tokio::test]
async fn an_account_disabled_in_between_stays_out() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;
    app.sql("UPDATE auth.users SET disable_time = now()").await;

    let status = app
        .answer(&challenge.id, &ada.code(&app))
        .await
        .unwrap_err();

    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "ACCOUNT_DISABLED");
    assert_eq!(app.audit().await.last().unwrap(), "log_in_failed");
}
