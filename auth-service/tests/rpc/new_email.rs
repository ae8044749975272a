//! `VerifyEmail` of the e-mail that `ChangeEmail` requested: who can verify it, until
//! when, and what happens in races.

use auth_service::purge;
use chrono::TimeDelta;
use proto::auth::v1::{SendEmailVerificationRequest, VerifyEmailRequest};
use tokio::task::JoinSet;
use tonic::Code;

use crate::admin::Admin;
use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, reason, refusal};
use crate::authenticator::Authenticator;
use crate::change_email::{change, confirm, moved, token_for};
use crate::change_password::change as change_password;
use crate::deletion::delete;
use crate::email_verification::{ask, verify};
use crate::mail::all_sent;
use crate::mail_server::MailServer;
use crate::password_reset::{reset, token as reset_token};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const LOVELACE: &str = "lovelace@example.com";
const KING: &str = "ada.king@example.com";
const CONFIRM_NEW: &str = "Confirm your new e-mail address";

async fn emails(app: &App) -> Vec<String> {
    sqlx::query_scalar("SELECT email_norm FROM auth.emails ORDER BY 1")
        .fetch_all(&app.db)
        .await
        .unwrap()
}

/// The account has its previous e-mail, and no requested one.
async fn nothing_is_pending(app: &App, password: &str) {
    let access = app.log_in(ADA, password).await.unwrap().access_token;
    let user = app.get_me(&access).await.unwrap();
    assert_eq!((&*user.email, &*user.pending_email), (ADA, ""));
    assert_eq!(user.pending_email_expire_time, None);
}

#[tokio::test]
async fn only_the_user_of_the_account_confirms() {
    let app = App::start().await;
    let ada = app.user(ADA).await;
    let bob = app.user(BOB).await;
    change(&app, &ada.access_token, PASSWORD, LOVELACE)
        .await
        .unwrap();
    let token = token_for(&app, LOVELACE).await;

    let request = VerifyEmailRequest {
        token: token.clone(),
        current_password: String::new(),
    };
    let clicked = app.auth.clone().verify_email(request).await;
    assert_eq!(refusal(clicked), "EMAIL_TOKEN_OF_SESSION");
    let of_bob = confirm(&app, &bob.access_token, &token).await;
    assert_eq!(refusal(of_bob), "EMAIL_TOKEN_OF_OTHER_ACCOUNT");
    assert_eq!(emails(&app).await, [ADA, BOB]);

    verify(&app, &token).await.unwrap();

    assert_eq!(emails(&app).await, [BOB, LOVELACE]);
    let again = verify(&app, &token).await;
    assert_eq!(refusal(again), "EMAIL_TOKEN_INVALID");
}

#[tokio::test]
async fn whoever_signs_up_with_the_email_meanwhile_has_it() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    let token = token_for(&app, LOVELACE).await;
    let other = app.user(LOVELACE).await.access_token;

    let refused = confirm(&app, &access, &token).await.unwrap_err();

    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(reason(&refused), "EMAIL_TAKEN");
    app.log_in(ADA, PASSWORD).await.unwrap();
    delete(&app, &other, PASSWORD).await.unwrap();
    confirm(&app, &access, &token).await.unwrap();
    assert_eq!(emails(&app).await, [LOVELACE]);
}

#[tokio::test]
async fn a_later_change_takes_the_place_of_an_earlier_one() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    let first = token_for(&app, LOVELACE).await;
    let user = change(&app, &access, PASSWORD, KING).await.unwrap();
    assert_eq!(user.pending_email, KING);
    let second = token_for(&app, KING).await;

    let refused = confirm(&app, &access, &first).await;

    assert_eq!(refusal(refused), "EMAIL_TOKEN_INVALID");
    confirm(&app, &access, &second).await.unwrap();
    assert_eq!(emails(&app).await, [KING]);
}

#[tokio::test]
async fn a_change_to_the_accounts_own_email_ends_the_one_before() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    let token = token_for(&app, LOVELACE).await;

    let user = change(&app, &access, PASSWORD, ADA).await.unwrap();

    assert_eq!((&*user.email, &*user.pending_email), (ADA, ""));
    let refused = confirm(&app, &access, &token).await;
    assert_eq!(refusal(refused), "EMAIL_TOKEN_INVALID");
}

#[tokio::test]
async fn a_change_waits_for_a_day_and_is_then_forgotten() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    let token = token_for(&app, LOVELACE).await;
    app.sql("UPDATE auth.email_tokens SET expire_time = 'infinity'")
        .await;

    app.advance(86_401);

    assert_eq!(refusal(verify(&app, &token).await), "EMAIL_TOKEN_INVALID");
    assert_eq!(emails(&app).await, [ADA]);
    // What was refused is rolled back in the background, and the purge skips locked rows.
    app.sql("SELECT FROM auth.users FOR UPDATE").await;
    let (life, now) = (TimeDelta::minutes(10), app.clock().now());
    purge::batch(&app.db, life, now).await.unwrap();
    nothing_is_pending(&app, PASSWORD).await;
}

#[tokio::test]
async fn a_new_password_ends_the_change() {
    let server = MailServer::start().await;
    for by_reset in [true, false] {
        let app = server.app().await;
        let access = app.confirmed(ADA).await.access_token;
        change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
        let token = token_for(&app, LOVELACE).await;

        let access = if by_reset {
            let token = reset_token(&app, &server, ADA, 1).await;
            reset(&app, &token, OTHER_PASSWORD).await.unwrap();
            app.log_in(ADA, OTHER_PASSWORD).await.unwrap().access_token
        } else {
            let changed = change_password(&app, &access, PASSWORD, OTHER_PASSWORD).await;
            changed.unwrap().access_token
        };

        let refused = confirm(&app, &access, &token).await;
        assert_eq!(refusal(refused), "EMAIL_TOKEN_INVALID");
        nothing_is_pending(&app, OTHER_PASSWORD).await;
    }
}

#[tokio::test]
async fn a_change_from_before_the_second_factor_ends_with_it() {
    let app = App::start().await;
    let access = app.confirmed(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    let token = token_for(&app, LOVELACE).await;

    let enrolled = app.enroll(&access, PASSWORD).await.unwrap();
    let code = Authenticator::scan(&enrolled.otpauth_uri).code(app.now());
    app.confirm(&access, &code).await.unwrap();

    let refused = confirm(&app, &access, &token).await;
    assert_eq!(refusal(refused), "EMAIL_TOKEN_INVALID");
    assert_eq!(emails(&app).await, [ADA]);
}

#[tokio::test]
async fn the_owner_of_the_mailbox_ends_a_change_that_a_squatter_asked_for() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let squatter = app.user(ADA).await.access_token;
    let confirm_own = server.mailed(ADA, "Confirm your e-mail address", 1).await;
    change(&app, &squatter, PASSWORD, LOVELACE).await.unwrap();
    let token = token_for(&app, LOVELACE).await;

    let request = VerifyEmailRequest {
        token: confirm_own[0].token(),
        current_password: String::new(),
    };
    app.auth.clone().verify_email(request).await.unwrap();

    assert!(verify(&app, &token).await.is_err());
    let choose = reset_token(&app, &server, ADA, 1).await;
    reset(&app, &choose, OTHER_PASSWORD).await.unwrap();
    nothing_is_pending(&app, OTHER_PASSWORD).await;
}

#[tokio::test]
async fn a_disabled_account_moves_nowhere() {
    let app = App::start().await;
    let root = Admin::new(&app, "root@example.com").await;
    let ada = app.user(ADA).await;
    let id = app.get_me(&ada.access_token).await.unwrap().id;
    change(&app, &ada.access_token, PASSWORD, LOVELACE)
        .await
        .unwrap();
    let token = token_for(&app, LOVELACE).await;

    root.disable(&id).await.unwrap();

    assert_eq!(refusal(verify(&app, &token).await), "EMAIL_TOKEN_INVALID");
    assert_eq!(emails(&app).await, [ADA, "root@example.com"]);
}

#[tokio::test]
async fn an_unconfirmed_account_is_confirmed_by_its_new_email() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;

    let user = moved(&app, &access, PASSWORD, LOVELACE).await.unwrap();

    assert!(user.email_verified);
    // It no longer waits for its first verification.
    let sql = "SELECT unconfirmed_since = 'infinity' FROM auth.users";
    let is_done: bool = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap();
    assert!(is_done);
}

#[tokio::test]
async fn another_mail_to_the_new_email_takes_a_session_of_the_account() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let ada = app.confirmed(ADA).await.access_token;
    let bob = app.user(BOB).await.access_token;
    change(&app, &ada, PASSWORD, LOVELACE).await.unwrap();
    server.mailed(LOVELACE, CONFIRM_NEW, 1).await;

    let ask_as = async |access: &str| {
        let email = LOVELACE.into();
        let request = bearer(SendEmailVerificationRequest { email }, access);
        let answer = app.auth.clone().send_email_verification(request).await;
        answer.unwrap();
    };
    ask(&app, LOVELACE).await;
    ask_as(&bob).await;
    all_sent(&app).await;
    let mails = server.mails();
    assert_eq!(mails.iter().filter(|mail| mail.to == LOVELACE).count(), 1);
    app.advance(3600);
    let ada = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    ask_as(&ada).await;

    let token = server.mailed(LOVELACE, CONFIRM_NEW, 2).await[1].token();

    confirm(&app, &ada, &token).await.unwrap();
    assert_eq!(emails(&app).await, [BOB, LOVELACE]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_accounts_that_want_one_email_one_gets_it() {
    let app = App::start().await;
    let ada = app.user(ADA).await.access_token;
    let bob = app.user(BOB).await.access_token;
    let mut tokens = Vec::new();
    for access in [&ada, &bob] {
        change(&app, access, PASSWORD, LOVELACE).await.unwrap();
        let token = token_for(&app, LOVELACE).await;
        // So that the next one finds its own.
        app.sql("UPDATE auth.users SET pending_email = pending_email || '.'")
            .await;
        tokens.push(token);
    }
    app.sql("UPDATE auth.users SET pending_email = rtrim(pending_email, '.')")
        .await;

    let (first, second) = tokio::join!(
        confirm(&app, &ada, &tokens[0]),
        confirm(&app, &bob, &tokens[1]),
    );

    let lost = [first, second].into_iter().filter_map(Result::err);
    let lost: Vec<_> = lost.map(|status| reason(&status)).collect();
    assert_eq!(lost, ["EMAIL_TAKEN"]);
    assert_eq!(emails(&app).await.len(), 2);
    app.log_in(LOVELACE, PASSWORD).await.unwrap();
}

/// Several tokens of one change, each used several times, over two services.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_confirmations_at_once_one_succeeds() {
    let app = App::start().await;
    let replica = app.replica().await;
    let access = app.user(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    let (mut tokens, mut calls) = (Vec::new(), JoinSet::new());
    for _ in 0..4 {
        tokens.push(token_for(&app, LOVELACE).await);
    }
    for token in tokens {
        for side in [&app, &replica, &app, &replica] {
            let request = VerifyEmailRequest {
                token: token.clone(),
                current_password: String::new(),
            };
            let (mut auth, request) = (side.auth.clone(), bearer(request, &access));
            calls.spawn(async move { auth.verify_email(request).await });
        }
    }

    let answers = calls.join_all().await;

    let refused = answers.into_iter().filter_map(Result::err);
    let refused: Vec<_> = refused.map(|status| reason(&status)).collect();
    assert_eq!(refused.len(), 15, "{refused:?}");
    assert!(
        refused.iter().all(|is| is == "EMAIL_TOKEN_INVALID"),
        "{refused:?}"
    );
    assert_eq!(emails(&app).await, [LOVELACE]);
    assert_eq!(app.audited("email_changed").await, 1);
}

/// In every order an account has one e-mail, and an e-mail one account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_confirmation_races_with_a_sign_up_a_deletion_and_another_change() {
    let app = App::start().await;
    let replica = app.replica().await;
    for round in 0..12 {
        let [old, new] = ["old", "new"].map(|name| format!("{name}{round}@example.com"));
        let access = app.user(&old).await.access_token;
        change(&app, &access, PASSWORD, &new).await.unwrap();
        let token = token_for(&app, &new).await;

        let confirmed = confirm(&app, &access, &token);
        let other = async {
            match round % 3 {
                0 => replica.sign_up(&new).await.map(drop),
                1 => delete(&replica, &access, PASSWORD).await,
                _ => change(&replica, &access, PASSWORD, KING).await.map(drop),
            }
        };
        let (confirmed, other) = tokio::join!(confirmed, other);

        let (sign_up, deletion) = (round % 3 == 0, round % 3 == 1);
        let left = emails(&app).await;
        let of = |email: &String| left.iter().filter(|is| *is == email).count();
        let both = (of(&old), of(&new));
        let said = (
            confirmed.map_err(|s| reason(&s)),
            other.map_err(|s| reason(&s)),
        );
        let expected = match (&said.0, &said.1) {
            (Ok(()), Err(_)) => (0, 1),
            (Err(_), Ok(())) if sign_up => (1, 1),
            (_, Ok(())) if deletion => (0, 0),
            (Err(_), Ok(())) => (1, 0),
            (Ok(()), Ok(())) if !sign_up => (0, 1),
            _ => panic!("{said:?}"),
        };
        assert_eq!(both, expected, "{round}: {said:?}");
    }
    let sql = "SELECT count(*) FROM auth.users AS u
               FULL JOIN auth.emails AS e ON e.user_id = u.id AND e.email_norm = u.email
               WHERE u.id IS NULL OR e.user_id IS NULL";
    let lonely: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap();
    assert_eq!(lonely, 0);
}
