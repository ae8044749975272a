//! `SendShareNotice`: the mail to whom contacts are offered.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proto::auth::v1::SendShareNoticeRequest;
use tonic::{Code, Status};

use crate::app::{App, bearer, reason};
use crate::email_verification::ask;
use crate::mail::all_sent;
use crate::mail_server::MailServer;

const ADA: &str = "ada@example.com";
const SUBJECT: &str = "Contacts are offered to you";

async fn tell(app: &App, access: &str, to: &str) -> Result<(), Status> {
    let request = SendShareNoticeRequest {
        recipient_email: to.into(),
    };
    let mut account = app.account.clone();
    let answer = account.send_share_notice(bearer(request, access));
    answer.await.map(drop)
}

/// How many mails of this kind there are to an address, once no mail waits.
async fn mails(server: &MailServer, app: &App, to: &str) -> usize {
    all_sent(app).await;
    let mails = server.mails().into_iter();
    mails
        .filter(|mail| mail.to == to && mail.header("Subject") == SUBJECT)
        .count()
}

#[tokio::test]
async fn the_address_learns_who_offers_and_nothing_else() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.confirmed(ADA).await.access_token;
    app.confirmed("bob@example.com").await;

    for to in ["bob@example.com", "Nobody@EXAMPLE.com "] {
        tell(&app, &access, to).await.unwrap();
    }

    let texts = ["bob@example.com", "nobody@example.com"].map(async |to| {
        let [mail] = server.mailed(to, SUBJECT, 1).await.try_into().unwrap();
        assert_eq!(mail.from, "noreply@example.com");
        assert_eq!(mail.header("To"), to);
        assert_eq!(mail.header("Subject"), SUBJECT);
        let (_, text) = mail.text.split_once("\r\n\r\n").unwrap();
        text.to_owned()
    });
    let [bob, nobody] = texts;
    let (bob, nobody) = (bob.await, nobody.await);
    assert_eq!(bob, nobody);
    assert!(bob.contains("\r\n\r\nada@example.com\r\n\r\n"), "{bob}");
    assert_eq!(bob.matches('@').count(), 1);
    // Neither where the owner is nor when, no link, no token.
    for secret in ["127.0.0.1", "2027", "http", "et1_", "Ada "] {
        assert!(!bob.contains(secret), "{bob}");
    }
}

#[tokio::test]
async fn an_address_of_any_script_can_offer() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let owners = [
        "ada@xn--bcher-kva.example",
        "o'neil@example.com",
        "m\u{fc}ller@example.com",
        "\u{430}\u{434}\u{430}@example.com",
    ];
    for (number, owner) in owners.into_iter().enumerate() {
        let to = format!("bob{number}@example.com");
        let access = app.confirmed(owner).await.access_token;
        tell(&app, &access, &to).await.unwrap();

        let [mail] = server.mailed(&to, SUBJECT, 1).await.try_into().unwrap();
        let (_, text) = mail.text.split_once("\r\n\r\n").unwrap();
        let text = if mail.header("Content-Transfer-Encoding") == "base64" {
            let bytes = BASE64_STANDARD.decode(text.replace("\r\n", ""));
            String::from_utf8(bytes.unwrap()).unwrap()
        } else {
            text.to_owned()
        };
        assert!(mail.text.is_ascii());
        assert!(text.contains(&format!("\r\n\r\n{owner}\r\n\r\n")), "{text}");
    }
}

#[tokio::test]
async fn whoever_offers_has_a_verified_address_and_names_another() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.user(ADA).await.access_token;

    let refused = tell(&app, &access, "bob@example.com").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "EMAIL_NOT_VERIFIED");
    let access = app.confirmed("eve@example.com").await.access_token;
    for bad in [
        "",
        " ",
        "bob",
        "@example.com",
        "bob@",
        "bob@example.com, eve@example.com",
        "bob@example.com\r\nBcc: eve@example.com",
        "<bob@example.com>",
        "bob @example.com",
        "bob@exa mple.com",
        "bob@example..com",
        "b\0b@example.com",
    ] {
        let refused = tell(&app, &access, bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{bad:?}");
        assert_eq!(reason(&refused), "EMAIL_INVALID", "{bad:?}");
    }
    let refused = tell(&app, "x", "bob@example.com").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(mails(&server, &app, "bob@example.com").await, 0);
}

#[tokio::test]
async fn an_address_gets_three_and_then_one_an_hour_whoever_offers() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let to = "bob@example.com";
    app.sign_up(to).await.unwrap();
    for number in 0..5 {
        let owner = format!("owner{number}@example.com");
        let access = app.confirmed(&owner).await.access_token;
        tell(&app, &access, to).await.unwrap();
    }
    assert_eq!(mails(&server, &app, to).await, 3);
    // Other mail to the address is not kept back.
    ask(&app, to).await;
    server.mailed(to, "Confirm your e-mail address", 2).await;

    app.advance(3600);
    for number in 0..2 {
        let owner = format!("late{number}@example.com");
        let access = app.confirmed(&owner).await.access_token;
        tell(&app, &access, to).await.unwrap();
    }

    assert_eq!(mails(&server, &app, to).await, 4);
}

#[tokio::test]
async fn a_user_causes_twenty_and_then_one_an_hour() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let access = app.confirmed(ADA).await.access_token;
    let count = async || {
        all_sent(&app).await;
        let mails = server.mails().into_iter();
        mails
            .filter(|mail| mail.header("Subject") == SUBJECT)
            .count()
    };
    for number in 0..23 {
        tell(&app, &access, &format!("r{number}@example.com"))
            .await
            .unwrap();
    }
    assert_eq!(count().await, 20);
    // Another user's offers are not kept back.
    let other = app.confirmed("eve@example.com").await.access_token;
    tell(&app, &other, "r22@example.com").await.unwrap();
    assert_eq!(count().await, 21);

    app.advance(3600);
    let access = app
        .log_in(ADA, crate::app::PASSWORD)
        .await
        .unwrap()
        .access_token;
    for number in 30..33 {
        tell(&app, &access, &format!("r{number}@example.com"))
            .await
            .unwrap();
    }

    assert_eq!(count().await, 22);
}

#[tokio::test]
async fn without_a_way_to_send_the_answer_is_the_same() {
    let app = App::start().await;
    let access = app.confirmed(ADA).await.access_token;

    tell(&app, &access, "bob@example.com").await.unwrap();
}
