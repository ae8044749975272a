//! How mail is sent from the outbox to the mail server.

use std::collections::HashSet;

use auth_service::purge;
use proto::auth::v1::{RequestPasswordResetRequest, SendEmailVerificationRequest};

use crate::app::{App, PASSWORD, in_time};
use crate::mail_server::{MailServer, Manner};

const ADA: &str = "ada@example.com";
const CONFIRM: &str = "Confirm your e-mail address";

/// The number of rows in the outbox, and of all their attempts.
async fn waiting(app: &App) -> (i64, i64) {
    let sql = "SELECT count(*), COALESCE(sum(attempts), 0)::bigint FROM auth.outbox";
    sqlx::query_as(sql).fetch_one(&app.db).await.unwrap()
}

/// Returns when no mail waits.
pub(crate) async fn all_sent(app: &App) {
    in_time("mail waits in the outbox", async || {
        (waiting(app).await.0 == 0).then_some(())
    })
    .await;
}

/// Returns when one mail was tried so often, and waits for its next attempt.
async fn postponed(app: &App, attempts: i64) {
    all_postponed(app, attempts, 1).await;
}

async fn all_postponed(app: &App, attempts: i64, count: i64) {
    // A lease is longer than the first pauses.
    let sql = "SELECT count(*) FROM auth.outbox
               WHERE attempts = $1 AND due_time < to_timestamp($2) + interval '1 minute'";
    let now = app.clock().now().timestamp();
    in_time("no mail waits for another attempt", async || {
        let query = sqlx::query_scalar(sql).bind(attempts).bind(now);
        let waiting: i64 = query.fetch_one(&app.db).await.unwrap();
        (waiting == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_sign_up_has_a_mail_sent() {
    let server = MailServer::start().await;
    let app = server.app().await;

    app.sign_up("  Ada@EXAMPLE.com ").await.unwrap();

    let [mail] = server.mailed(ADA, CONFIRM, 1).await.try_into().unwrap();
    assert_eq!(mail.from, "noreply@example.com");
    assert_eq!(mail.header("To"), ADA);
    assert_eq!(
        mail.header("From"),
        "\"Address book\" <noreply@example.com>"
    );
    assert_eq!(mail.header("Date"), "Fri, 15 Jan 2027 08:00:00 +0000");
    let link = format!(
        "\r\nhttps://app.example.com/verify-email#token={}\r\n",
        mail.token()
    );
    assert!(mail.text.contains(&link), "{}", mail.text);
    assert!(mail.text.contains("from 127.0.0.1 on 2027-01-15"));
    all_sent(&app).await;
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn mail_waits_for_a_server_that_is_away_and_arrives_once() {
    let server = MailServer::start().await;
    let (address, app) = (server.address, server.app().await);
    drop(server);

    app.sign_up(ADA).await.unwrap();
    app.log_in(ADA, PASSWORD).await.unwrap();
    postponed(&app, 1).await;
    app.advance(5);
    postponed(&app, 2).await;
    let server = MailServer::start_at(address).await;
    app.advance(10);

    let mails = server.mailed(ADA, CONFIRM, 1).await;
    all_sent(&app).await;
    assert_eq!((mails.len(), server.mails().len()), (1, 1));
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again() {
    let server = MailServer::start().await;
    let app = server.app().await;
    for refusal in [
        Manner::RefusesRecipient("450 4.2.1 mailbox <ada@example.com> busy"),
        // The cause is not the mail but the operator's settings.
        Manner::RefusesSender("530 5.7.0 authentication required"),
    ] {
        server.behave(refusal);
        let email = format!("{}@example.com", uuid::Uuid::now_v7());
        app.sign_up(&email).await.unwrap();
        postponed(&app, 1).await;
        assert_eq!(server.mailed(&email, CONFIRM, 0).await.len(), 0);

        server.behave(Manner::Takes);
        app.advance(5);

        assert_eq!(server.mailed(&email, CONFIRM, 1).await.len(), 1);
        all_sent(&app).await;
    }
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_given_up() {
    let server = MailServer::start().await;
    let app = server.app().await;
    server.behave(Manner::RefusesRecipient("550 5.1.1 no such mailbox"));

    app.sign_up(ADA).await.unwrap();

    server.refused(1).await;
    all_sent(&app).await;
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn mail_that_is_too_old_is_given_up() {
    let server = MailServer::start().await;
    let app = server.app().await;
    server.behave(Manner::RefusesRecipient("450 4.2.1 busy"));
    app.sign_up(ADA).await.unwrap();
    postponed(&app, 1).await;

    app.advance(86_400);

    all_sent(&app).await;
    server.behave(Manner::Takes);
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_send_each_mail_once() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let flags = server.flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let replica = app.replica_with(&flags).await;
    // More than one sender leases at a time, due at the same moment: a sender that waits
    // for replies leases no others.
    server.behave(Manner::RefusesRecipient("450 4.2.1 busy"));
    for number in 0..15 {
        let at = if number % 2 == 0 { &app } else { &replica };
        at.sign_up(&format!("ada{number}@example.com"))
            .await
            .unwrap();
    }
    all_postponed(&app, 1, 15).await;
    server.behave(Manner::Takes);
    server.hold();
    app.advance(5);
    server.begun(15).await;
    // Both now wait for replies, and this one would lease their mails as well.
    let third = app.replica_with(&flags).await;
    third.sign_up("ada15@example.com").await.unwrap();
    server.begun(16).await;
    server.release();
    all_sent(&app).await;
    server.answered().await;

    let mails = server.mails();
    let ids: HashSet<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    let receivers: HashSet<_> = mails.iter().map(|mail| &mail.to).collect();
    assert_eq!((mails.len(), ids.len(), receivers.len()), (16, 16, 16));
}

#[tokio::test]
async fn a_mail_whose_ok_was_lost_comes_again_as_the_same_mail() {
    let server = MailServer::start().await;
    let app = server.app().await;
    server.behave(Manner::HangsUp);
    app.sign_up(ADA).await.unwrap();
    postponed(&app, 1).await;

    server.behave(Manner::Takes);
    app.advance(5);

    let [first, second] = server.mailed(ADA, CONFIRM, 2).await.try_into().unwrap();
    assert_eq!(first.text, second.text);
    assert!(first.header("Message-ID").ends_with("@example.com>"));
    all_sent(&app).await;
}

#[tokio::test]
async fn a_mail_that_a_dead_sender_took_is_sent_when_its_lease_ends() {
    let server = MailServer::start().await;
    let app = App::start().await;
    let flags = server.flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    server.hold();
    let dying = app.replica_with(&flags).await;
    dying.sign_up(ADA).await.unwrap();
    server.begun(1).await;
    drop(dying);
    let replica = app.replica_with(&flags).await;

    app.advance(121);
    server.begun(2).await;
    server.release();

    all_sent(&replica).await;
    let mails = server.mailed(ADA, CONFIRM, 1).await;
    assert!(mails.iter().all(|mail| mail.text == mails[0].text));
}

#[tokio::test]
async fn without_a_way_to_send_calls_succeed_and_nothing_is_kept() {
    let app = App::start().await;

    let user = app.sign_up(ADA).await.unwrap();
    app.auth
        .clone()
        .send_email_verification(SendEmailVerificationRequest { email: ADA.into() })
        .await
        .unwrap();
    app.auth
        .clone()
        .request_password_reset(RequestPasswordResetRequest { email: ADA.into() })
        .await
        .unwrap();

    assert!(!user.email_verified);
    assert_eq!(waiting(&app).await, (0, 0));
}

#[tokio::test]
async fn a_folder_takes_mail_in_place_of_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail");
    let app = App::start_with(&[&format!("--mail-folder={}", path.display())]).await;

    app.sign_up(ADA).await.unwrap();

    all_sent(&app).await;
    let mut files: Vec<_> = std::fs::read_dir(&path).unwrap().collect();
    let file = files.pop().unwrap().unwrap().path();
    assert!(files.is_empty());
    assert_eq!(file.extension().unwrap(), "eml");
    let mail = std::fs::read_to_string(file).unwrap();
    assert!(mail.contains("To: ada@example.com\r\n"), "{mail}");
    assert!(mail.contains("\r\net1_"), "{mail}");
}

#[tokio::test]
async fn tokens_and_mail_whose_time_is_over_are_forgotten() {
    let server = MailServer::start().await;
    let app = server.app().await;
    app.sign_up(ADA).await.unwrap();
    server.mailed(ADA, CONFIRM, 1).await;
    all_sent(&app).await;
    // As if no sender had run since.
    app.sql(
        "INSERT INTO auth.outbox
         SELECT gen_random_uuid(), ''::bytea, time, time + interval '1 year', time, 0
         FROM to_timestamp(1800000000) AS time",
    )
    .await;
    let db = sqlx::PgPool::connect_with(app.database.connect_options("auth_service"))
        .await
        .unwrap();
    let counted = async || {
        let sql = "SELECT (SELECT count(*) FROM auth.email_tokens), count(*) FROM auth.outbox";
        sqlx::query_as::<_, (i64, i64)>(sql)
            .fetch_one(&app.db)
            .await
            .unwrap()
    };
    let life = chrono::TimeDelta::minutes(11);

    let day = chrono::TimeDelta::days(1);
    purge::batch(&db, life, app.clock().now() + day)
        .await
        .unwrap();
    // A mail that is not due is leased by another sender.
    assert_eq!(counted().await, (1, 1));
    let later = app.clock().now() + chrono::TimeDelta::days(400);
    purge::batch(&db, life, later).await.unwrap();

    assert_eq!(counted().await, (0, 0));
}
