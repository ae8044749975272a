//! Accounts with somebody else's address, and the address's owners.

use proto::auth::v1::{
    ChangeEmailRequest, SendEmailVerificationRequest, TokenPair, VerifyEmailRequest,
};
use tonic::{Request, Status};

use crate::admin::Admin;
use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, refusal};
use crate::change_email::{confirm, token_for};
use crate::email_verification::{ask, verify};
use crate::mail_server::MailServer;
use crate::password_reset::{reset, token as reset_token};

const ADA: &str = "ada@example.com";
const CONFIRM: &str = "Confirm your e-mail address";

/// Verifies with only the token; returns whether the account was taken over.
async fn claim(app: &App, token: &str) -> Result<bool, Status> {
    send(app, Request::new(request(token, ""))).await
}

async fn claim_as(app: &App, token: &str, tokens: &TokenPair) -> Result<bool, Status> {
    send(app, bearer(request(token, ""), &tokens.access_token)).await
}

fn request(token: &str, password: &str) -> VerifyEmailRequest {
    VerifyEmailRequest {
        token: token.into(),
        current_password: password.into(),
    }
}

async fn send(app: &App, request: Request<VerifyEmailRequest>) -> Result<bool, Status> {
    let answer = app.auth.clone().verify_email(request).await?;
    Ok(answer.into_inner().password_removed)
}

/// The token of the mail of a sign-up.
async fn welcome(server: &MailServer) -> String {
    server.mailed(ADA, CONFIRM, 1).await[0].token()
}

#[tokio::test]
async fn the_first_confirmation_through_the_mailbox_ends_what_was_before() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let squatter = app.user(ADA).await;
    let other = app.log_in(ADA, PASSWORD).await.unwrap();

    let password_removed = claim(&app, &welcome(&server).await).await.unwrap();

    assert!(password_removed);
    for tokens in [&squatter, &other] {
        let refreshed = app.refresh(&tokens.refresh_token).await;
        assert_eq!(refusal(refreshed), "SESSION_REVOKED");
        let me = app.get_me(&tokens.access_token).await;
        assert_eq!(refusal(me), "TOKEN_REVOKED");
    }
    for password in [PASSWORD, ""] {
        let log_in = app.log_in(ADA, password).await;
        assert_eq!(refusal(log_in), "INVALID_CREDENTIALS");
    }
    assert!(app.audit().await.contains(&"account_claimed".to_owned()));
    let token = reset_token(&app, &server, ADA, 1).await;
    reset(&app, &token, OTHER_PASSWORD).await.unwrap();
    let owner = app.log_in(ADA, OTHER_PASSWORD).await.unwrap();
    assert!(
        app.get_me(&owner.access_token)
            .await
            .unwrap()
            .email_verified
    );
}

#[tokio::test]
async fn the_session_or_the_password_of_the_account_keeps_it_as_it_is() {
    let server = MailServer::start().await;
    for by_session in [true, false] {
        let app = server.app().await;
        let tokens = app.user(ADA).await;
        let mails = server
            .mailed(ADA, CONFIRM, 1 + usize::from(!by_session))
            .await;
        let token = mails.last().unwrap().token();

        let removed = if by_session {
            claim_as(&app, &token, &tokens).await
        } else {
            send(&app, Request::new(request(&token, PASSWORD))).await
        };

        assert!(!removed.unwrap());
        app.refresh(&tokens.refresh_token).await.unwrap();
        app.log_in(ADA, PASSWORD).await.unwrap();
        let me = app.get_me(&tokens.access_token).await.unwrap();
        assert!(me.email_verified);
    }
}

#[tokio::test]
async fn a_wrong_password_or_session_leaves_the_token_as_it_is() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let tokens = app.user(ADA).await;
    let bob = app.user("bob@example.com").await;
    let token = welcome(&server).await;

    let wrong = send(&app, Request::new(request(&token, OTHER_PASSWORD))).await;
    assert_eq!(refusal(wrong), "INVALID_CREDENTIALS");
    let of_bob = claim_as(&app, &token, &bob).await;
    assert_eq!(refusal(of_bob), "EMAIL_TOKEN_OF_OTHER_ACCOUNT");
    app.log_out(&bob.refresh_token).await.unwrap();
    let over = claim_as(&app, &token, &bob).await;
    assert_eq!(refusal(over), "TOKEN_REVOKED");

    assert_eq!(app.audited("email_verification_failed").await, 1);
    assert!(!claim_as(&app, &token, &tokens).await.unwrap());
}

#[tokio::test]
async fn passwords_are_not_guessed_by_confirming() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = welcome(&server).await;

    for _ in 0..3 {
        let wrong = send(&app, Request::new(request(&token, OTHER_PASSWORD))).await;
        assert_eq!(refusal(wrong), "INVALID_CREDENTIALS");
    }

    let throttled = send(&app, Request::new(request(&token, PASSWORD))).await;
    assert_eq!(refusal(throttled), "LOG_IN_THROTTLED");
}

/// Sends a mail to Ada's address from somebody's session, as a squatter does, for
/// somebody to click on.
async fn ask_as(app: &App, somebody: &TokenPair) {
    let request = SendEmailVerificationRequest { email: ADA.into() };
    let request = bearer(request, &somebody.access_token);
    let answer = app.auth.clone().send_email_verification(request).await;
    answer.unwrap();
}

#[tokio::test]
async fn a_mail_that_a_session_asked_for_confirms_nothing_without_one() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let squatter = app.user(ADA).await;
    welcome(&server).await;
    ask_as(&app, &squatter).await;
    let token = server.mailed(ADA, CONFIRM, 2).await[1].token();

    let clicked = claim(&app, &token).await;

    assert_eq!(refusal(clicked), "EMAIL_TOKEN_OF_SESSION");
    let me = app.get_me(&squatter.access_token).await.unwrap();
    assert!(!me.email_verified);
    // The owner of the mailbox requests a mail without a session, and gets the account.
    ask(&app, ADA).await;
    let token = server.mailed(ADA, CONFIRM, 3).await[2].token();
    assert!(claim(&app, &token).await.unwrap());
    assert_eq!(
        refusal(app.get_me(&squatter.access_token).await),
        "TOKEN_REVOKED"
    );
}

#[tokio::test]
async fn a_mail_that_somebody_elses_session_asks_for_is_nobodys_in_particular() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    welcome(&server).await;
    let bob = app.user("bob@example.com").await;
    ask_as(&app, &bob).await;

    let token = server.mailed(ADA, CONFIRM, 2).await[1].token();

    assert!(claim(&app, &token).await.unwrap());
}

#[tokio::test]
async fn a_confirmed_account_is_not_taken_over_by_a_later_token() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let tokens = app.user(ADA).await;
    let first = welcome(&server).await;
    ask(&app, ADA).await;
    let second = server.mailed(ADA, CONFIRM, 2).await[1].token();
    verify(&app, &first).await.unwrap();

    assert!(!claim(&app, &second).await.unwrap());

    app.refresh(&tokens.refresh_token).await.unwrap();
    app.log_in(ADA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn only_a_confirmed_address_gets_a_second_factor() {
    let app = App::start().await;
    let tokens = app.user(ADA).await;
    let access = &tokens.access_token;

    let enrolled = app.enroll(access, PASSWORD).await;
    assert_eq!(refusal(enrolled), "EMAIL_NOT_VERIFIED");
    app.confirm_email(ADA).await;
    app.enroll(access, PASSWORD).await.unwrap();
    // The address has changed since.
    app.sql("UPDATE auth.users SET email_verified = false")
        .await;

    let confirmed = app.confirm(access, "000000").await;
    assert_eq!(refusal(confirmed), "EMAIL_NOT_VERIFIED");
}

/// From a version before only verified addresses could have one, or with another address.
#[tokio::test]
async fn a_second_factor_does_not_keep_the_owner_of_the_mailbox_out() {
    let server = MailServer::start().await;
    for by_reset in [true, false] {
        let app = server.app().await;
        app.secured(ADA).await;
        app.sql("UPDATE auth.users SET email_verified = false")
            .await;

        if !by_reset {
            ask(&app, ADA).await;
            let mails = server.mailed(ADA, CONFIRM, 3).await;
            assert!(claim(&app, &mails[2].token()).await.unwrap());
        }
        let token = reset_token(&app, &server, ADA, 1 + usize::from(!by_reset)).await;
        reset(&app, &token, OTHER_PASSWORD).await.unwrap();

        let owner = app.log_in(ADA, OTHER_PASSWORD).await.unwrap();
        let me = app.get_me(&owner.access_token).await.unwrap();
        assert!(!me.mfa_enabled);
        assert_eq!(app.codes_left(&owner.access_token).await, 0);
    }
}

#[tokio::test]
async fn an_account_with_a_second_factor_moves_with_a_code_only() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    let moves = async |code: &str| {
        let request = ChangeEmailRequest {
            current_password: PASSWORD.into(),
            new_email: "lovelace@example.com".into(),
            code: code.into(),
        };
        let mut account = app.account.clone();
        account
            .change_email(bearer(request, ada.access()))
            .await
            .map(drop)
    };

    assert_eq!(refusal(moves("").await), "MFA_CODE_MISSING");
    assert_eq!(
        refusal(moves(&ada.wrong_code(&app)).await),
        "MFA_CODE_INVALID"
    );
    assert_eq!(app.audited("mfa_failed").await, 1);
    let me = app.get_me(ada.access()).await.unwrap();
    assert_eq!(me.email, ADA);

    let code = ada.code(&app);
    moves(&code).await.unwrap();

    let me = app.get_me(ada.access()).await.unwrap();
    assert_eq!((&*me.email, me.mfa_enabled), (ADA, true));
    assert_eq!(me.pending_email, "lovelace@example.com");
    let token = token_for(&app, "lovelace@example.com").await;
    confirm(&app, ada.access(), &token).await.unwrap();
    app.challenge("lovelace@example.com").await;
}

#[tokio::test]
async fn an_administrator_turns_a_lost_second_factor_off_and_the_owner_is_told() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let root = Admin::new(&app, "root@example.com").await;
    let ada = app.secured(ADA).await;
    let root = Admin::log_in(&app, "root@example.com", &root.id).await;
    let id = app.get_me(ada.access()).await.unwrap().id;

    let user = root.reset_mfa(&id).await.unwrap();
    let again = root.reset_mfa(&id).await.unwrap();

    assert!(!user.mfa_enabled);
    assert_eq!(again, user);
    app.log_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(app.codes_left(ada.access()).await, 0);
    assert_eq!(app.audited("user_mfa_reset").await, 1);
    let mails = server
        .mailed(ADA, "Two-step verification was reset", 1)
        .await;
    assert_eq!(mails.len(), 1);
    let own = root.reset_mfa(&root.id).await;
    assert_eq!(refusal(own), "OWN_ACCOUNT");
    let nobody = root.reset_mfa("00000000-0000-7000-8000-000000000000").await;
    assert_eq!(refusal(nobody), "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_mail_says_when_the_account_was_made() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    welcome(&server).await;
    app.advance(3600);
    ask(&app, ADA).await;

    let mails = server.mailed(ADA, CONFIRM, 2).await;

    let text = &mails[1].text;
    assert!(text.contains("\r\n2027-01-15 at 08:00 UTC.\r\n"), "{text}");
    assert!(text.contains("on 2027-01-15 at 09:00 UTC."), "{text}");
}
