//! Streams whose caller loses the right to read them.

use std::time::Duration;

use proto::auth::v1::WatchRevocationsRequest;
use proto::auth::v1::watch_revocations_response::Revoked;
use tonic::Status;

use crate::admin::Admin;
use crate::app::{App, bearer, reason};
use crate::programs::{asks, client, issue};
use crate::revocations::{Feed, caught_up};

/// A program that may subscribe to revocations.
async fn watcher(app: &App, by: &Admin) -> (String, Feed) {
    let made = by.create("mailer", &["auth.revocations"]).await;
    let (_, secret) = made.unwrap();
    let mut feed = watch(app, &secret).await.unwrap();
    caught_up(&mut feed).await;
    (secret, feed)
}

async fn watch(app: &App, secret: &str) -> Result<Feed, Status> {
    let issued = issue(app, asks("mailer", secret, &[])).await.unwrap();
    let request = bearer(WatchRevocationsRequest::default(), &issued.access_token);
    let answer = client(app).watch_revocations(request).await?;
    Ok(answer.into_inner())
}

/// Returns what a feed sends until it fails, and the reason. It must fail within 20 s.
async fn end(feed: &mut Feed) -> (Vec<Revoked>, String) {
    let mut told = Vec::new();
    let reading = async {
        loop {
            match feed.message().await {
                Ok(answer) => told.extend(answer.expect("a reason").revoked),
                Err(status) => return reason(&status),
            }
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
    let reason = read.expect("the stream does not end");
    (told, reason)
}

#[tokio::test]
async fn a_program_that_was_deleted_is_told_nothing_more() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let (_, mut feed) = watcher(&app, &by).await;
    let ada = app.user("ada@example.org").await;

    by.delete("mailer").await.unwrap();
    app.log_out(&ada.refresh_token).await.unwrap();

    assert_eq!(end(&mut feed).await, (vec![], "TOKEN_REVOKED".to_owned()));
}

#[tokio::test]
async fn tokens_end_with_the_first_secret_of_a_program_that_ends() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let (_, mut feed) = watcher(&app, &by).await;
    let ada = app.user("ada@example.org").await;
    app.advance(1);
    by.rotate_secret("mailer").await.unwrap();
    caught_up(&mut feed).await;

    app.advance(1);
    let latest = by.rotate_secret("mailer").await.unwrap();
    app.log_out(&ada.refresh_token).await.unwrap();

    assert_eq!(end(&mut feed).await, (vec![], "TOKEN_REVOKED".to_owned()));
    // Within the same second, too.
    let mut feed = watch(&app, &latest).await.unwrap();
    let (told, _) = caught_up(&mut feed).await;
    assert!(
        told.contains(&Revoked::SessionId(ada.session_id)),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_feed_ends_with_the_token_that_it_was_asked_for_with() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let (_, mut feed) = watcher(&app, &by).await;

    app.advance(600);

    assert_eq!(end(&mut feed).await.1, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_feed_ends_with_its_scope() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let (_, mut feed) = watcher(&app, &by).await;

    app.sql("UPDATE auth.service_accounts SET scopes = '{auth.introspect}'")
        .await;

    assert_eq!(end(&mut feed).await.1, "INSUFFICIENT_SCOPE");
}
