//! The metrics of a server's calls.

use std::net::SocketAddr;

use chassis::settings::config::ServerConfig;
use proto::auth::v1::RefreshTokenRequest;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{App, EMPTY, PANIC, WAIT, config, eventually};
use crate::wire::Connection;

const ADDRESSES: &str = "addresses";

/// A server with metrics, and their address.
async fn app(limits: &str) -> (App, SocketAddr) {
    let folder = TempDir::new().unwrap();
    let config = ServerConfig {
        rate_limits: limits.parse().unwrap(),
        ..told_in(&folder)
    };
    let app = App::with(config, Vec::new());
    let at = address(&folder).await;
    (app, at)
}

/// The settings of a server that writes the address of its metrics into a folder.
pub(crate) fn told_in(folder: &TempDir) -> ServerConfig {
    ServerConfig {
        address_file: Some(folder.path().join(ADDRESSES)),
        metrics_addr: Some("127.0.0.1:0".parse().unwrap()),
        ..config()
    }
}

/// The address of the metrics.
pub(crate) async fn address(folder: &TempDir) -> SocketAddr {
    let file = folder.path().join(ADDRESSES);
    eventually("the addresses are written", async || file.exists()).await;
    let lines = std::fs::read_to_string(file).unwrap();
    lines.lines().nth(1).unwrap().parse().unwrap()
}

async fn page(at: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The value of a metric with its labels.
pub(crate) async fn number(at: SocketAddr, name: &str) -> Option<f64> {
    let page = page(at, "/metrics").await;
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.map(|number| number.trim().parse().unwrap())
}

#[tokio::test]
async fn calls_are_counted_by_rpc_and_code() {
    let (app, at) = app("").await;
    let mut connection = Connection::open(app.address).await;

    let health = "/grpc.health.v1.Health/Check";
    for path in [EMPTY, EMPTY, PANIC, health, "/nobody.knows/This", "/"] {
        connection.call(path, &[]).await;
    }

    let page = page(at, "/metrics").await;
    for line in [
        "addressbook_calls_total{rpc=\"AuthService/LogOut\",code=\"OK\"} 2",
        "addressbook_calls_total{rpc=\"AuthService/LogIn\",code=\"INTERNAL\"} 1",
        "addressbook_calls_total{rpc=\"other\",code=\"UNIMPLEMENTED\"} 2",
        "addressbook_calls_in_flight{rpc=\"AuthService/LogOut\"} 0",
        "addressbook_requests_refused_total{status=\"415\"} 0",
        "addressbook_call_seconds_count{rpc=\"AuthService/LogOut\",code=\"OK\"} 2",
        "addressbook_call_seconds_count{rpc=\"AuthService/LogIn\",code=\"INTERNAL\"} 1",
        "addressbook_calls_total{rpc=\"grpc.health.v1.Health/Check\",code=\"OK\"} 1",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("addressbook_build_info{{version=\"{version}\"}} 1.0");
    assert!(page.contains(&build), "{page}");
    assert!(page.contains("content-type: application/openmetrics-text"));
    assert!(!page.contains("nobody") && !page.contains("RefreshToken"));
}

#[tokio::test]
async fn open_calls_are_told_and_those_whose_client_left_are_cancelled() {
    let (app, at) = app("").await;
    let mut client = app.client().await;
    let waits =
        tokio::spawn(async move { client.refresh_token(RefreshTokenRequest::default()).await });
    app.until_waiting(1).await;
    let open = "addressbook_calls_in_flight{rpc=\"AuthService/RefreshToken\"}";
    assert_eq!(number(at, open).await, Some(1.0));

    waits.abort();

    eventually("the call is not open any more", async || {
        number(at, open).await == Some(0.0)
    })
    .await;
    let cancelled = "addressbook_calls_total{rpc=\"AuthService/RefreshToken\",code=\"CANCELLED\"}";
    assert_eq!(number(at, cancelled).await, Some(1.0));
}

#[tokio::test]
async fn late_answers_are_counted_as_what_the_client_was_told() {
    let (app, at) = app("").await;
    let mut connection = Connection::open(app.address).await;

    connection.call(WAIT, &[("grpc-timeout", "50m")]).await;

    let late =
        "addressbook_calls_total{rpc=\"AuthService/RefreshToken\",code=\"DEADLINE_EXCEEDED\"}";
    assert_eq!(number(at, late).await, Some(1.0));
}

#[tokio::test]
async fn refused_calls_are_counted_by_group() {
    let (app, at) = app("empty:ip=2/h").await;
    let mut connection = Connection::open(app.address).await;

    for _ in 0..5 {
        connection.call(EMPTY, &[]).await;
    }

    let refused = "addressbook_calls_limited_total{group=\"empty\",by=\"ip\"}";
    assert_eq!(number(at, refused).await, Some(3.0));
    let exhausted =
        "addressbook_calls_total{rpc=\"AuthService/LogOut\",code=\"RESOURCE_EXHAUSTED\"}";
    assert_eq!(number(at, exhausted).await, Some(3.0));
}

#[tokio::test]
async fn metrics_are_told_at_their_own_address_only() {
    let (app, at) = app("").await;

    assert!(page(at, "/metrics").await.starts_with("HTTP/1.1 200"));
    assert!(page(at, "/").await.starts_with("HTTP/1.1 404"));
    assert!(page(at, "/page").await.starts_with("HTTP/1.1 404"));
    let answer = page(app.address, "/metrics").await;
    assert!(!answer.contains("addressbook_"), "{answer}");
}
