//! A client without the usual checks: it sends what the test says, from the address that
//! the test says, and reads only on request.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::SendStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tonic::Status;

/// The attackers' address; everybody else has 127.0.0.1.
pub(crate) const ATTACKER: [u8; 4] = [127, 0, 0, 2];

/// A socket from this address.
pub(crate) async fn socket(from: [u8; 4], to: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to.parse().unwrap()).await.unwrap()
}

/// An HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Wire {
    requests: SendRequest<Bytes>,
}

/// A call that was started.
pub(crate) struct Begun {
    pub(crate) body: SendStream<Bytes>,
    pub(crate) answer: ResponseFuture,
}

impl Wire {
    /// Connects as an attacker; `None` if the server refuses.
    pub(crate) async fn open(to: &str) -> Option<Self> {
        Self::open_with(to, &Builder::new()).await
    }

    /// With these settings of HTTP/2.
    pub(crate) async fn open_with(to: &str, settings: &Builder) -> Option<Self> {
        Self::over(socket(ATTACKER, to).await, settings).await
    }

    /// Over this stream.
    pub(crate) async fn over<S>(stream: S, settings: &Builder) -> Option<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (requests, connection) = settings.handshake(stream).await.ok()?;
        tokio::spawn(connection);
        Some(Self { requests })
    }

    /// Starts a call with a distant deadline.
    pub(crate) async fn begin(&self, path: &str, token: &str) -> Result<Begun, h2::Error> {
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", "99999999H");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut ready = self.requests.clone().ready().await?;
        let (answer, body) = ready.send_request(request.body(()).unwrap(), false)?;
        Ok(Begun { body, answer })
    }
}

/// A message as gRPC frames it.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len().try_into().unwrap());
    frame.put_slice(message);
    frame.freeze()
}

/// The status of a response without a message; `None` if the connection ended.
pub(crate) async fn status(answer: ResponseFuture) -> Option<Status> {
    let (head, mut body) = answer.await.ok()?.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return Some(status);
    }
    while let Some(data) = body.data().await {
        let read = data.ok()?.len();
        body.flow_control().release_capacity(read).ok()?;
    }
    Status::from_header_map(&body.trailers().await.ok()??)
}
