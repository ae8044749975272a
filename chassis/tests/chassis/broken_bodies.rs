//! Bodies that HTTP cannot read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::{App, EMPTY};
use crate::wire::PATIENCE;

#[tokio::test]
async fn a_body_that_http_cannot_read_is_its_clients_fault() {
    let app = App::start();
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    for (body, half_closes) in [
        (format!("{chunked}2\n{{}}\n0\n\n"), false),
        (format!("{chunked}FFFFFFFFFFFFFFFFF\r\n{{}}"), false),
        ("content-length: 2\r\n\r\n{".to_owned(), true),
    ] {
        let mut socket = TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST {EMPTY} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        );
        let _ = socket.write_all((head + &body).as_bytes()).await;
        if half_closes {
            socket.shutdown().await.unwrap();
        }

        let mut answer = Vec::new();
        let read = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;

        // The server may close the connection before it has read everything.
        let _ = read.expect("an end in time");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("REQUEST_MALFORMED"), "{answer}");
    }
}
