//! Every call gets a well-formed response in time. The client of these tests has no
//! deadline of its own, so the server produces what it sees.

use std::time::{Duration, Instant};

use prost::Message;
use proto::auth::v1::{GetServerInfoResponse, LogOutRequest};
use tonic::Code;

use crate::app::{App, EMPTY, PANIC, TIME_LEFT, WAIT, config};
use crate::wire::Connection;

#[tokio::test]
async fn a_call_past_its_deadline_is_answered_with_deadline_exceeded() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    let started = Instant::now();
    let answer = connection.call(WAIT, &[("grpc-timeout", "300m")]).await;

    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    assert_eq!(answer.reason(), "DEADLINE_EXCEEDED");
    assert!(started.elapsed() >= Duration::from_millis(290));
    app.until_waiting(0).await;
}

#[tokio::test]
async fn a_call_without_deadline_gets_the_servers() {
    let app = App::with(
        chassis::settings::config::ServerConfig {
            request_timeout: Duration::from_millis(300),
            ..config()
        },
        Vec::new(),
    );
    let mut connection = Connection::open(app.address).await;

    let answer = connection.call(WAIT, &[]).await;

    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    assert_eq!(answer.reason(), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_deadline_however_near_is_never_answered_as_cancelled() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    for near in ["0n", "1n", "1u", "999u", "0m", "1m", "2m", "3m", "7m"].repeat(20) {
        let answer = connection.call(WAIT, &[("grpc-timeout", near)]).await;

        assert_eq!(answer.status.code(), Code::DeadlineExceeded, "{near}");
        assert_eq!(answer.reason(), "DEADLINE_EXCEEDED", "{near}");
    }
}

#[tokio::test]
async fn a_handler_sees_the_clients_deadline() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    for (timeout, milliseconds) in [
        ("7S", 7_000),
        ("2M", 120_000),
        // The longest that the server allows.
        ("5M", 300_000),
        ("301S", 300_000),
        ("99999999H", 300_000),
    ] {
        let answer = connection
            .call(TIME_LEFT, &[("grpc-timeout", timeout)])
            .await;

        let info = GetServerInfoResponse::decode(answer.message).unwrap();
        let left: u64 = info.version.parse().unwrap();
        assert!(
            left <= milliseconds && left > milliseconds - 6_000,
            "{left}"
        );
    }
}

#[tokio::test]
async fn a_malformed_deadline_is_as_good_as_none() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    for malformed in [
        "",
        "m",
        "1",
        "-1S",
        "1.5S",
        "1s",
        "999999999n",
        "S1",
        " 1S",
        "1 S",
    ] {
        let answer = connection
            .call(TIME_LEFT, &[("grpc-timeout", malformed)])
            .await;

        assert_eq!(answer.status.code(), Code::Ok, "{malformed:?}");
        let info = GetServerInfoResponse::decode(answer.message).unwrap();
        let left: u64 = info.version.parse().unwrap();
        assert!((15_000..=20_000).contains(&left), "{malformed:?}: {left}");
    }
}

#[tokio::test]
async fn a_panic_is_answered_with_internal_and_tells_nothing() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    let answer = connection.call(PANIC, &[]).await;

    assert_eq!(answer.status.code(), Code::Internal);
    assert_eq!(answer.reason(), "INTERNAL");
    let text = "the service failed; its log has the cause";
    assert_eq!(answer.status.message(), text);
    assert!(!format!("{answer:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_server_lives_on_after_panics() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;
    for _ in 0..50 {
        connection.call(PANIC, &[]).await;
    }

    let on_the_same = connection.call(EMPTY, &[]).await;
    let on_another = app.client().await.log_out(LogOutRequest::default()).await;

    assert_eq!(on_the_same.status.code(), Code::Ok);
    assert!(on_another.is_ok());
}
