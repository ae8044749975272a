//! Enabling and disabling the second factor: `EnrollTotp`, `ConfirmTotp`, `DisableTotp`,
//! `RegenerateRecoveryCodes`.

use proto::auth::v1::{
    CompleteMfaRequest, ConfirmTotpResponse, DisableTotpRequest, EnrollTotpResponse, MfaChallenge,
};
use tonic::Code;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, fields, reason, refusal};
use crate::authenticator::{Authenticator, PATIENT};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

#[tokio::test]
async fn an_app_is_asked_for_once_it_has_shown_a_code() {
    let app = App::start().await;
    let tokens = app.confirmed(ADA).await;
    let access = &tokens.access_token;

    let enrolled = app.enroll(access, PASSWORD).await.unwrap();
    let expected = format!(
        "otpauth://totp/addressbook:ada%40example.com?secret={}&issuer=addressbook",
        enrolled.secret
    );
    assert_eq!(enrolled.otpauth_uri, expected);
    assert!(!app.get_me(access).await.unwrap().mfa_enabled);
    app.log_in(ADA, PASSWORD).await.unwrap();

    let authenticator = Authenticator::scan(&enrolled.otpauth_uri);
    let code = authenticator.code(app.now());
    let before = app.get_me(access).await.unwrap();
    let codes = app.confirm(access, &code).await.unwrap();

    let distinct: std::collections::HashSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 23), "{codes:?}");
    let user = app.get_me(access).await.unwrap();
    assert!(user.mfa_enabled);
    assert_ne!(user.etag, before.etag);
    assert_eq!(app.codes_left(access).await, 10);
    app.challenge(ADA).await;
    assert_eq!(
        app.audit().await,
        [
            "sign_up",
            "log_in",
            "log_in",
            "mfa_enabled",
            "mfa_challenged"
        ]
    );
}

#[tokio::test]
async fn the_operator_names_the_server_in_apps() {
    let app = App::start_with(&["--totp-issuer=Example Inc."]).await;
    let tokens = app.confirmed(ADA).await;

    let enrolled = app.enroll(&tokens.access_token, PASSWORD).await.unwrap();

    let start = "otpauth://totp/Example%20Inc.:ada%40example.com?";
    assert!(enrolled.otpauth_uri.starts_with(start), "{start}");
}

#[tokio::test]
async fn enrolling_needs_the_password_and_is_no_way_to_guess_it() {
    let app = App::start().await;
    let tokens = app.confirmed(ADA).await;
    let access = &tokens.access_token;

    for wrong in ["", "not-the-password", OTHER_PASSWORD] {
        let status = app.enroll(access, wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    }

    assert_eq!(
        refusal(app.enroll(access, PASSWORD).await),
        "LOG_IN_THROTTLED"
    );
    assert_eq!(app.audited("mfa_failed").await, 3);
    assert_eq!(
        refusal(app.confirm(access, "123456").await),
        "TOTP_NOT_PENDING"
    );
}

#[tokio::test]
async fn enrolling_again_replaces_the_secret_that_waits() {
    let app = App::start().await;
    let tokens = app.confirmed(ADA).await;
    let access = &tokens.access_token;
    let first = app.enroll(access, PASSWORD).await.unwrap();
    let second = app.enroll(access, PASSWORD).await.unwrap();
    let code =
        |enrolled: &EnrollTotpResponse| Authenticator::scan(&enrolled.otpauth_uri).code(app.now());

    assert_eq!(
        refusal(app.confirm(access, &code(&first)).await),
        "MFA_CODE_INVALID"
    );
    app.confirm(access, &code(&second)).await.unwrap();
}

#[tokio::test]
async fn a_secret_waits_for_an_hour() {
    let app = App::start().await;
    let tokens = app.confirmed(ADA).await;
    let enrolled = app.enroll(&tokens.access_token, PASSWORD).await.unwrap();
    let authenticator = Authenticator::scan(&enrolled.otpauth_uri);
    app.advance(3600);
    let access = app.log_in(ADA, PASSWORD).await.unwrap().access_token;

    let code = authenticator.code(app.now());
    assert_eq!(
        refusal(app.confirm(&access, &code).await),
        "TOTP_NOT_PENDING"
    );
    app.advance(-1);
    let code = authenticator.code(app.now());
    app.confirm(&access, &code).await.unwrap();
}

#[tokio::test]
async fn an_app_that_is_in_use_is_not_replaced() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;

    for status in [
        app.enroll(ada.access(), PASSWORD).await.unwrap_err(),
        app.confirm(ada.access(), &ada.code(&app))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(reason(&status), "TOTP_ENABLED");
    }

    let challenge = app.challenge(ADA).await;
    app.answer(&challenge.id, &ada.code(&app)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_confirmations_at_once_one_gives_codes() {
    let app = App::start_with(PATIENT).await;
    let replica = app.replica_with(PATIENT).await;
    let tokens = app.confirmed(ADA).await;
    let access = &tokens.access_token;
    let enrolled = app.enroll(access, PASSWORD).await.unwrap();
    let code = Authenticator::scan(&enrolled.otpauth_uri).code(app.now());
    let held = app.begin_with("SELECT 1 FROM auth.users FOR UPDATE").await;

    let (first, second, ()) = tokio::join!(
        app.confirm(access, &code),
        replica.confirm(access, &code),
        async {
            app.waiting_for_a_lock(2).await;
            held.rollback().await.unwrap();
        }
    );

    let (won, lost) = if first.is_ok() {
        (first, second)
    } else {
        (second, first)
    };
    let codes = won.unwrap();
    assert_eq!(refusal(lost), "TOTP_ENABLED");
    assert_eq!(app.codes_left(access).await, 10);
    let challenge = app.challenge(ADA).await;
    app.recover(&challenge.id, &codes[0]).await.unwrap();
}

#[tokio::test]
async fn both_factors_turn_it_off() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;

    app.disable_totp(ada.access(), PASSWORD, &ada.code(&app))
        .await
        .unwrap();

    app.log_in(ADA, PASSWORD).await.unwrap();
    let user = app.get_me(ada.access()).await.unwrap();
    assert!(!user.mfa_enabled);
    assert_eq!(app.codes_left(ada.access()).await, 0);
    app.advance(30);
    assert_eq!(
        refusal(app.answer(&challenge.id, &ada.code(&app)).await),
        "MFA_CHALLENGE_EXPIRED"
    );
    let sql = "SELECT (SELECT count(*) FROM auth.totp_secrets)
                    + (SELECT count(*) FROM auth.recovery_codes)
                    + (SELECT count(*) FROM auth.mfa_challenges)";
    let rows: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap();
    assert_eq!(rows, 0);
    assert_eq!(app.audited("mfa_disabled").await, 1);
    let again = app
        .disable_totp(ada.access(), PASSWORD, &ada.code(&app))
        .await;
    assert_eq!(refusal(again), "TOTP_NOT_ENABLED");
}

#[tokio::test]
async fn a_lost_app_is_turned_off_with_a_recovery_code() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;

    app.disable_totp(ada.access(), PASSWORD, &ada.recovery_codes[3])
        .await
        .unwrap();

    app.log_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(app.audited("recovery_code_used").await, 1);
}

#[tokio::test]
async fn one_factor_does_not_turn_it_off() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let (access, code, wrong) = (ada.access(), ada.code(&app), ada.wrong_code(&app));

    for (password, code, expected) in [
        ("not-the-password", &code, "INVALID_CREDENTIALS"),
        (PASSWORD, &wrong, "MFA_CODE_INVALID"),
        (
            PASSWORD,
            &"aaaaa-aaaaa-aaaaa-aaaaa".to_owned(),
            "MFA_CODE_INVALID",
        ),
    ] {
        let disabled = app.disable_totp(access, password, code).await;
        assert_eq!(refusal(disabled), expected);
        let regenerated = app.regenerate(access, password, code).await;
        assert_eq!(refusal(regenerated), expected);
    }

    assert!(app.get_me(access).await.unwrap().mfa_enabled);
    assert_eq!(app.codes_left(access).await, 10);
    assert_eq!(app.audited("mfa_failed").await, 6);
}

#[tokio::test]
async fn a_stranger_turns_off_nothing() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let bob = app.secured(BOB).await;
    let eve = app.confirmed("eve@example.com").await;

    let missing = app.disable_totp("", PASSWORD, &ada.code(&app)).await;
    assert_eq!(refusal(missing), "TOKEN_INVALID");
    let eves = app
        .disable_totp(&eve.access_token, PASSWORD, &ada.code(&app))
        .await;
    assert_eq!(refusal(eves), "TOTP_NOT_ENABLED");
    for adas in [&ada.code(&app), &ada.recovery_codes[0]] {
        let bobs = app.disable_totp(bob.access(), PASSWORD, adas).await;
        assert_eq!(refusal(bobs), "MFA_CODE_INVALID");
    }

    assert!(app.get_me(ada.access()).await.unwrap().mfa_enabled);
    assert!(app.get_me(bob.access()).await.unwrap().mfa_enabled);
    assert_eq!(app.codes_left(ada.access()).await, 10);
}

#[tokio::test]
async fn a_code_of_a_log_in_does_not_turn_it_off_as_well() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let code = ada.code(&app);
    let challenge = app.challenge(ADA).await;
    app.answer(&challenge.id, &code).await.unwrap();

    let replayed = app.disable_totp(ada.access(), PASSWORD, &code).await;

    assert_eq!(refusal(replayed), "MFA_CODE_INVALID");
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;

    let code = ada.code(&app);
    let codes = app.regenerate(ada.access(), PASSWORD, &code).await.unwrap();

    assert_eq!(app.codes_left(ada.access()).await, 10);
    let challenge = app.challenge(ADA).await;
    for old in &ada.recovery_codes[..2] {
        let answer = app.recover(&challenge.id, old).await;
        assert_eq!(refusal(answer), "MFA_CODE_INVALID");
    }
    app.recover(&challenge.id, &codes[9]).await.unwrap();
    assert_eq!(app.audited("recovery_codes_regenerated").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_lists_made_at_once_one_works() {
    let app = App::start_with(PATIENT).await;
    let replica = app.replica_with(PATIENT).await;
    let ada = app.secured(ADA).await;
    let held = app
        .begin_with("SELECT 1 FROM auth.totp_secrets FOR UPDATE")
        .await;

    let (first, second, ()) = tokio::join!(
        app.regenerate(ada.access(), PASSWORD, &ada.recovery_codes[0]),
        replica.regenerate(ada.access(), PASSWORD, &ada.recovery_codes[1]),
        async {
            app.waiting_for_a_lock(2).await;
            held.rollback().await.unwrap();
        }
    );

    // The second call's recovery code was in the list that the first call replaced.
    let lost = if first.is_ok() { second } else { first };
    assert_eq!(refusal(lost), "MFA_CODE_INVALID");
    assert_eq!(app.codes_left(ada.access()).await, 10);
}

#[tokio::test]
async fn a_missing_code_is_named() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let challenge = app.challenge(ADA).await;

    for status in [
        app.confirm(ada.access(), "").await.unwrap_err(),
        app.disable_totp(ada.access(), PASSWORD, "")
            .await
            .unwrap_err(),
        app.regenerate(ada.access(), PASSWORD, "")
            .await
            .unwrap_err(),
        app.complete(&challenge.id, None).await.unwrap_err(),
    ] {
        assert_eq!(reason(&status), "FIELD_INVALID");
        assert_eq!(fields(&status), ["code"]);
    }
}

#[test]
fn nothing_secret_is_printed() {
    let secret = || "hunter2".to_owned();
    let printed = [
        format!(
            "{:?}",
            EnrollTotpResponse {
                secret: secret(),
                otpauth_uri: secret()
            }
        ),
        format!(
            "{:?}",
            ConfirmTotpResponse {
                recovery_codes: vec![secret()]
            }
        ),
        format!(
            "{:?}",
            DisableTotpRequest {
                current_password: secret(),
                code: secret()
            }
        ),
        format!(
            "{:?}",
            CompleteMfaRequest {
                challenge_id: secret(),
                code: None
            }
        ),
        format!(
            "{:?}",
            MfaChallenge {
                id: secret(),
                ..MfaChallenge::default()
            }
        ),
    ];
    for text in printed {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
