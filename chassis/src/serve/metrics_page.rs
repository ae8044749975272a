//! The page that Prometheus reads, at an address of its own: one request a connection,
//! few connections at a time, and little time for each.

use std::convert::Infallible;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::body::Body;

use crate::metrics::Metrics;

/// Connections at a time; the next ones wait in the kernel.
const CONNECTIONS_MAX: usize = 16;

/// The time for a request to arrive.
const REQUEST_PATIENCE: Duration = Duration::from_secs(3);

/// The time for a whole connection.
const LIFE_MAX: Duration = Duration::from_secs(10);

/// The largest request, in bytes; no body is read.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Serves `/metrics` for ever.
pub(crate) async fn serve(metrics: Metrics, listener: TcpListener) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = open.join_next() => {}
            accepted = listener.accept(), if open.len() < CONNECTIONS_MAX => match accepted {
                Ok((socket, _)) => drop(open.spawn(timeout(LIFE_MAX, one(socket, metrics.clone())))),
                // Out of file descriptors, or a connection that is gone already.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

/// Serves one connection.
async fn one(socket: TcpStream, metrics: Metrics) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_PATIENCE)
        .max_buf_size(REQUEST_BYTES_MAX)
        .keep_alive(false);
    let answer = service_fn(move |request| {
        let page = page(&request, &metrics);
        async { Ok::<_, Infallible>(page) }
    });
    // Anyone who reaches the address can cause as many failures as they like.
    let _ = http.serve_connection(TokioIo::new(socket), answer).await;
}

fn page(request: &Request<Incoming>, metrics: &Metrics) -> Response<Body> {
    let mut page = Response::new(Body::empty());
    if request.uri().path() != "/metrics" {
        *page.status_mut() = StatusCode::NOT_FOUND;
    } else if *request.method() != Method::GET {
        *page.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let get = HeaderValue::from_static("GET");
        page.headers_mut().insert(ALLOW, get);
    } else {
        *page.body_mut() = Body::new(metrics.text());
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let kind = HeaderValue::from_static(kind);
        page.headers_mut().insert(CONTENT_TYPE, kind);
    }
    page
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Longer than any step of these tests takes on a busy machine.
    const ENOUGH: Duration = Duration::from_mins(1);

    async fn served() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Metrics::default();
        metrics.gauge("depth", "How deep", || 1.5);
        tokio::spawn(serve(metrics, listener));
        address
    }

    /// Everything that arrives until the server closes the connection.
    async fn rest(socket: &mut TcpStream) -> String {
        let mut text = Vec::new();
        // What was not read when the server closed resets the connection.
        let _ = timeout(ENOUGH, socket.read_to_end(&mut text))
            .await
            .unwrap();
        String::from_utf8(text).unwrap()
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut socket = TcpStream::connect(address).await.unwrap();
        // It may be refused before it has been sent.
        let _ = socket.write_all(request.as_bytes()).await;
        rest(&mut socket).await
    }

    #[tokio::test]
    async fn the_page_is_there_and_nothing_else_is() {
        let address = served().await;
        let page = ask(address, "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        assert!(page.contains("\naddressbook_depth 1.5\n"), "{page}");

        let page = ask(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(page.starts_with("HTTP/1.1 404 "), "{page}");
        let post = "POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n";
        let page = ask(address, post).await;
        assert!(page.starts_with("HTTP/1.1 405 "), "{page}");
    }

    #[tokio::test]
    async fn a_request_that_is_too_large_is_refused() {
        let address = served().await;
        let header = "a".repeat(2 * REQUEST_BYTES_MAX);
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {header}\r\n\r\n");
        let page = ask(address, &request).await;
        assert!(!page.contains("200 OK"), "{page}");
    }

    #[tokio::test]
    async fn idle_connections_are_closed_and_others_get_their_turn() {
        let address = served().await;
        let mut silent = Vec::new();
        for _ in 0..3 * CONNECTIONS_MAX {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket
                .write_all(b"GET /metrics HTTP/1.1\r\n")
                .await
                .unwrap();
            silent.push(socket);
        }

        let page = ask(address, "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;

        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        for mut socket in silent {
            assert!(!rest(&mut socket).await.contains("200 OK"));
        }
    }

    #[tokio::test]
    async fn one_connection_too_many_waits_until_another_has_ended() {
        let address = served().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let socket = TcpStream::connect(address).await.unwrap();
            silent.push(socket.into_std().unwrap());
        }

        let page = ask(address, "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;

        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        let has_ended = |socket: &std::net::TcpStream| socket.peek(&mut [0]).is_ok();
        assert!(silent.iter().any(has_ended));
    }
}
