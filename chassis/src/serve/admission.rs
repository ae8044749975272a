//! Accepts connections: without Nagle's delay, and only from active clients. A socket
//! that sends nothing, or only part of a TLS handshake, of HTTP/2's preface or of an
//! HTTP/1 request, is closed after a while.

use std::time::Duration;

use rustix::io;
use rustix::net::sockopt;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

use crate::serve::clients::Peer;
use crate::tls::server::ServerTls;
use crate::tls::stream::{Begun, Stream};

/// What every HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much of an HTTP/1 head is read.
const HEAD_BYTES_MAX: usize = 4096;

/// The longest time that Linux accepts (tcp(7), `TCP_KEEPIDLE`).
const KEEPIDLE_MAX: Duration = Duration::from_secs(32_767);

/// An accepted connection.
pub(crate) struct Accepted {
    pub(crate) socket: std::net::TcpStream,
    pub(crate) peer: Peer,
}

/// A connection whose client has sent a preface.
pub(crate) struct Admitted {
    pub(crate) stream: Stream,
    pub(crate) peer: Peer,
}

/// The connections whose clients send a preface within `patience`, over TLS if
/// configured; idle ones are checked after `keepalive`.
pub(crate) fn admit(
    mut sockets: mpsc::Receiver<Accepted>,
    tls: Option<ServerTls>,
    patience: Duration,
    keepalive: Duration,
) -> ReceiverStream<Admitted> {
    let (admitted, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut waiting = JoinSet::new();
        loop {
            tokio::select! {
                () = admitted.closed() => return,
                Some(_) = waiting.join_next() => {}
                socket = sockets.recv() => {
                    let Some(Accepted { socket, peer }) = socket else { return };
                    let (admitted, tls) = (admitted.clone(), tls.clone());
                    waiting.spawn(async move {
                        if let Some(stream) = begin(socket, tls, patience, keepalive).await {
                            let _ = admitted.send(Admitted { stream, peer }).await;
                        }
                    });
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// Waits for the preface, after the handshake if there is one.
async fn begin(
    socket: std::net::TcpStream,
    tls: Option<ServerTls>,
    patience: Duration,
    keepalive: Duration,
) -> Option<Stream> {
    let socket = TcpStream::from_std(socket).ok()?;
    socket.set_nodelay(true).ok()?;
    check_when_idle(&socket, keepalive).ok()?;
    let Some(tls) = tls else {
        let sends_http = sends_http(&socket, patience).await;
        return sends_http.then_some(Stream::Plain(socket));
    };
    let mut stream = match timeout(patience, tls.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            // Logged at debug level, because anyone can cause any number of these.
            tracing::debug!(%error, "a TLS handshake failed");
            return None;
        }
        Err(_) => return None,
    };
    let start = timeout(patience, read_first_bytes(&mut stream))
        .await
        .ok()??;
    Some(Stream::Tls(Box::new(Begun::new(start, stream))))
}

/// Lets the system check an idle connection. HTTP/2 has pings; a stream of HTTP/1.1 to a
/// machine that vanished would stay open until the connection is too old.
fn check_when_idle(socket: &TcpStream, after: Duration) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, after.min(KEEPIDLE_MAX))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(socket, 2)
}

/// The client's first bytes, if they are HTTP. Decrypted bytes cannot be left in the
/// socket, as [`sends_http`] does.
async fn read_first_bytes(stream: &mut TlsStream<TcpStream>) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    loop {
        if stream.read_buf(&mut start).await.ok()? == 0 {
            return None;
        }
        match first_bytes(&start) {
            FirstBytes::Http => return Some(start),
            FirstBytes::Nonsense => return None,
            FirstBytes::Unfinished => {}
        }
    }
}

/// Whether the peer sends a whole preface, or the head of an HTTP/1 request, in time.
/// hyper alone would wait half a minute for a head, and for ever for a preface.
async fn sends_http(socket: &TcpStream, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let mut start = vec![0; HEAD_BYTES_MAX];
    let mut pause = Duration::from_millis(1);
    loop {
        let Ok(Ok(read)) = timeout_at(until, socket.peek(&mut start)).await else {
            return false;
        };
        match first_bytes(&start[..read]) {
            FirstBytes::Http => return true,
            FirstBytes::Nonsense => return false,
            // Sleeps, because peek() returns at once while the same bytes are there.
            FirstBytes::Unfinished if Instant::now() + pause > until => return false,
            FirstBytes::Unfinished => sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// The first bytes of a connection.
#[derive(Debug, PartialEq, Eq)]
enum FirstBytes {
    Http,
    Nonsense,
    Unfinished,
}

/// Classifies everything sent so far.
fn first_bytes(start: &[u8]) -> FirstBytes {
    if start.starts_with(PREFACE) {
        return FirstBytes::Http;
    }
    // A request begins with its method, unlike TLS. No bytes mean the end of the stream.
    if !start.first().is_some_and(u8::is_ascii_uppercase) {
        return FirstBytes::Nonsense;
    }
    // The head ends with an empty line. A head that is too long counts as complete,
    // because hyper refuses it.
    let has_head = start.windows(3).any(|end| end == b"\n\r\n") || start.len() >= HEAD_BYTES_MAX;
    if has_head && !PREFACE.starts_with(start) {
        FirstBytes::Http
    } else {
        FirstBytes::Unfinished
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio_stream::StreamExt;

    use std::sync::Arc;

    use super::*;
    use crate::access::client_address::TrustedProxies;
    use crate::serve::clients::Clients;
    use crate::settings::config::ClientConfig;

    #[test]
    fn first_bytes_are_classified() {
        for words in ["", "\x16\x03\x01", "get / HTTP/1.1", "\r\n\r\n"] {
            assert_eq!(
                first_bytes(words.as_bytes()),
                FirstBytes::Nonsense,
                "{words:?}"
            );
        }
        for length in 1..PREFACE.len() {
            assert_eq!(first_bytes(&PREFACE[..length]), FirstBytes::Unfinished);
        }
        assert_eq!(first_bytes(PREFACE), FirstBytes::Http);
        let head = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(first_bytes(head.as_bytes()), FirstBytes::Http);
        assert_eq!(first_bytes(&head.as_bytes()[..20]), FirstBytes::Unfinished);
    }

    #[tokio::test]
    async fn admitted_sockets_send_without_delay_and_are_checked_when_idle() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, sockets) = mpsc::channel(1);
        // The longest that the setting accepts.
        let keepalive = Duration::from_hours(24);
        let mut admitted = admit(sockets, None, Duration::from_secs(10), keepalive);

        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(PREFACE).await.unwrap();
        let (socket, address) = listener.accept().await.unwrap();
        let clients = Clients::new(&ClientConfig::default(), TrustedProxies::default());
        let peer = Arc::new(clients).connect(address.ip()).unwrap();
        let socket = socket.into_std().unwrap();
        accepted.send(Accepted { socket, peer }).await.ok().unwrap();

        let Stream::Plain(socket) = admitted.next().await.unwrap().stream else {
            panic!("nobody asked for TLS");
        };
        assert!(socket.nodelay().unwrap());
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), KEEPIDLE_MAX);
    }
}
