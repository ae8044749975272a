//! The service's metrics.

use std::net::SocketAddr;

use auth_service::mail::Backlog;
use chassis::metrics::Metrics;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{App, PASSWORD, START, bearer, in_time, refusal};
use crate::database_away::{server, set_connections};
use crate::programs;
use proto::auth::v1::WatchRevocationsRequest;

const ADA: &str = "ada@example.org";

/// A service with metrics, and their address.
pub(crate) async fn app(flags: &[&str]) -> (App, SocketAddr) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("addresses");
    let ours = [
        "--metrics-addr=127.0.0.1:0".to_owned(),
        format!("--address-file={}", file.display()),
    ];
    let all = ours.iter().map(String::as_str).chain(flags.iter().copied());
    let app = App::alone(&all.collect::<Vec<_>>()).await;
    let lines = in_time("the addresses are not written", async || {
        std::fs::read_to_string(&file).ok()
    })
    .await;
    let at = lines.lines().nth(1).unwrap().parse().unwrap();
    (app, at)
}

pub(crate) async fn page(at: SocketAddr) -> String {
    let mut socket = TcpStream::connect(at).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    socket.write_all(request).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The value of a metric with its labels; 0 if there is none yet.
pub(crate) async fn number(at: SocketAddr, name: &str) -> f64 {
    let page = page(at).await;
    let with = format!("addressbook_{name} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&with));
    line.map_or(0.0, |number| number.parse().unwrap())
}

/// Waits until the metric has this value.
pub(crate) async fn until(at: SocketAddr, name: &str, wanted: f64) {
    in_time(&format!("{name} is not {wanted}"), async || {
        let is = number(at, name).await;
        ((is - wanted).abs() < f64::EPSILON).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_service_has_is_told() {
    let (app, at) = app(&[]).await;
    app.user(ADA).await;
    app.log_in(ADA, "wrong").await.unwrap_err();
    // Counted after its response.
    until(at, "hash_seconds_count", 3.0).await;

    let page = page(at).await;

    for line in [
        "addressbook_calls_total{rpc=\"AuthService/SignUp\",code=\"OK\"} 1",
        "addressbook_calls_total{rpc=\"AuthService/LogIn\",code=\"OK\"} 1",
        "addressbook_calls_total{rpc=\"AuthService/LogIn\",code=\"UNAUTHENTICATED\"} 1",
        "addressbook_hash_seconds_count 3",
        "addressbook_hasher_waiting 0.0",
        "addressbook_hasher_refused_total 0.0",
        "addressbook_signing_keys_published 1.0",
        "addressbook_database_waiting 0.0",
        "addressbook_database_connections{state=\"idle\"} ",
        "addressbook_start_time_seconds ",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn nothing_that_came_with_a_call_is_told() {
    let (app, at) = app(&["--rate-limits=log_in:ip=3/h"]).await;
    app.user(ADA).await;
    for _ in 0..4 {
        app.log_in(ADA, PASSWORD).await.ok();
    }
    assert_eq!(refusal(app.log_in(ADA, PASSWORD).await), "RATE_LIMITED");

    let page = page(at).await;

    for what in ["ada", "example.org", PASSWORD, "127.0.0.1"] {
        assert!(!page.contains(what), "{what}\n{page}");
    }
}

#[tokio::test]
async fn the_age_of_the_signing_key_follows_the_clock() {
    let (app, at) = app(&[]).await;
    let before = number(at, "signing_key_seconds").await;

    app.advance(3600);

    let after = number(at, "signing_key_seconds").await;
    assert!((after - before - 3600.0).abs() < 1.0, "{before} {after}");
}

#[tokio::test]
async fn a_stream_is_open_until_its_client_leaves() {
    let (_file, flag) = programs::secret_file(programs::SECRET);
    let (app, at) = app(&[&flag]).await;
    let token = programs::token(&app).await;
    let open = "calls_in_flight{rpc=\"ServiceTokenService/WatchRevocations\"}";
    let request = bearer(WatchRevocationsRequest::default(), &token);
    let mut client = programs::client(&app);
    let mut stream = client
        .watch_revocations(request)
        .await
        .unwrap()
        .into_inner();
    stream.message().await.unwrap();
    until(at, open, 1.0).await;

    drop((stream, client));

    until(at, open, 0.0).await;
    let ended = "calls_total{rpc=\"ServiceTokenService/WatchRevocations\",code=\"CANCELLED\"}";
    until(at, ended, 1.0).await;
}

#[tokio::test]
async fn a_database_that_is_away_is_told_with_what_it_said() {
    let (app, at) = app(&["--database-acquire-seconds=1"]).await;
    let (good, away) = (
        "database_state{state=\"good\"}",
        "database_state{state=\"away\"}",
    );
    // Connections are refused because there are too many.
    let errors = "database_errors_total{sqlstate=\"53300\"}";
    until(at, good, 1.0).await;
    let before = (
        number(at, "database_connects_failed_total").await,
        number(at, errors).await,
    );
    let server = server(&app).await;

    set_connections(&app, &server, 0).await;
    app.log_in(ADA, PASSWORD).await.unwrap_err();

    until(at, away, 1.0).await;
    assert!(number(at, good).await < 1.0);
    assert!(number(at, "database_connects_failed_total").await > before.0);
    assert!(number(at, errors).await > before.1);
    set_connections(&app, &server, -1).await;
    until(at, good, 1.0).await;
}

#[tokio::test]
async fn mail_that_waits_is_told_with_its_age() {
    let app = App::start().await;
    let (backlog, metrics) = (Backlog::default(), Metrics::default());
    backlog.publish(&metrics, &app.clock());
    let told = async || {
        backlog.count(&app.db).await.unwrap();
        let text = metrics.text();
        let lines = text.lines();
        let lines = lines.filter_map(|line| line.strip_prefix("addressbook_outbox_"));
        lines.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told().await, "mails 0.0, oldest_seconds 0.0");

    let insert = "
        INSERT INTO auth.outbox (id, sealed, create_time, due_time, expire_time, attempts)
        SELECT gen_random_uuid(), '', time, time, time + interval '1 day', 0
        FROM unnest(ARRAY[60, 5]) AS age, to_timestamp($1 - age) AS time";
    let insert = sqlx::query(insert).bind(START);
    insert.execute(&app.db).await.unwrap();

    assert_eq!(told().await, "mails 2.0, oldest_seconds 60.0");
}
