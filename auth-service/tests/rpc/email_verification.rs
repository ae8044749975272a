//! `SendEmailVerification`, `VerifyEmail`, and log-ins that require a verified e-mail.

use proto::auth::v1::{GetServerInfoRequest, SendEmailVerificationRequest, VerifyEmailRequest};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::app::{App, OTHER_PASSWORD, PASSWORD, reason, refusal};
use crate::mail_server::MailServer;

const ADA: &str = "ada@example.com";
const CONFIRM: &str = "Confirm your e-mail address";

pub(crate) async fn ask(app: &App, email: &str) {
    let request = SendEmailVerificationRequest {
        email: email.into(),
    };
    let answer = app.auth.clone().send_email_verification(request).await;
    answer.unwrap();
}

/// As the account's user, with its password.
pub(crate) async fn verify(app: &App, token: &str) -> Result<(), Status> {
    let request = VerifyEmailRequest {
        token: token.into(),
        current_password: PASSWORD.into(),
    };
    app.auth.clone().verify_email(request).await.map(drop)
}

/// The token of an account's first mail.
async fn token(server: &MailServer, email: &str) -> String {
    server.mailed(email, CONFIRM, 1).await[0].token()
}

#[tokio::test]
async fn the_token_from_the_mail_confirms_the_email_once() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.user(ADA).await.access_token;
    app.user("bob@example.com").await;
    let token = token(&server, ADA).await;
    let before = app.get_me(&access).await.unwrap();
    assert!(!before.email_verified);

    verify(&app, &token).await.unwrap();

    let after = app.get_me(&access).await.unwrap();
    assert!(after.email_verified);
    assert_ne!(after.etag, before.etag);
    assert!(app.audit().await.contains(&"email_verified".to_owned()));
    let again = verify(&app, &token).await.unwrap_err();
    assert_eq!(again.code(), Code::Unauthenticated);
    assert_eq!(reason(&again), "EMAIL_TOKEN_INVALID");
    let sql = "SELECT count(*) FROM auth.users WHERE email_verified";
    let confirmed: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap();
    assert_eq!(confirmed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_uses_of_one_token_at_once_one_succeeds() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&server, ADA).await;

    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let mut auth = app.auth.clone();
        let request = VerifyEmailRequest {
            token: token.clone(),
            current_password: String::new(),
        };
        calls.spawn(async move { auth.verify_email(request).await });
    }
    let answers = calls.join_all().await;

    let succeeded = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn a_token_that_is_made_up_or_expired_confirms_nothing() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&server, ADA).await;
    let (start, last) = token.split_at(token.len() - 1);
    let made_up = format!("{start}{}", if last == "A" { "B" } else { "A" });
    for wrong in ["", "et1_", "x", &made_up, &token[..20], &"e".repeat(9000)] {
        assert_eq!(refusal(verify(&app, wrong).await), "EMAIL_TOKEN_INVALID");
    }

    app.advance(86_400);

    assert_eq!(refusal(verify(&app, &token).await), "EMAIL_TOKEN_INVALID");
}

#[tokio::test]
async fn mail_goes_to_accounts_that_are_not_confirmed_and_to_nobody_else() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&server, ADA).await;
    verify(&app, &token).await.unwrap();

    for email in [ADA, "nobody@example.com", "", "no address", "a@b@c"] {
        ask(&app, email).await;
    }
    // After all of these.
    app.sign_up("bob@example.com").await.unwrap();
    server.mailed("bob@example.com", CONFIRM, 1).await;

    assert_eq!(server.mails().len(), 2);
}

/// The response does not depend on the account, not even its time: the call waits for no
/// row and no table of accounts.
#[tokio::test]
async fn asking_for_mail_does_not_look_whether_there_is_an_account() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    server.mailed(ADA, CONFIRM, 1).await;
    let mut locks = app.db.begin().await.unwrap();
    let sql = "LOCK TABLE auth.emails, auth.users, auth.email_tokens IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(sql).execute(&mut *locks).await.unwrap();

    ask(&app, ADA).await;
    ask(&app, "nobody@example.com").await;
    crate::password_reset::ask(&app, ADA).await;
    crate::password_reset::ask(&app, "nobody@example.com").await;

    locks.rollback().await.unwrap();
    server.mailed(ADA, CONFIRM, 2).await;
}

#[tokio::test]
async fn three_mails_are_sent_at_once_and_then_one_an_hour() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    for _ in 0..6 {
        ask(&app, ADA).await;
    }
    // The mail of the sign-up counts as well.
    server.mailed(ADA, CONFIRM, 3).await;

    app.advance(3600);
    ask(&app, ADA).await;
    ask(&app, ADA).await;
    server.mailed(ADA, CONFIRM, 4).await;
    app.sign_up("bob@example.com").await.unwrap();
    server.mailed("bob@example.com", CONFIRM, 1).await;

    assert_eq!(server.mails().len(), 5);
}

#[tokio::test]
async fn one_address_cannot_have_mail_sent_to_everyone() {
    let server = MailServer::start().await;
    let app = server.app().await;
    // Stopped, because each would read the outbox.
    for number in 0..60 {
        ask(&app, &format!("nobody{number}@example.com")).await;
    }
    app.sign_up(ADA).await.unwrap();
    server.mailed(ADA, CONFIRM, 1).await;

    ask(&app, ADA).await;
    app.advance(10);
    ask(&app, ADA).await;

    server.mailed(ADA, CONFIRM, 2).await;
    app.sign_up("bob@example.com").await.unwrap();
    server.mailed("bob@example.com", CONFIRM, 1).await;
    assert_eq!(server.mails().len(), 3);
}

#[tokio::test]
async fn where_it_is_required_a_log_in_needs_a_confirmed_email() {
    let server = MailServer::start().await;
    let app = server
        .app_with(&["--email-verification-required=true"])
        .await;
    let mut auth = app.auth.clone();
    let info = auth.get_server_info(GetServerInfoRequest {}).await;
    assert!(info.unwrap().into_inner().email_verification_required);
    app.sign_up(ADA).await.unwrap();

    let refused = app.log_in(ADA, PASSWORD).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "EMAIL_NOT_VERIFIED");
    // Only a caller with the password learns it.
    assert_eq!(
        refusal(app.log_in(ADA, OTHER_PASSWORD).await),
        "INVALID_CREDENTIALS"
    );
    assert!(app.audit().await.contains(&"log_in_failed".to_owned()));
    verify(&app, &token(&server, ADA).await).await.unwrap();

    app.log_in(ADA, PASSWORD).await.unwrap();
}
