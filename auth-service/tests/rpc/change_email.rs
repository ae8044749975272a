//! `ChangeEmail`.

use proto::auth::v1::{ChangeEmailRequest, User};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, fields, reason, refusal};
use crate::email_verification::verify;
use crate::mail_server::MailServer;
use crate::password_reset::{reset, token};

const ADA: &str = "ada@example.com";
const LOVELACE: &str = "lovelace@example.com";
const CONFIRM: &str = "Confirm your e-mail address";

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

#[tokio::test]
async fn the_new_email_logs_in_and_the_old_one_is_free() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let session = app.user(ADA).await;
    let other = app.log_in(ADA, PASSWORD).await.unwrap();
    let confirm = server.mailed(ADA, CONFIRM, 1).await[0].token();
    verify(&app, &confirm).await.unwrap();

    let user = change(
        &app,
        &session.access_token,
        PASSWORD,
        " Lovelace@Example.com",
    )
    .await
    .unwrap();

    assert_eq!(user.email, LOVELACE);
    assert!(!user.email_verified);
    assert_eq!(app.get_me(&session.access_token).await.unwrap(), user);
    app.refresh(&other.refresh_token).await.unwrap();
    assert_eq!(
        refusal(app.log_in(ADA, PASSWORD).await),
        "INVALID_CREDENTIALS"
    );
    app.log_in(LOVELACE, PASSWORD).await.unwrap();
    assert!(app.audit().await.contains(&"email_changed".to_owned()));
    let notice = &server
        .mailed(ADA, "Your e-mail address was changed", 1)
        .await[0];
    assert!(!notice.text.contains("lovelace"), "{}", notice.text);
    let confirm = server.mailed(LOVELACE, CONFIRM, 1).await[0].token();
    verify(&app, &confirm).await.unwrap();
    let user = app.get_me(&session.access_token).await.unwrap();
    assert!(user.email_verified);
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
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
    dead().await;
    change(&app, &access, PASSWORD, ADA).await.unwrap();
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
    change(&app, &access, PASSWORD, LOVELACE).await.unwrap();
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
    assert!(!app.get_me(&access).await.unwrap().email_verified);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_accounts_that_want_one_address_one_gets_it() {
    let app = App::start().await;
    let ada = app.user(ADA).await.access_token;
    let bob = app.user("bob@example.com").await.access_token;

    let (first, second) = tokio::join!(
        change(&app, &ada, PASSWORD, LOVELACE),
        change(&app, &bob, PASSWORD, LOVELACE),
    );

    let lost = [first, second].into_iter().filter_map(Result::err);
    let lost: Vec<_> = lost.map(|status| reason(&status)).collect();
    assert_eq!(lost, ["EMAIL_TAKEN"]);
    app.log_in(LOVELACE, PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_of_one_account_at_once_one_wins() {
    let app = App::start().await;
    let access = app.user(ADA).await.access_token;

    let (first, second) = tokio::join!(
        change(&app, &access, PASSWORD, LOVELACE),
        change(&app, &access, PASSWORD, "ada.king@example.com"),
    );

    assert!(first.is_ok() || second.is_ok());
    let emails: Vec<String> = sqlx::query_scalar("SELECT email_norm FROM auth.emails")
        .fetch_all(&app.db)
        .await
        .unwrap();
    assert_eq!(emails, [app.get_me(&access).await.unwrap().email]);
}
