//! A client that makes too many calls is told when to retry.

use std::time::Duration;

use chassis::settings::config::ServerConfig;
use tokio::task::JoinSet;
use tonic::Code;
use tonic_types::StatusExt;

use crate::app::{App, EMPTY, TIME_LEFT, config};
use crate::wire::{Answer, Connection};

/// With these changes to the limits, and optionally a trusted proxy on this machine.
fn app(limits: &str, proxy: Option<&str>) -> App {
    let config = ServerConfig {
        rate_limits: limits.parse().unwrap(),
        trusted_proxies: proxy.map(|net| net.parse().unwrap()).into_iter().collect(),
        ..config()
    };
    App::with(config, Vec::new())
}

/// One call on a connection of its own: the threads of the server take turns.
async fn call(app: &App, path: &str, from: &str) -> Answer {
    let mut connection = Connection::open(app.address).await;
    connection.call(path, &[("x-forwarded-for", from)]).await
}

async fn is_limited(app: &App, from: &str) -> bool {
    let status = call(app, EMPTY, from).await.status;
    assert!(matches!(status.code(), Code::Ok | Code::ResourceExhausted));
    status.code() == Code::ResourceExhausted
}

#[tokio::test]
async fn a_call_too_many_is_told_what_it_was_and_when_to_come_back() {
    let app = app("empty:ip=3/h", None);
    for _ in 0..3 {
        assert_eq!(call(&app, EMPTY, "").await.status.code(), Code::Ok);
    }

    let answer = call(&app, EMPTY, "").await;

    assert_eq!(answer.status.code(), Code::ResourceExhausted);
    assert_eq!(answer.reason(), "RATE_LIMITED");
    let details = answer.status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    assert_eq!((&*metadata["group"], &*metadata["by"]), ("empty", "ip"));
    let retry = details.retry_info().unwrap().retry_delay.unwrap();
    let range = Duration::from_mins(18)..=Duration::from_mins(20);
    assert!(range.contains(&retry), "{retry:?}");
}

#[tokio::test]
async fn other_groups_and_rpcs_without_group_go_on() {
    let app = app("empty:ip=1/h,info:ip=1/h", None);
    assert!(!is_limited(&app, "").await);
    assert!(is_limited(&app, "").await);

    let info = call(&app, TIME_LEFT, "").await;
    assert_eq!(info.status.code(), Code::Ok);
    for _ in 0..3 {
        let health = call(&app, "/grpc.health.v1.Health/Check", "").await;
        assert_eq!(health.status.code(), Code::Ok);
    }
}

#[tokio::test]
async fn of_many_calls_at_once_as_many_are_let_through_as_are_allowed() {
    let app = app("empty:ip=7/h", None);
    let mut calls = JoinSet::new();
    for _ in 0..60 {
        let address = app.address;
        calls.spawn(async move {
            let mut connection = Connection::open(address).await;
            connection.call(EMPTY, &[]).await.status.code()
        });
    }

    let codes = calls.join_all().await;

    assert_eq!(codes.iter().filter(|code| **code == Code::Ok).count(), 7);
}

#[tokio::test]
async fn room_comes_back() {
    let app = app("empty:ip=20/s", None);
    let mut limited = 0;
    let mut connection = Connection::open(app.address).await;
    while limited == 0 {
        limited += usize::from(
            !connection
                .call(EMPTY, &[])
                .await
                .status
                .message()
                .is_empty(),
        );
    }

    crate::app::eventually("a call is let through", async || {
        !is_limited(&app, "").await
    })
    .await;
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_counted_apart() {
    let app = app("empty:ip=1/h", Some("127.0.0.0/8"));

    assert!(!is_limited(&app, "192.0.2.1").await);
    assert!(is_limited(&app, "192.0.2.1").await);
    assert!(!is_limited(&app, "192.0.2.2").await);
    assert!(is_limited(&app, "203.0.113.9, 192.0.2.2").await);
}

#[tokio::test]
async fn an_ipv6_network_is_one_client() {
    let app = app("empty:ip=1/h", Some("127.0.0.0/8"));

    assert!(!is_limited(&app, "2001:db8:0:1::1").await);
    assert!(is_limited(&app, "2001:db8:0:1:ffff:ffff:ffff:ffff").await);
    assert!(!is_limited(&app, "2001:db8:0:2::1").await);
}

#[tokio::test]
async fn a_client_cannot_make_its_address_up() {
    let app = app("empty:ip=1/h", Some("198.51.100.0/24"));

    assert!(!is_limited(&app, "192.0.2.1").await);
    assert!(is_limited(&app, "192.0.2.2").await);
    assert!(is_limited(&app, "198.51.100.1").await);
}
