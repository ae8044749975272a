//! Calls by Connect and gRPC-Web: whatever limits calls of gRPC limits these, too, and every
//! error arrives in the caller's protocol.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use chassis::settings::config::{ClientConfig, ServerConfig};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use proto::auth::v1::JsonWebKey;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::{App, EMPTY, PANIC, WAIT, config, eventually};
use crate::cross_origin::PAGE;
use crate::metrics::{address, number, told_in};
use crate::wire::{Connection, PATIENCE, framed};

const SIGN_UP: &str = "/addressbook.auth.v1.AuthService/SignUp";
const JWKS: &str = "/addressbook.auth.v1.AuthService/GetJwks";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// A connection of HTTP/1.1.
struct Client(SendRequest<Full<Bytes>>);

impl Client {
    async fn of(app: &App) -> Self {
        let socket = TcpStream::connect(app.address).await.unwrap();
        let (requests, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        Self(requests)
    }

    /// Sends a request, with these headers and a host.
    async fn send(
        &mut self,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> http::Response<hyper::body::Incoming> {
        let request = request.header("host", "localhost");
        let request = request.body(Full::new(body.into())).unwrap();
        let sent = timeout(PATIENCE, self.0.send_request(request)).await;
        sent.expect("an answer in time").unwrap()
    }

    /// A call in JSON: the status and the JSON of the response.
    async fn call(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, _, body) = read(self.send(request, body.to_owned()).await).await;
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }
}

async fn read(answer: http::Response<hyper::body::Incoming>) -> (StatusCode, HeaderMap, Bytes) {
    let (head, body) = answer.into_parts();
    let body = timeout(PATIENCE, body.collect()).await;
    let body = body.expect("an end in time").unwrap().to_bytes();
    (head.status, head.headers, body)
}

/// The `ErrorInfo.reason` of an error in JSON.
fn reason(error: &Value) -> String {
    let details = error["details"].as_array().unwrap();
    let is_info = |detail: &&Value| detail["type"] == "google.rpc.ErrorInfo";
    let info = details.iter().find(is_info).unwrap();
    info["debug"]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_in_json_gets_json_over_both_versions_of_http() {
    let app = App::start();
    let body = r#"{"display_name": "Ada", "unknown": [1]}"#;

    let (status, answer) = Client::of(&app).await.call(SIGN_UP, &[], body).await;
    assert_eq!(status, 200);
    assert_eq!(answer, json!({"user": {"displayName": "Ada"}}));

    let connection = Connection::open(app.address).await;
    let request = Request::post(format!("http://localhost{SIGN_UP}"));
    let request = request.header("content-type", "application/json");
    let (head, text) = connection.request(request.body(()).unwrap(), body).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(text, r#"{"user":{"displayName":"Ada"}}"#);
}

#[tokio::test]
async fn a_call_that_only_reads_can_be_a_get() {
    let app = App::start();
    let mut client = Client::of(&app).await;
    let query = "?connect=v1&encoding=json&message=%7B%7D";

    let get = Request::get(format!("{JWKS}{query}"));
    let (status, _, body) = read(client.send(get, "").await).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"{}"[..]));

    let get = Request::get(format!("{EMPTY}{query}"));
    let (status, headers, _) = read(client.send(get, "").await).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers["allow"], "POST");
}

#[tokio::test]
async fn a_connection_lives_on_after_a_short_request_that_was_not_read_and_else_is_told_to_close() {
    let app = App::start();
    let mut client = Client::of(&app).await;
    let refused = || Request::post(EMPTY).header("content-type", "text/plain");

    for _ in 0..3 {
        let (status, headers, _) = read(client.send(refused(), "{}").await).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(headers.get("connection"), None);
    }
    assert_eq!(client.call(EMPTY, &[], "{}").await.0, 200);
    let long = vec![b'x'; 100_000];
    let (status, headers, _) = read(client.send(refused(), long).await).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(headers["connection"], "close");
}

#[tokio::test]
async fn grpc_web_has_its_status_in_the_body() {
    let app = App::start();
    let mut client = Client::of(&app).await;
    let request = Request::post(EMPTY).header("content-type", "application/grpc-web+proto");

    let (status, headers, body) = read(client.send(request, framed(b"")).await).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/grpc-web+proto");
    assert_eq!(&body[..6], b"\0\0\0\0\0\x80");
    assert!(body.ends_with(b"grpc-status: 0\r\n"), "{body:?}");
}

#[tokio::test]
async fn an_error_of_any_layer_is_one_of_the_callers_protocol() {
    let limits = "empty:ip=1/h".parse().unwrap();
    let config = ServerConfig {
        rate_limits: limits,
        ..config()
    };
    let app = App::with(config, Vec::new());
    let mut client = Client::of(&app).await;
    let timeout = [("connect-timeout-ms", "100")];

    let (status, error) = client.call(WAIT, &timeout, "{}").await;
    assert_eq!(status, 504);
    assert_eq!(reason(&error), "DEADLINE_EXCEEDED");
    let (status, error) = client.call(PANIC, &[], "{}").await;
    assert_eq!((status, &*reason(&error)), (500, "INTERNAL"));
    let (status, error) = client.call("/a.B/C", &[], "{}").await;
    assert_eq!((status, &*reason(&error)), (404, "METHOD_UNKNOWN"));
    let (status, error) = client
        .call(EMPTY, &[("connect-timeout-ms", "x")], "{}")
        .await;
    assert_eq!((status, &*reason(&error)), (400, "REQUEST_MALFORMED"));

    assert_eq!(client.call(EMPTY, &[], "{}").await.0, 200);
    let (status, error) = client.call(EMPTY, &[], "{}").await;
    assert_eq!((status, &*reason(&error)), (429, "RATE_LIMITED"));
    assert_eq!(error["code"], "resource_exhausted");
    let details = error["details"].as_array().unwrap();
    let retry = details
        .iter()
        .find(|detail| detail["type"] == "google.rpc.RetryInfo");
    assert!(retry.unwrap()["debug"]["retryDelay"].is_string());
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = App::start();
    let mut client = Client::of(&app).await;

    let (status, error) = client.call(SIGN_UP, &[], r#"{"displayName": 7}"#).await;

    assert_eq!((status, &*reason(&error)), (400, "REQUEST_MALFORMED"));
    let text = error["message"].as_str().unwrap();
    assert!(text.starts_with("displayName: "), "{text}");
}

#[tokio::test]
async fn a_name_that_leads_here_by_a_trick_is_refused_in_json() {
    let app = App::start();
    let socket = TcpStream::connect(app.address).await.unwrap();
    let (mut requests, connection) = handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(EMPTY).header("content-type", "application/json");
    let request = request.header("host", "evil.example.com");
    let request = request.body(Full::new(Bytes::from("{}"))).unwrap();

    let (status, _, body) = read(requests.send_request(request).await.unwrap()).await;

    assert_eq!(status, StatusCode::FORBIDDEN);
    let error = serde_json::from_slice(&body).unwrap();
    assert_eq!(reason(&error), "HOST_NOT_ALLOWED");
}

#[tokio::test]
async fn messages_are_limited_before_and_after_they_are_decompressed() {
    let app = App::start();
    let mut client = Client::of(&app).await;
    let large = format!("{{\"displayName\": \"{}\"}}", "x".repeat(1_000_000));

    let (status, error) = client.call(SIGN_UP, &[], &large).await;
    assert_eq!((status, &*reason(&error)), (429, "MESSAGE_TOO_LARGE"));

    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 50_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    for kind in ["application/json", "application/proto"] {
        let request = Request::post(SIGN_UP)
            .header("content-type", kind)
            .header("content-encoding", "gzip");
        let sent = Client::of(&app).await.send(request, bomb.clone()).await;
        let (status, _, body) = read(sent).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{kind}");
        let error = serde_json::from_slice(&body).unwrap();
        assert_eq!(reason(&error), "MESSAGE_TOO_LARGE", "{kind}");
    }
}

#[tokio::test]
async fn a_message_that_does_not_arrive_ends_its_call() {
    let config = ServerConfig {
        request_message: Duration::from_secs(1),
        ..config()
    };
    let app = App::with(config, Vec::new());
    for kind in ["application/json", "application/proto"] {
        let mut socket = TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST {EMPTY} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n\
             content-length: 100\r\n\r\n{{"
        );
        socket.write_all(head.as_bytes()).await.unwrap();

        let mut answer = String::new();
        let read = timeout(PATIENCE, socket.read_to_string(&mut answer)).await;

        read.expect("an end in time").unwrap();
        assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
        assert!(answer.contains("REQUEST_INCOMPLETE"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_of_any_size_is_refused_or_answered_but_not_kept() {
    let app = App::start();
    let many = "x-a: b\r\n".repeat(10_000);
    let large = format!("x-a: {}\r\n", "b".repeat(1_000_000));
    let query = "x".repeat(1_000_000);

    for (path, headers) in [(EMPTY, &*many), (EMPTY, &*large), (&*query, "")] {
        let mut socket = TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             {headers}\r\n"
        );
        // The server may close the connection before it has read everything.
        let _ = socket.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
        let _ = read.expect("an end in time");
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    assert_eq!(Client::of(&app).await.call(EMPTY, &[], "{}").await.0, 200);
}

#[tokio::test]
async fn a_stream_counts_as_long_as_its_client_is_there() {
    let clients = ClientConfig {
        client_calls: 2,
        ..ClientConfig::default()
    };
    let config = ServerConfig {
        clients,
        ..config()
    };
    let app = App::with(config, Vec::new());
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = Client::of(&app).await;
        let request = Request::post(WATCH).header("content-type", "application/connect+json");
        let mut states = client.send(request, framed(b"{}")).await.into_body();
        let first = states.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, framed(br#"{"status":"SERVING"}"#));
        held.push((client, states));
    }

    let (status, error) = Client::of(&app).await.call(EMPTY, &[], "{}").await;
    assert_eq!((status, &*reason(&error)), (429, "TOO_MANY_OPEN_CALLS"));

    drop(held);
    eventually("streams end with their connections", async || {
        Client::of(&app).await.call(EMPTY, &[], "{}").await.0 == 200
    })
    .await;
}

/// An answer of so many thousand bytes.
fn large_answer(app: &App, kilobytes: usize) {
    let key = |n: usize| JsonWebKey {
        kid: n.to_string(),
        x: "x".repeat(1_000),
        ..JsonWebKey::default()
    };
    app.set_jwks((0..kilobytes).map(key).collect(), Duration::from_mins(1));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let clients = ClientConfig {
        answer: Duration::from_secs(1),
        ..ClientConfig::default()
    };
    let config = ServerConfig {
        clients,
        ..config()
    };
    let app = App::with(config, Vec::new());
    // More than the buffers of the sockets.
    large_answer(&app, 20_000);
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST {JWKS} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let before = open_connections(&app).await;
    assert!(before >= 1);

    eventually("the connection is closed", async || {
        open_connections(&app).await < before
    })
    .await;

    drop(socket);
}

/// The server's sockets that are connected to a client, of this process's view.
async fn open_connections(app: &App) -> usize {
    let table = tokio::fs::read_to_string("/proc/net/tcp").await.unwrap();
    let port = format!(":{:04X} ", app.address.port());
    let is_open = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        let local = format!("{} ", words.next().unwrap_or_default());
        // 01 is ESTABLISHED.
        local.ends_with(&port) && words.nth(1) == Some("01")
    };
    table.lines().filter(is_open).count()
}

#[tokio::test]
async fn a_response_without_room_is_replaced_by_an_error() {
    let clients = ClientConfig {
        user_answer_bytes: 1_000_000,
        ..ClientConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        clients,
        allowed_origins: vec![HeaderValue::from_static(PAGE)],
        ..told_in(&folder)
    };
    let app = App::with(config, Vec::new());
    let metrics = address(&folder).await;
    large_answer(&app, 1_500);
    let connection = Connection::open(app.address).await;
    let request = || {
        let request = Request::post(format!("http://localhost{JWKS}"));
        let request = request.header("content-type", "application/json");
        request.header("origin", PAGE).body(()).unwrap()
    };
    let unread = connection.send(request(), "{}").await.await.unwrap();
    assert_eq!(unread.status(), StatusCode::OK);
    let bytes = number(metrics, "addressbook_client_bytes{what=\"unread\"}").await;
    assert!(bytes > Some(100_000.0), "{bytes:?}");

    // The window of the first connection is full.
    let other = Connection::open(app.address).await;
    let (head, text) = other.request(request(), "{}").await;

    assert_eq!(head.status, StatusCode::TOO_MANY_REQUESTS);
    let error = serde_json::from_str(&text).unwrap();
    assert_eq!(reason(&error), "ANSWERS_UNREAD");
    // Otherwise a browser hides the error from its page.
    assert_eq!(head.headers["access-control-allow-origin"], PAGE);
}
