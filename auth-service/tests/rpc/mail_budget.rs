//! How much mail an address receives.

use crate::app::{App, OTHER_PASSWORD, PASSWORD};
use crate::change_email::moved as change_email;
use crate::change_password::change;
use crate::deletion::delete;
use crate::email_verification::{ask, verify};
use crate::mail::all_sent;
use crate::mail_server::MailServer;
use crate::password_reset::ask as ask_for_reset;

const ADA: &str = "ada@example.com";
const CONFIRM: &str = "Confirm your e-mail address";
const CHOOSE: &str = "Subject: Choose a new password";
const CHANGED: &str = "Your password was changed";

/// The mails to Ada, once no mail waits.
async fn mails(server: &MailServer, app: &App) -> usize {
    all_sent(app).await;
    let mails = server.mails();
    mails.iter().filter(|mail| mail.to == ADA).count()
}

#[tokio::test]
async fn mail_that_is_asked_for_shares_one_budget_over_all_kinds() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();

    for _ in 0..4 {
        ask(&app, ADA).await;
        ask_for_reset(&app, ADA).await;
    }
    // Three of all kinds, and two more resets.
    assert_eq!(mails(&server, &app).await, 3 + 2);
    app.advance(3600);
    for _ in 0..2 {
        ask_for_reset(&app, ADA).await;
        ask(&app, ADA).await;
    }

    assert_eq!(mails(&server, &app).await, 5 + 2);
}

/// Requests that send no mail, because there is nothing to verify or no account.
#[tokio::test]
async fn requests_that_send_nothing_use_nothing_up() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.confirmed(ADA).await;
    all_sent(&app).await;
    let before = server.mails().len();

    for _ in 0..10 {
        ask(&app, ADA).await;
        ask_for_reset(&app, "bob@example.com").await;
    }
    all_sent(&app).await;
    app.sign_up("bob@example.com").await.unwrap();
    for _ in 0..2 {
        ask_for_reset(&app, ADA).await;
        ask_for_reset(&app, "bob@example.com").await;
    }
    all_sent(&app).await;

    assert_eq!(server.mails().len() - before, 2 + 3);
}

#[tokio::test]
async fn no_other_mail_keeps_an_owner_from_a_reset() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let resets = async || {
        all_sent(&app).await;
        let mails = server.mails();
        mails
            .iter()
            .filter(|mail| mail.text.contains(CHOOSE))
            .count()
    };

    for hour in 1..=3 {
        for _ in 0..5 {
            ask(&app, ADA).await;
        }
        all_sent(&app).await;
        ask_for_reset(&app, ADA).await;
        assert_eq!(resets().await, hour);
        app.advance(3600);
    }

    // A stranger who requests resets cannot fill the mailbox either.
    let before = mails(&server, &app).await;
    for _ in 0..20 {
        ask_for_reset(&app, ADA).await;
    }
    assert_eq!(mails(&server, &app).await - before, 2);
}

#[tokio::test]
async fn the_budget_of_an_address_survives_its_accounts() {
    let server = MailServer::start().await;
    let app = server.app().await;

    for _ in 0..5 {
        let access = app.user(ADA).await.access_token;
        // Nothing is sent for a deleted account.
        all_sent(&app).await;
        delete(&app, &access, PASSWORD).await.unwrap();
    }

    assert_eq!(mails(&server, &app).await, 3);
}

#[tokio::test]
async fn an_unconfirmed_address_is_told_of_no_change() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.user(ADA).await.access_token;

    change(&app, &access, PASSWORD, OTHER_PASSWORD)
        .await
        .unwrap();

    assert_eq!(mails(&server, &app).await, 1);
}

#[tokio::test]
async fn a_confirmed_address_is_told_of_five_changes_then_of_one_an_hour() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    let token = server.mailed(ADA, CONFIRM, 1).await[0].token();
    verify(&app, &token).await.unwrap();
    let there_and_back = async || {
        let access = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
        for (current, new) in [(PASSWORD, OTHER_PASSWORD), (OTHER_PASSWORD, PASSWORD)] {
            change(&app, &access, current, new).await.unwrap();
        }
    };

    for _ in 0..4 {
        there_and_back().await;
    }
    assert_eq!(mails(&server, &app).await, 1 + 5);
    app.advance(3600);
    there_and_back().await;

    assert_eq!(mails(&server, &app).await, 1 + 6);
    assert_eq!(server.mailed(ADA, CHANGED, 6).await.len(), 6);
    // Notices of other kinds are still sent.
    let access = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    let moved = change_email(&app, &access, PASSWORD, "lovelace@example.com").await;
    moved.unwrap();
    server
        .mailed(ADA, "Your e-mail address was changed", 1)
        .await;
}
