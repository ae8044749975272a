//! Takes connections: without Nagle's delay, and only those that speak. A socket
//! that says nothing, or half of HTTP/2's preface, is closed after a while.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

/// What every HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The connections that speak within `patience`. Ends with its receiver.
pub(crate) fn admit(
    listener: TcpListener,
    patience: Duration,
) -> ReceiverStream<io::Result<TcpStream>> {
    let (admitted, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut waiting = JoinSet::new();
        loop {
            tokio::select! {
                () = admitted.closed() => return,
                Some(_) = waiting.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        let admitted = admitted.clone();
                        waiting.spawn(async move {
                            if socket.set_nodelay(true).is_ok() && speaks(&socket, patience).await {
                                let _ = admitted.send(Ok(socket)).await;
                            }
                        });
                    }
                    // Out of file descriptors, or a connection that is gone
                    // already; neither may end the service.
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// Whether the peer sends a whole preface, or something else (HTTP/1), in time.
async fn speaks(socket: &TcpStream, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let mut start = [0; PREFACE.len()];
    let mut pause = Duration::from_millis(1);
    loop {
        let Ok(Ok(read)) = timeout_at(until, socket.peek(&mut start)).await else {
            return false;
        };
        match read {
            0 => return false,
            _ if start[..read] != PREFACE[..read] || read == PREFACE.len() => return true,
            // peek() returns at once as long as the same bytes are there.
            _ if Instant::now() + pause > until => return false,
            _ => sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
