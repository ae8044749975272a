//! `RequestPasswordReset`, `ResetPassword`.

use proto::auth::v1::{
    ChangePasswordRequest, RequestPasswordResetRequest, ResetPasswordRequest, VerifyEmailRequest,
};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, fields, reason, refusal};
use crate::email_verification::verify;
use crate::mail_server::MailServer;

const ADA: &str = "ada@example.com";
const CHOOSE: &str = "Choose a new password";
const CHANGED: &str = "Your password was changed";
const CONFIRM: &str = "Confirm your e-mail address";

pub(crate) async fn ask(app: &App, email: &str) {
    let request = RequestPasswordResetRequest {
        email: email.into(),
    };
    let answer = app.auth.clone().request_password_reset(request).await;
    answer.unwrap();
}

pub(crate) async fn reset(app: &App, token: &str, password: &str) -> Result<(), Status> {
    let request = ResetPasswordRequest {
        token: token.into(),
        new_password: password.into(),
    };
    app.auth.clone().reset_password(request).await.map(drop)
}

/// Requests a mail, and returns the token of the `count`th.
pub(crate) async fn token(app: &App, server: &MailServer, email: &str, count: usize) -> String {
    ask(app, email).await;
    let mails = server.mailed(email, CHOOSE, count).await;
    mails[count - 1].token()
}

#[tokio::test]
async fn a_reset_sets_the_password_and_ends_every_session() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let first = app.user(ADA).await;
    let second = app.log_in(ADA, PASSWORD).await.unwrap();
    let bob = app.user("bob@example.com").await;
    let token = token(&app, &server, ADA, 1).await;
    app.refresh(&bob.refresh_token).await.unwrap();

    reset(&app, &token, OTHER_PASSWORD).await.unwrap();

    for session in [first, second] {
        let refused = app.refresh(&session.refresh_token).await;
        assert_eq!(refusal(refused), "SESSION_REVOKED");
        let refused = app.get_me(&session.access_token).await;
        assert_eq!(refusal(refused), "TOKEN_REVOKED");
    }
    app.get_me(&bob.access_token).await.unwrap();
    assert_eq!(
        refusal(app.log_in(ADA, PASSWORD).await),
        "INVALID_CREDENTIALS"
    );
    let tokens = app.log_in(ADA, OTHER_PASSWORD).await.unwrap();
    // Whoever read the mailbox has verified it.
    let user = app.get_me(&tokens.access_token).await.unwrap();
    assert!(user.email_verified);
    let revoked: i64 = sqlx::query_scalar("SELECT count(*) FROM auth.revocations")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(revoked, 2);
    let audit = app.audit().await;
    for kind in ["password_reset_requested", "password_reset"] {
        assert!(audit.contains(&kind.to_owned()), "{audit:?}");
    }
    let notice = &server.mailed(ADA, CHANGED, 1).await[0];
    assert!(!notice.text.contains("et1_"));
}

#[tokio::test]
async fn a_reset_logs_nobody_in() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&app, &server, ADA, 1).await;

    reset(&app, &token, OTHER_PASSWORD).await.unwrap();

    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM auth.sessions")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(sessions, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twelve_resets_with_one_token_at_once_one_succeeds() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let replica = app.replica().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&app, &server, ADA, 1).await;

    let mut calls = JoinSet::new();
    for number in 0..12 {
        let at = if number % 2 == 0 { &app } else { &replica };
        let mut auth = at.auth.clone();
        let new_password = format!("copper-meadow-{number}");
        let request = ResetPasswordRequest {
            token: token.clone(),
            new_password: new_password.clone(),
        };
        calls.spawn(async move { (new_password, auth.reset_password(request).await) });
    }
    let answers = calls.join_all().await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
    assert_eq!((won.len(), lost.len()), (1, 11));
    for (_, answer) in lost {
        assert_eq!(refusal(answer), "RESET_TOKEN_INVALID");
    }
    app.log_in(ADA, &won[0].0).await.unwrap();
    let resets = app.audit().await;
    let resets = resets.iter().filter(|kind| *kind == "password_reset");
    assert_eq!(resets.count(), 1);
}

#[tokio::test]
async fn a_password_that_is_refused_leaves_the_token_as_it_is() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&app, &server, ADA, 1).await;

    for (password, expected) in [
        ("short", "PASSWORD_TOO_SHORT"),
        (&*"7q".repeat(600), "PASSWORD_TOO_LONG"),
        ("passwordpassword", "PASSWORD_COMMON"),
        ("my-ada-likes-maths", "PASSWORD_CONTEXT"),
    ] {
        let status = reset(&app, &token, password).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), expected);
        assert_eq!(fields(&status), ["new_password"]);
    }

    reset(&app, &token, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_token_works_for_a_quarter_of_an_hour_and_for_one_purpose() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let confirm = server.mailed(ADA, CONFIRM, 1).await[0].token();
    let first = token(&app, &server, ADA, 1).await;
    app.advance(1);
    let second = token(&app, &server, ADA, 2).await;

    for wrong in ["", "et1_", &confirm, &first[..30]] {
        let status = reset(&app, wrong, OTHER_PASSWORD).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "RESET_TOKEN_INVALID");
    }
    assert_eq!(refusal(verify(&app, &first).await), "EMAIL_TOKEN_INVALID");
    app.advance(899);

    assert_eq!(
        refusal(reset(&app, &first, OTHER_PASSWORD).await),
        "RESET_TOKEN_INVALID"
    );
    reset(&app, &second, OTHER_PASSWORD).await.unwrap();
    let request = VerifyEmailRequest {
        token: confirm,
        current_password: OTHER_PASSWORD.into(),
    };
    app.auth.clone().verify_email(request).await.unwrap();
}

#[tokio::test]
async fn a_token_from_before_a_change_of_the_password_is_dead() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.user(ADA).await.access_token;
    app.confirm_email(ADA).await;
    let first = token(&app, &server, ADA, 1).await;
    let second = token(&app, &server, ADA, 2).await;
    let request = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: OTHER_PASSWORD.into(),
    };

    let mut account = app.account.clone();
    account
        .change_password(bearer(request, &access))
        .await
        .unwrap();

    server.mailed(ADA, CHANGED, 1).await;
    for token in [first, second] {
        let refused = reset(&app, &token, PASSWORD).await;
        assert_eq!(refusal(refused), "RESET_TOKEN_INVALID");
    }
    app.log_in(ADA, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_disabled_user_gets_no_mail_and_no_new_password() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&app, &server, ADA, 1).await;
    app.sql("UPDATE auth.users SET disable_time = now()").await;

    ask(&app, ADA).await;
    app.sign_up("bob@example.com").await.unwrap();
    server.mailed("bob@example.com", CONFIRM, 1).await;

    assert_eq!(server.mailed(ADA, CHOOSE, 1).await.len(), 1);
    assert_eq!(
        refusal(reset(&app, &token, OTHER_PASSWORD).await),
        "RESET_TOKEN_INVALID"
    );
    assert_eq!(refusal(app.log_in(ADA, PASSWORD).await), "ACCOUNT_DISABLED");
}

#[tokio::test]
async fn a_reset_forgets_the_failed_log_ins() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = token(&app, &server, ADA, 1).await;
    for _ in 0..3 {
        app.log_in(ADA, "not-the-password").await.unwrap_err();
    }
    assert_eq!(refusal(app.log_in(ADA, PASSWORD).await), "LOG_IN_THROTTLED");

    reset(&app, &token, OTHER_PASSWORD).await.unwrap();

    app.log_in(ADA, OTHER_PASSWORD).await.unwrap();
}
