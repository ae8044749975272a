//! `WatchRevocations`.

use std::time::Duration;

use proto::auth::v1::watch_revocations_response::Revoked;
use proto::auth::v1::{
    RevokeOtherSessionsRequest, WatchRevocationsRequest, WatchRevocationsResponse,
};
use tonic::{Code, Streaming};

use crate::app::{App, PASSWORD, bearer, reason, refusal};
use crate::database_away::close_database;
use crate::programs::{app, client, token};

pub(crate) type Feed = Streaming<WatchRevocationsResponse>;

pub(crate) async fn watch(app: &App, cursor: &str) -> Feed {
    let request = WatchRevocationsRequest {
        since_cursor: cursor.into(),
    };
    let request = bearer(request, &token(app).await);
    let answer = client(app).watch_revocations(request).await;
    answer.unwrap().into_inner()
}

/// Reads until all revocations so far have arrived.
pub(crate) async fn caught_up(feed: &mut Feed) -> (Vec<Revoked>, String) {
    let mut told = Vec::new();
    loop {
        let answer = feed.message().await.unwrap().unwrap();
        told.extend(answer.revoked);
        if answer.caught_up {
            return (told, answer.cursor);
        }
    }
}

/// Reads until a revocation arrives, for at most 20 s.
pub(crate) async fn next(feed: &mut Feed) -> (Vec<Revoked>, String) {
    let reading = async {
        loop {
            let (told, cursor) = caught_up(feed).await;
            if !told.is_empty() {
                return (told, cursor);
            }
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
    read.expect("nothing is revoked")
}

pub(crate) fn session(id: &str) -> Revoked {
    Revoked::SessionId(id.into())
}

#[tokio::test]
async fn a_log_out_is_told_by_every_replica() {
    let app = app().await;
    let replica = app.replica().await;
    let tokens = app.user("ada@example.org").await;
    let mut feeds = [watch(&app, "").await, watch(&replica, "").await];
    for feed in &mut feeds {
        assert_eq!(caught_up(feed).await.0, []);
    }

    app.log_out(&tokens.refresh_token).await.unwrap();

    for feed in &mut feeds {
        assert_eq!(next(feed).await.0, [session(&tokens.session_id)]);
    }
}

#[tokio::test]
async fn each_way_to_end_a_session_is_told() {
    let app = app().await;
    let mine = app.user("ada@example.org").await;
    let other = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let stolen = app.user("bob@example.org").await;
    let mut feed = watch(&app, "").await;

    let all = bearer(RevokeOtherSessionsRequest {}, &mine.access_token);
    app.account
        .clone()
        .revoke_other_sessions(all)
        .await
        .unwrap();
    assert_eq!(next(&mut feed).await.0, [session(&other.session_id)]);

    app.refresh(&stolen.refresh_token).await.unwrap();
    app.advance(60);
    let thief = app.refresh(&stolen.refresh_token).await;
    assert_eq!(refusal(thief), "REFRESH_TOKEN_REUSED");
    assert_eq!(next(&mut feed).await.0, [session(&stolen.session_id)]);
}

#[tokio::test]
async fn a_new_watcher_hears_what_living_tokens_can_be_about() {
    let app = app().await;
    let old = app.user("ada@example.org").await;
    app.log_out(&old.refresh_token).await.unwrap();
    app.advance(700);
    let tokens = app.user("bob@example.org").await;
    app.log_out(&tokens.refresh_token).await.unwrap();

    let (told, _) = caught_up(&mut watch(&app, "").await).await;

    assert_eq!(told, [session(&tokens.session_id)]);
}

#[tokio::test]
async fn a_watcher_goes_on_where_it_was_cut_off() {
    let app = app().await;
    let ada = app.user("ada@example.org").await;
    let bob = app.user("bob@example.org").await;
    app.log_out(&ada.refresh_token).await.unwrap();
    let (_, cursor) = caught_up(&mut watch(&app, "").await).await;
    app.advance(3600);
    app.sql("UPDATE auth.sessions SET idle_expire_time = 'infinity'")
        .await;
    app.log_out(&bob.refresh_token).await.unwrap();

    let (told, _) = caught_up(&mut watch(&app, &cursor).await).await;

    assert!(told.contains(&session(&bob.session_id)), "{told:?}");
}

#[tokio::test]
async fn what_a_slow_transaction_revoked_is_told_late_and_once() {
    let app = app().await;
    let tokens = app.user("ada@example.org").await;
    let mut feed = watch(&app, "").await;
    let (_, _) = caught_up(&mut feed).await;

    let mut slow = app.db.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO auth.revocations SELECT user_id, id, to_timestamp($1) FROM auth.sessions",
    )
    .bind(f64::from(1_800_000_000_u32))
    .execute(&mut *slow)
    .await
    .unwrap();
    app.advance(30);
    let bob = app.user("bob@example.org").await;
    app.log_out(&bob.refresh_token).await.unwrap();
    assert_eq!(next(&mut feed).await.0, [session(&bob.session_id)]);
    slow.commit().await.unwrap();

    assert_eq!(next(&mut feed).await.0, [session(&tokens.session_id)]);
    for _ in 0..2 {
        assert_eq!(caught_up(&mut feed).await.0, []);
    }
}

#[tokio::test]
async fn only_its_scope_may_watch() {
    let app = app().await;
    let user = app.user("ada@example.org").await.access_token;

    let request = bearer(WatchRevocationsRequest::default(), &user);
    let status = client(&app).watch_revocations(request).await.unwrap_err();

    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "INSUFFICIENT_SCOPE");
}

#[tokio::test]
async fn a_cursor_of_ones_own_making_is_refused() {
    let app = app().await;
    let request = WatchRevocationsRequest {
        since_cursor: "yesterday".into(),
    };
    let request = bearer(request, &token(&app).await);

    let answer = client(&app).watch_revocations(request).await;

    assert_eq!(refusal(answer), "CURSOR_INVALID");
}

#[tokio::test]
async fn a_feed_fails_with_the_database_and_says_so() {
    let app = app().await;
    let mut feed = watch(&app, "").await;
    caught_up(&mut feed).await;

    close_database(&app).await;

    let failed = loop {
        match feed.message().await {
            Ok(answer) => assert!(answer.is_some(), "the feed ended without a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(failed.code(), Code::Unavailable);
}
