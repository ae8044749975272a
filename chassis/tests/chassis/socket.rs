//! Silent sockets and those that send garbage are closed; correct clients are served.

use std::time::{Duration, Instant};

use chassis::settings::config::ServerConfig;
use proto::auth::v1::LogOutRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::{App, config};
use crate::wire::PATIENCE;

fn impatient() -> App {
    let config = ServerConfig {
        connection_preface: Duration::from_secs(1),
        ..config()
    };
    App::with(config, Vec::new())
}

/// Sends `words` and nothing more; returns how long the server kept the connection.
async fn closed_after(app: &App, words: &[u8]) -> Duration {
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let started = Instant::now();
    socket.write_all(words).await.unwrap();
    let mut answer = Vec::new();
    let end = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    // A close or a reset; both are an end.
    drop(end.expect("the server closes the socket"));
    started.elapsed()
}

#[tokio::test]
async fn a_socket_that_does_not_speak_http_is_closed() {
    let app = impatient();

    let words: [&[u8]; 8] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GARBAGE",
        b"garbage without an end of the line, and longer than the preface",
        b"GET / HTTP/1.1\r\nhost: half-a-head\r\n",
    ];
    let closed = futures_util::future::join_all(words.map(|words| closed_after(&app, words))).await;
    for (after, words) in closed.iter().zip(words) {
        assert!(*after < Duration::from_secs(5), "{after:?}: {words:?}");
    }
}

#[tokio::test]
async fn silent_sockets_do_not_keep_a_client_waiting() {
    let app = App::start();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(app.address).await.unwrap());
    }

    let answer = timeout(Duration::from_secs(5), async {
        app.client().await.log_out(LogOutRequest::default()).await
    });

    assert!(answer.await.unwrap().is_ok());
    drop(silent);
}

#[tokio::test]
async fn a_preface_that_comes_in_pieces_is_waited_for() {
    let app = impatient();
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    socket.set_nodelay(true).unwrap();

    for piece in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".chunks(5) {
        socket.write_all(piece).await.unwrap();
        // Not to wait for an event: the client is this slow.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    socket
        .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
        .await
        .unwrap();

    let settings = crate::wire::Frame::read(&mut socket).await.unwrap();
    assert_eq!(settings.kind, 4);
}

#[tokio::test]
async fn an_http_1_request_reaches_its_route() {
    let app = App::start();
    let mut socket = TcpStream::connect(app.address).await.unwrap();

    let request = b"GET /page HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    socket.write_all(request).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\na page"), "{answer}");
}

#[tokio::test]
async fn an_http_1_request_longer_than_the_first_look_reaches_its_route() {
    let app = App::start();
    let mut socket = TcpStream::connect(app.address).await.unwrap();

    let padding = "x".repeat(10_000);
    let request = format!(
        "GET /page HTTP/1.1\r\nhost: localhost\r\nx-padding: {padding}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn a_closed_socket_leaves_nothing_behind() {
    let app = App::start();
    for _ in 0..100 {
        drop(TcpStream::connect(app.address).await.unwrap());
    }

    let answer = app.client().await.log_out(LogOutRequest::default()).await;

    assert!(answer.is_ok());
}
