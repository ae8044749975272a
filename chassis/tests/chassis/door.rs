//! What the server accepts: calls under one of its names, and pages.

use std::sync::atomic::Ordering;

use chassis::settings::config::ServerConfig;
use http::{Method, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::app::{App, EMPTY, config};
use crate::wire::Connection;

/// The path of a call that the service counts.
const COUNTED: &str = "/addressbook.auth.v1.AuthService/GetJwks";

fn post(path: &str, kind: Option<&str>) -> Request<()> {
    let request = Request::post(format!("http://localhost{path}"));
    let request = match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    };
    request.body(()).unwrap()
}

/// An empty message.
const MESSAGE: &str = "\0\0\0\0\0";

#[tokio::test]
async fn nothing_but_the_content_types_of_calls_is_executed() {
    let app = App::start();
    let connection = Connection::open(app.address).await;

    for kind in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/plain;application/grpc"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonx"),
        Some("application/x-protobuf"),
        Some("application/grpcx"),
        Some("application/grpc+json"),
        Some("application/grpc-web+xml"),
        Some("application/connect+xml"),
    ] {
        let (head, text) = connection.request(post(COUNTED, kind), MESSAGE).await;

        assert_eq!(head.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}");
        assert!(text.contains("application/grpc"), "{text}");
        assert_eq!(head.headers["content-type"], "text/plain");
        let accepted = head.headers["accept-post"].to_str().unwrap();
        assert!(accepted.contains("application/json"), "{accepted}");
    }
    assert_eq!(app.steering.jwks_reads.load(Ordering::SeqCst), 0);

    for kind in [
        "application/grpc",
        "application/grpc+proto",
        "Application/GRPC",
        "application/grpc; charset=utf-8",
    ] {
        let (head, _) = connection.request(post(COUNTED, Some(kind)), MESSAGE).await;
        assert_eq!(head.status, StatusCode::OK, "{kind}");
    }
    assert_eq!(app.steering.jwks_reads.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_path_that_is_none_is_not_found_unless_grpc_asks() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    for path in [
        "/",
        "/nothing",
        "/addressbook.auth.v1.AuthService/Nothing",
        "/page/x",
    ] {
        for method in [Method::GET, Method::POST, Method::HEAD] {
            let uri = format!("http://localhost{path}");
            let request = Request::builder().method(method).uri(uri);
            let (head, _) = connection.request(request.body(()).unwrap(), "").await;
            assert_eq!(head.status, StatusCode::NOT_FOUND, "{path}");
        }
        let answer = connection.call(path, &[]).await;
        assert_eq!(answer.status.code(), Code::Unimplemented, "{path}");
        assert_eq!(answer.reason(), "METHOD_UNKNOWN");
    }
}

#[tokio::test]
async fn who_asks_for_a_service_that_is_elsewhere_is_told_what_is_here() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;
    let path = "/addressbook.contacts.v1.ContactsService/ListContacts";

    let status = connection.call(path, &[]).await.status;

    assert_eq!(status.code(), Code::Unimplemented);
    for name in [path, "addressbook.auth.v1.AuthService"] {
        assert!(status.message().contains(name), "{status:?}");
    }
}

#[tokio::test]
async fn grpc_is_asked_by_post() {
    let app = App::start();
    let connection = Connection::open(app.address).await;
    let request = Request::get(format!("http://localhost{COUNTED}"))
        .header("content-type", "application/grpc");

    let (head, _) = connection.request(request.body(()).unwrap(), MESSAGE).await;

    assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(head.headers["allow"], "POST");
}

/// The first line of the response to an HTTP/1.1 request.
async fn http_1(app: &App, method: &str, path: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n{MESSAGE}");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn grpc_is_refused_over_http_1() {
    let app = App::start();
    let here = "host: localhost\r\n";
    let with = |kind: &str| format!("{here}content-type: {kind}\r\ncontent-length: 5\r\n");
    let (grpc, text) = (with("application/grpc"), with("text/plain"));

    for (method, path, headers, status) in [
        ("GET", "/page", here, "200 OK"),
        ("POST", "/page", &text, "405 Method Not Allowed"),
        ("POST", COUNTED, &grpc, "505 HTTP Version Not Supported"),
        ("POST", COUNTED, &text, "415 Unsupported Media Type"),
        ("GET", "/nothing", here, "404 Not Found"),
    ] {
        let line = http_1(&app, method, path, headers).await;
        assert_eq!(line, format!("HTTP/1.1 {status}"), "{method} {path}");
    }
    assert_eq!(app.steering.jwks_reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_leads_here_by_a_trick_gets_nobody_in() {
    let app = App::start();
    let connection = Connection::open(app.address).await;
    let port = app.address.port();

    let host = format!("host: evil.example.com:{port}\r\n");
    let line = http_1(&app, "GET", "/page", &host).await;
    assert_eq!(line, "HTTP/1.1 421 Misdirected Request");

    for (host, is_let_in) in [
        ("evil.example.com", false),
        ("127.0.0.1", true),
        ("[::1]", true),
    ] {
        let request = Request::post(format!("http://{host}:{port}{EMPTY}"))
            .header("content-type", "application/grpc");
        let (head, _) = connection.request(request.body(()).unwrap(), MESSAGE).await;
        let status = tonic::Status::from_header_map(&head.headers);
        let reason = status.map(|status| crate::wire::reason(&status));
        let expected = (!is_let_in).then(|| "HOST_NOT_ALLOWED".to_owned());
        assert_eq!(reason, expected, "{host}");
    }
}

#[tokio::test]
async fn a_name_that_the_operator_knows_gets_its_callers_in() {
    let config = ServerConfig {
        allowed_hosts: vec!["book.example.com".to_owned()],
        ..config()
    };
    let app = App::with(config, Vec::new());

    for (host, status) in [
        ("book.example.com", "200 OK"),
        ("localhost", "200 OK"),
        ("evil.example.com", "421 Misdirected Request"),
    ] {
        let line = http_1(&app, "GET", "/page", &format!("host: {host}\r\n")).await;
        assert_eq!(line, format!("HTTP/1.1 {status}"), "{host}");
    }
}
