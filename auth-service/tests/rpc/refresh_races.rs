//! `RefreshToken`, many calls at once.

use std::collections::HashSet;

use proto::auth::v1::{LogOutRequest, RefreshTokenRequest};
use tokio::task::JoinSet;

use crate::app::{App, refusal};

fn request(token: &str) -> RefreshTokenRequest {
    RefreshTokenRequest {
        refresh_token: token.into(),
        ..RefreshTokenRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forty_refreshes_of_one_token_give_one_successor() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let (mut auth, request) = (app.auth.clone(), request(&token));
        calls.spawn(async move { auth.refresh_token(request).await.unwrap().into_inner() });
    }

    let answers = calls.join_all().await;

    let successors: HashSet<_> = answers
        .iter()
        .map(|answer| answer.tokens.as_ref().unwrap().refresh_token.clone())
        .collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    let generation: i64 = sqlx::query_scalar("SELECT gen FROM auth.sessions")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(generation, 1);
    let successor = successors.into_iter().next().unwrap();
    assert!(!app.refresh(&successor).await.unwrap().replayed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refreshes_that_meet_at_the_row_are_one_exchange() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    let held = app
        .begin_with("SELECT 1 FROM auth.sessions FOR UPDATE")
        .await;
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let (mut auth, request) = (app.auth.clone(), request(&token));
        calls.spawn(async move { auth.refresh_token(request).await.unwrap().into_inner() });
    }

    // All four wait for the row's lock, and each has read the old token.
    app.waiting_for_a_lock(4).await;
    held.rollback().await.unwrap();
    let answers = calls.join_all().await;

    assert_eq!(answers.iter().filter(|answer| answer.replayed).count(), 3);
    let successors: HashSet<_> = answers
        .iter()
        .map(|answer| answer.tokens.as_ref().unwrap().refresh_token.clone())
        .collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refresh_that_waits_for_a_log_out_loses() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    let log_out = app
        .begin_with("UPDATE auth.sessions SET revoke_time = now(), revoke_reason = 'log_out'")
        .await;
    let (mut auth, request) = (app.auth.clone(), request(&token));
    let refresh = tokio::spawn(async move { auth.refresh_token(request).await });

    app.waiting_for_a_lock(1).await;
    log_out.commit().await.unwrap();

    assert_eq!(refusal(refresh.await.unwrap()), "SESSION_REVOKED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_log_out_no_refresh_of_the_same_moment_lives() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    for _ in 0..20 {
        let token = app
            .log_in("ada@example.org", crate::app::PASSWORD)
            .await
            .unwrap()
            .refresh_token;
        let (mut refreshing, mut leaving) = (app.auth.clone(), app.auth.clone());
        let leave = LogOutRequest {
            refresh_token: token.clone(),
        };

        let (refreshed, left) = tokio::join!(
            tokio::spawn({
                let request = request(&token);
                async move { refreshing.refresh_token(request).await }
            }),
            tokio::spawn(async move { leaving.log_out(leave).await }),
        );

        left.unwrap().unwrap();
        match refreshed.unwrap() {
            Ok(answer) => {
                let successor = answer.into_inner().tokens.unwrap().refresh_token;
                assert_eq!(refusal(app.refresh(&successor).await), "SESSION_REVOKED");
            }
            Err(status) => assert_eq!(crate::app::reason(&status), "SESSION_REVOKED"),
        }
    }
}
