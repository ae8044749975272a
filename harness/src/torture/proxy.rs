//! A proxy of bytes between two programs, which can cut, delay, hold and close connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::error::{OrPath, Result};

/// At most so many bytes are forwarded at once.
const PIECE_BYTES: usize = 4096;

/// Where the bytes go.
#[derive(Clone, Debug)]
pub(super) enum Upstream {
    /// A service.
    Tcp(SocketAddr),
    /// The database.
    Unix(PathBuf),
}

/// What happens to bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// They are forwarded.
    Pass,
    /// Each piece is forwarded after this time.
    Delay(Duration),
    /// So many bytes are forwarded per second.
    Slow(u32),
    /// None are forwarded, and the connections stay open.
    Hold,
    /// The connection is reset after so many bytes of responses.
    CutAfter(usize),
}

#[derive(Clone, Copy, Debug)]
struct State {
    mode: Mode,
    /// How often all connections were cut.
    cuts: u32,
    /// How often all connections were closed for responses.
    half_closes: u32,
}

/// A running proxy; it stops when dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of this machine.
    pub(super) async fn start(upstream: Upstream) -> Result<Self> {
        let place = Path::new("a free port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.or_path("listen on", place)?;
        let address = listener.local_addr().or_path("listen on", place)?;
        let (state, states) = watch::channel(State {
            mode: Mode::Pass,
            cuts: 0,
            half_closes: 0,
        });
        let accepting = tokio::spawn(async move {
            loop {
                // An error is that of one connection.
                if let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(serve(client, upstream.clone(), states.clone()));
                }
            }
        });
        Ok(Self {
            address,
            state,
            accepting,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Treats all bytes like this from now on.
    pub(super) fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Resets all connections.
    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Closes the direction of the responses on all connections; requests still arrive.
    pub(super) fn half_close(&self) {
        self.state.send_modify(|state| state.half_closes += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

async fn connect(upstream: &Upstream) -> std::io::Result<(Reader, Writer)> {
    match upstream {
        Upstream::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = split(stream);
            Ok((Box::new(reader), Box::new(writer)))
        }
        Upstream::Unix(path) => {
            let (reader, writer) = split(UnixStream::connect(path).await?);
            Ok((Box::new(reader), Box::new(writer)))
        }
    }
}

/// Forwards one connection in both directions until its end.
async fn serve(mut client: TcpStream, upstream: Upstream, mut states: watch::Receiver<State>) {
    let begun = *states.borrow();
    // Without a server the client's connection is closed, as if it were refused.
    let Ok((from_server, to_server)) = connect(&upstream).await else {
        return;
    };
    // An option that only makes the run slower if it cannot be set.
    let _ = client.set_nodelay(true);
    let is_cut = {
        let (from_client, to_client) = client.split();
        let requests = pump(from_client, to_server, states.clone(), None);
        let responses = pump(
            from_server,
            to_client,
            states.clone(),
            Some(begun.half_closes),
        );
        tokio::select! {
            both = async { tokio::try_join!(requests, responses) } => both.is_err(),
            _ = states.wait_for(|state| state.cuts != begun.cuts) => true,
        }
    };
    if is_cut {
        // The connection may be closed already.
        let _ = client.set_zero_linger();
    }
}

/// The connection is to be reset.
struct Reset;

/// Forwards one direction until its end. That of the responses has the number of half
/// closes at its begin.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut states: watch::Receiver<State>,
    half_closes: Option<u32>,
) -> Result<(), Reset> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut forwarded = 0;
    loop {
        let count = from.read(&mut piece).await.map_err(|_| Reset)?;
        let mode = released(&mut states).await;
        let is_half_closed = half_closes.is_some_and(|begun| states.borrow().half_closes != begun);
        if count == 0 || is_half_closed {
            return to.shutdown().await.map_err(|_| Reset);
        }
        let mut rest = &piece[..count];
        match mode {
            Mode::Delay(time) => sleep(time).await,
            Mode::Slow(rate) => {
                let share = u32::try_from(count).unwrap_or(u32::MAX);
                sleep(Duration::from_secs(1) * share / rate.max(1)).await;
            }
            Mode::CutAfter(most) if half_closes.is_some() => {
                rest = &rest[..rest.len().min(most.saturating_sub(forwarded))];
            }
            Mode::Pass | Mode::Hold | Mode::CutAfter(_) => {}
        }
        to.write_all(rest).await.map_err(|_| Reset)?;
        forwarded += rest.len();
        if rest.len() < count {
            return Err(Reset);
        }
    }
}

/// The mode, once bytes are forwarded again.
async fn released(states: &mut watch::Receiver<State>) -> Mode {
    let state = states.wait_for(|state| state.mode != Mode::Hold).await;
    // Without a proxy the connection is about to end.
    state.map_or(Mode::Pass, |state| state.mode)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// A server that returns what it receives.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        address
    }

    async fn proxy() -> (Proxy, TcpStream) {
        let proxy = Proxy::start(Upstream::Tcp(echo().await)).await.unwrap();
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        (proxy, stream)
    }

    async fn said(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(text).await?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn bytes_pass_until_the_connection_is_cut() {
        let (proxy, mut stream) = proxy().await;

        assert_eq!(said(&mut stream, b"hello").await.unwrap(), b"hello");
        proxy.cut();

        assert!(said(&mut stream, b"hello").await.is_err());
        let mut next = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(said(&mut next, b"hello").await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_held_response_arrives_when_bytes_pass_again() {
        let (proxy, mut stream) = proxy().await;
        proxy.set(Mode::Hold);

        let answer = timeout(Duration::from_millis(50), said(&mut stream, b"hello")).await;
        assert!(answer.is_err());
        proxy.set(Mode::Pass);

        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[tokio::test]
    async fn a_response_is_cut_after_so_many_bytes() {
        let (proxy, mut stream) = proxy().await;
        proxy.set(Mode::CutAfter(3));

        stream.write_all(b"hello").await.unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer).await;

        assert!(end.is_err());
        assert!(answer.len() <= 3, "{answer:?}");
    }

    #[tokio::test]
    async fn a_half_closed_connection_has_no_responses() {
        let (proxy, mut stream) = proxy().await;
        assert_eq!(said(&mut stream, b"hello").await.unwrap(), b"hello");
        proxy.half_close();

        stream.write_all(b"hello").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();

        assert_eq!(answer, b"");
    }
}
