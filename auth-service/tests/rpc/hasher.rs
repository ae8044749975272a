//! The hasher under load.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use proto::auth::v1::LogInRequest;
use tokio::task::JoinSet;
use tonic::Code;
use tonic_types::StatusExt;

use crate::app::{App, PASSWORD, in_time, reason};
use crate::metrics;

fn request(number: u8) -> LogInRequest {
    LogInRequest {
        // Only a few log-ins of the same e-mail are checked at a time.
        email: format!("user-{number}@example.org"),
        password: PASSWORD.into(),
        ..LogInRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_does_not_fit_the_queue_is_shed_with_a_time_to_come_back() {
    // A hash takes some 100 ms: one runs, one waits.
    let app = App::alone(&[
        "--hasher-threads=1",
        "--hasher-queue=1",
        "--argon2-memory-kib=65536",
        "--argon2-iterations=3",
    ])
    .await;

    let next = AtomicU8::new(0);
    // On a busy machine calls may arrive as slowly as they are answered: again.
    let (shed, done) = in_time("nothing is shed", async || {
        let mut calls = JoinSet::new();
        for _ in 0..16 {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let mut auth = app.auth.clone();
            calls.spawn(async move { auth.log_in(request(number)).await.unwrap_err() });
        }
        let answers = calls.join_all().await.into_iter();
        let (shed, done): (Vec<_>, Vec<_>) =
            answers.partition(|status| status.code() == Code::ResourceExhausted);
        (!shed.is_empty() && done.len() >= 2).then_some((shed, done))
    })
    .await;

    for status in shed {
        assert_eq!(reason(&status), "HASHER_OVERLOADED");
        let retry = status
            .get_error_details()
            .retry_info()
            .unwrap()
            .retry_delay
            .unwrap();
        assert!(
            retry >= Duration::from_millis(100) && retry < Duration::from_secs(10),
            "{retry:?}"
        );
    }
    for status in done {
        assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_password_of_a_client_that_left_is_not_hashed() {
    // One at a time, a second each.
    let (app, at) = metrics::app(&[
        "--hasher-threads=1",
        "--argon2-memory-kib=65536",
        "--argon2-iterations=24",
    ])
    .await;
    // Of one e-mail again and again, they would be refused without a hash.
    let next = AtomicU8::new(0);
    let log_in = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        assert!(number < 60, "the machine is too busy");
        let mut auth = app.auth.clone();
        tokio::spawn(async move { auth.log_in(request(number)).await.unwrap_err() })
    };
    let is_one = async |name| format!("{}", metrics::number(at, name).await) == "1";
    // The first one also computes the hash for unknown e-mails.
    log_in().await.unwrap();
    let (before, runs) = 'busy: loop {
        // A hash is counted after its response.
        metrics::until(at, "hasher_running", 0.0).await;
        let before = metrics::number(at, "hash_seconds_count").await;
        let runs = log_in();
        while !runs.is_finished() && !is_one("hasher_running").await {}
        let leaves = log_in();
        while !runs.is_finished() {
            if is_one("hasher_waiting").await {
                leaves.abort();
                break 'busy (before, runs);
            }
        }
        // On a busy machine the second one came too late.
        leaves.await.unwrap();
    };

    in_time("the call of the client that left stays", async || {
        let calls = "calls_in_flight{rpc=\"AuthService/LogIn\"}";
        (metrics::number(at, calls).await <= 1.0).then_some(())
    })
    .await;
    runs.await.unwrap();
    metrics::until(at, "hasher_skipped_total", 1.0).await;
    metrics::until(at, "hasher_running", 0.0).await;
    let hashed = metrics::number(at, "hash_seconds_count").await - before;
    assert_eq!(format!("{hashed}"), "1");
}
