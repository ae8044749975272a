//! Changes through one replica, streamed by another.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::app::App;
use crate::mirror::{Mirror, heard};
use crate::owner::Owner;
use crate::sample::ada;

/// One user, calling through either replica.
async fn two(app: &App) -> [Owner; 2] {
    let user = Uuid::now_v7();
    let second = app.another_instance().await;
    [
        app.owner_on(app.channel.clone(), user),
        app.owner_on(second, user),
    ]
}

/// The time until the other replica has streamed ten changes, each made after the
/// previous one arrived.
async fn ten_changes(app: &App) -> Duration {
    let [here, there] = two(app).await;
    let mut mirror = Mirror::default();
    let mut events = there.watch("").await.unwrap();
    mirror.catch_up(&mut events).await;
    let began = Instant::now();
    for count in 1..=10 {
        here.has(ada()).await;
        while mirror.contacts.len() < count {
            mirror.event(heard(&mut events).await);
        }
    }
    let took = began.elapsed();
    mirror.assert_same(&here).await;
    took
}

#[tokio::test]
async fn without_hints_the_poller_sees_every_change() {
    let app = App::with(&["--watch-listen", "off"]).await;

    println!("ten changes were told in {:?}", ten_changes(&app).await);
}

/// With only the poller it would take ten seconds.
#[tokio::test]
async fn with_hints_a_change_is_told_before_the_poller_looks() {
    let app = App::start().await;

    let took = ten_changes(&app).await;

    println!("ten changes were told in {took:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
}

/// A replica that cannot listen still polls, and streams writes of its own at once.
#[tokio::test]
async fn where_nobody_can_listen_changes_are_told_all_the_same() {
    let app = App::alone().await;
    let [here, there] = two(&app).await;
    let mut mirrors = Vec::new();
    for owner in [&here, &there] {
        let mut mirror = Mirror::default();
        let mut events = owner.watch("").await.unwrap();
        mirror.catch_up(&mut events).await;
        mirrors.push((mirror, events));
    }
    let end_listeners = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                         WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    let mut db = app.admin().await;
    let ended: i64 = sqlx::query_scalar(end_listeners)
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(ended, 2);

    for _ in 0..3 {
        here.has(ada()).await;
        there.has(ada()).await;
    }

    for (mirror, events) in &mut mirrors {
        while mirror.contacts.len() < 6 {
            mirror.event(heard(events).await);
        }
        mirror.assert_same(&here).await;
    }
}
