//! `ChangeEmail`.

use auth_service::model::email_tokens::PREFIX;
use auth_service::model::user_token::UserToken;
use chassis::user_id::UserId;
use proto::auth::v1::{ChangeEmailRequest, User, VerifyEmailRequest};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, fields, reason, refusal};
use crate::email_verification::verify;
use crate::mail::all_sent;
use crate::mail_server::MailServer;
use crate::password_reset::{ask as ask_for_reset, reset, token};

const ADA: &str = "ada@example.com";
const LOVELACE: &str = "lovelace@example.com";
const CONFIRM: &str = "Confirm your e-mail address";
const CONFIRM_NEW: &str = "Confirm your new e-mail address";
const NOTICE: &str = "Your e-mail address was changed";

pub(crate) async fn change(
    app: &App,
    access: &str,
    password: &str,
    email: &str,
) -> Result<User, Status> {
    let request = ChangeEmailRequest {
        current_password: password.into(),
        new_email: email.into(),
        code: String::new(),
    };
    let mut account = app.account.clone();
    let response = account.change_email(bearer(request, access)).await?;
    Ok(response.into_inner().user.unwrap())
}

/// Requests another e-mail, and verifies it as the owner of that mailbox.
pub(crate) async fn moved(
    app: &App,
    access: &str,
    password: &str,
    email: &str,
) -> Result<User, Status> {
    change(app, access, password, email).await?;
    let token = token_for(app, email).await;
    confirm(app, access, &token).await?;
    app.get_me(access).await
}

/// A token as in the mail to a requested e-mail.
pub(crate) async fn token_for(app: &App, wanted: &str) -> String {
    let sql = "SELECT id FROM auth.users WHERE pending_email = $1";
    let id: Uuid = sqlx::query_scalar(sql)
        .bind(wanted)
        .fetch_one(&app.db)
        .await
        .unwrap();
    let token = UserToken::generate(PREFIX, UserId(id)).unwrap();
    let sql = "INSERT INTO auth.email_tokens (user_id, hash, purpose, email,
                   password_version, session_id, expire_time)
               SELECT u.id, $2, 'verification', u.pending_email, e.password_version, u.id,
                   u.pending_email_expire_time
               FROM auth.users AS u JOIN auth.emails AS e ON e.email_norm = u.email
               WHERE u.id = $1";
    let query = sqlx::query(sql).bind(id).bind(token.hash());
    query.execute(&app.db).await.unwrap();
    token.as_str().to_owned()
}

/// Verifies an e-mail as the user of this session.
pub(crate) async fn confirm(app: &App, access: &str, token: &str) -> Result<(), Status> {
    let request = VerifyEmailRequest {
        token: token.into(),
        current_password: String::new(),
    };
    let mut auth = app.auth.clone();
    auth.verify_email(bearer(request, access)).await.map(drop)
}

#[tokio::test]
async fn the_account_keeps_its_email_until_the_new_one_is_confirmed() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.confirmed(ADA).await.access_token;
    let other = app.log_in(ADA, PASSWORD).await.unwrap();
    let count = |to: &str, subject: &str| {
        let mails = server.mails().into_iter().filter(|mail| mail.to == to);
        mails
            .filter(|mail| mail.header("Subject").starts_with(subject))
            .count()
    };
    let before = app.get_me(&access).await.unwrap();

    let user = change(&app, &access, PASSWORD, " Lovelace@Example.com")
        .await
        .unwrap();

    assert_eq!((&*user.email, user.email_verified), (ADA, true));
    assert_eq!(user.pending_email, LOVELACE);
    let until = user.pending_email_expire_time.as_ref().unwrap();
    assert_eq!(until.seconds, app.now() + 86_400);
    assert_ne!(user.etag, before.etag);
    assert_eq!(app.get_me(&access).await.unwrap(), user);
    let new = app.log_in(LOVELACE, PASSWORD).await;
    assert_eq!(refusal(new), "INVALID_CREDENTIALS");
    app.log_in(ADA, PASSWORD).await.unwrap();
    ask_for_reset(&app, LOVELACE).await;
    let token = server.mailed(LOVELACE, CONFIRM_NEW, 1).await[0].token();
    all_sent(&app).await;
    assert_eq!(count(ADA, NOTICE), 0);

    confirm(&app, &access, &token).await.unwrap();

    let user = app.get_me(&access).await.unwrap();
    assert_eq!((&*user.email, user.email_verified), (LOVELACE, true));
    assert_eq!(user.pending_email, "");
    assert_eq!(user.pending_email_expire_time, None);
    app.refresh(&other.refresh_token).await.unwrap();
    let old = app.log_in(ADA, PASSWORD).await;
    assert_eq!(refusal(old), "INVALID_CREDENTIALS");
    app.log_in(LOVELACE, PASSWORD).await.unwrap();
    let notice = &server.mailed(ADA, NOTICE, 1).await[0];
    assert!(!notice.text.contains("lovelace"), "{}", notice.text);
    for kind in ["email_change_requested", "email_changed"] {
        assert_eq!(app.audited(kind).await, 1);
    }
    assert_eq!(count(LOVELACE, ""), 1);
    assert_ne!(app.sign_up(ADA).await.unwrap().id, user.id);
}

#[tokio::test]
async fn an_email_of_another_account_is_refused_and_ones_own_is_not() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;
    app.sign_up("bob@example.com").await.unwrap();

    let status = change(&app, &access, PASSWORD, "BOB@example.com")
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(reason(&status), "EMAIL_TAKEN");
    let status = change(&app, &access, PASSWORD, "nowhere")
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "EMAIL_INVALID");
    assert_eq!(fields(&status), ["new_email"]);

    let user = app.get_me(&access).await.unwrap();
    let same = change(&app, &access, PASSWORD, "ADA@example.com").await;
    assert_eq!(same.unwrap(), user);
    app.log_in(ADA, PASSWORD).await.unwrap();
    app.log_in("bob@example.com", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_changes_nothing_and_is_slowed_down() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;

    for _ in 0..3 {
        let status = change(&app, &access, OTHER_PASSWORD, LOVELACE)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    }

    let throttled = change(&app, &access, PASSWORD, LOVELACE).await;
    assert_eq!(refusal(throttled), "LOG_IN_THROTTLED");
    assert_eq!(app.get_me(&access).await.unwrap().email, ADA);
    app.log_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(app.audited("email_change_failed").await, 3);
    assert_eq!(app.audited("password_change_failed").await, 0);
}

#[tokio::test]
async fn a_user_learns_of_five_emails_whether_they_have_an_account_and_then_of_one_an_hour() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;
    app.sign_up("bob@example.com").await.unwrap();
    let replica = app.replica().await;
    let ask = async |app: &App| refusal(change(app, &access, PASSWORD, "bob@example.com").await);

    for number in 0..5 {
        assert_eq!(ask([&app, &replica][number % 2]).await, "EMAIL_TAKEN");
    }

    let status = change(&replica, &access, PASSWORD, "nobody@example.com").await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "EMAIL_CHANGE_THROTTLED");
    let delay = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(delay.unwrap().as_secs(), 3600);
    assert_eq!(app.audited("email_change_taken").await, 5);
    assert_eq!(app.audited("email_change_failed").await, 0);
    // Setting her own address is not limited, because the response reveals nothing.
    change(&app, &access, PASSWORD, ADA).await.unwrap();
    app.advance(3600);
    let access = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
}

#[tokio::test]
async fn a_change_of_the_email_counts_for_its_address_as_a_sign_up_does() {
    let app = App::alone(&["--rate-limits=off,sign_up:ip=2/h"]).await;
    let access = app.user(ADA).await.access_token;
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();

    let limited = change(&app, &access, PASSWORD, ADA).await;

    assert_eq!(refusal(limited), "RATE_LIMITED");
}

#[tokio::test]
async fn what_was_mailed_to_the_old_address_is_dead_also_when_it_comes_back() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.user(ADA).await.access_token;
    let confirm = server.mailed(ADA, CONFIRM, 1).await[0].token();
    let choose = token(&app, &server, ADA, 1).await;

    let dead = async || {
        let refused = verify(&app, &confirm).await;
        assert_eq!(refusal(refused), "EMAIL_TOKEN_INVALID");
        let refused = reset(&app, &choose, OTHER_PASSWORD).await;
        assert_eq!(refusal(refused), "RESET_TOKEN_INVALID");
    };
    moved(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    dead().await;
    moved(&app, &access, PASSWORD, ADA).await.unwrap();
    dead().await;

    app.log_in(ADA, PASSWORD).await.unwrap();
}

/// A sender that created a token while the e-mail changed leaves the token in the table.
#[tokio::test]
async fn a_token_is_bound_to_its_email_even_where_it_is_still_there() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.user(ADA).await.access_token;
    let confirm = server.mailed(ADA, CONFIRM, 1).await[0].token();
    let choose = token(&app, &server, ADA, 1).await;
    app.sql("CREATE TABLE public.kept AS SELECT * FROM auth.email_tokens")
        .await;
    moved(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    app.sql("INSERT INTO auth.email_tokens SELECT * FROM public.kept")
        .await;
    // The address now belongs to someone else.
    app.sign_up(ADA).await.unwrap();

    assert_eq!(refusal(verify(&app, &confirm).await), "EMAIL_TOKEN_INVALID");
    assert_eq!(
        refusal(reset(&app, &choose, OTHER_PASSWORD).await),
        "RESET_TOKEN_INVALID"
    );

    app.log_in(ADA, PASSWORD).await.unwrap();
    app.log_in(LOVELACE, PASSWORD).await.unwrap();
}
