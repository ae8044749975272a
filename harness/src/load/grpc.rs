//! Calls over plain HTTP/2. A generated client uses more processor time for a call than
//! the service does, which would dominate the measurement on one machine.

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http::{Method, Request, Uri, Version};
use tokio::net::TcpStream;

/// Large windows, so that flow control never delays the service.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Transport(#[from] h2::Error),
    /// The connection was not established.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The HTTP/1.1 connection failed.
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    /// The service refused.
    #[error("status {0:?}")]
    Status(String),
    /// Not a gRPC response.
    #[error("this is not a gRPC response")]
    Answer,
}

impl Failure {
    /// Whether the connection is broken.
    pub(super) fn is_of_connection(&self) -> bool {
        matches!(self, Self::Transport(_) | Self::Http(_) | Self::Connect(_))
    }
}

/// One HTTP/2 connection; clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    headers: HeaderMap,
}

impl Connection {
    /// Connects, and serves the connection on the current thread's runtime.
    pub(super) async fn open(
        address: std::net::SocketAddr,
        bearer: Option<HeaderValue>,
    ) -> Result<Self, Failure> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .handshake(socket)
            .await?;
        tokio::spawn(async move {
            // An error here is reported by the calls on the connection.
            let _ = connection.await;
        });
        let mut headers = HeaderMap::new();
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        if let Some(bearer) = bearer {
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(Self { sender, headers })
    }

    /// Makes one unary call with the encoded `message`. Returns the encoded response.
    pub(super) async fn call(&mut self, method: &Uri, message: &[u8]) -> Result<Bytes, Failure> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = method.clone();
        *request.headers_mut() = self.headers.clone();
        let mut sender = self.sender.clone().ready().await?;
        let (answer, mut body) = sender.send_request(request, false)?;
        body.send_data(framed(message), true)?;

        let (head, mut body) = answer.await?.into_parts();
        let mut whole = BytesMut::new();
        while let Some(part) = body.data().await {
            let part = part?;
            body.flow_control().release_capacity(part.len())?;
            whole.extend_from_slice(&part);
        }
        let trailers = body.trailers().await?.unwrap_or(head.headers);
        match trailers.get("grpc-status") {
            Some(status) if status == "0" => {}
            Some(status) => {
                return Err(Failure::Status(
                    String::from_utf8_lossy(status.as_bytes()).into_owned(),
                ));
            }
            None => return Err(Failure::Answer),
        }
        unframed(whole.freeze()).ok_or(Failure::Answer)
    }
}

/// A message with its length before it (the gRPC protocol's Length-Prefixed-Message).
fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

/// The message of an uncompressed response.
fn unframed(mut whole: Bytes) -> Option<Bytes> {
    let header = whole.get(..5)?;
    let length = u32::from_be_bytes(header[1..].try_into().ok()?);
    let is_whole = header[0] == 0 && whole.len() == 5 + usize::try_from(length).ok()?;
    is_whole.then(|| whole.split_off(5))
}

impl From<Failure> for crate::Error {
    fn from(failure: Failure) -> Self {
        Self::Load(Box::new(failure))
    }
}
