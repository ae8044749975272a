//! A client without checks of its own: it sends what the test says, has no deadline, and
//! returns the server's response.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use http::response::Parts;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::Status;
use tonic_types::StatusExt;

/// How long a test waits for what should arrive at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An HTTP/2 connection.
pub(crate) struct Connection {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

/// The server's response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The gRPC status.
    pub(crate) status: Status,
    /// The message, encoded.
    pub(crate) message: Bytes,
}

impl Answer {
    /// The `ErrorInfo.reason` of the status.
    pub(crate) fn reason(&self) -> String {
        reason(&self.status)
    }
}

/// The `ErrorInfo.reason` of a status, empty when it has none.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map_or(String::new(), |info| info.reason)
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        Self::over(socket).await.unwrap()
    }

    /// Uses HTTP/2 over an existing stream.
    pub(crate) async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, h2::Error> {
        let (requests, connection) = h2::client::handshake(stream).await?;
        Ok(Self {
            requests,
            driver: tokio::spawn(connection),
        })
    }

    /// Makes a call with these headers and an empty message.
    pub(crate) async fn call(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let answer = timeout(PATIENCE, self.try_call(path, headers, b"")).await;
        answer.expect("an answer in time").unwrap()
    }

    /// Makes a call; fails when the connection does.
    pub(crate) async fn try_call(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        message: &[u8],
    ) -> Result<Answer, h2::Error> {
        let (mut body, answer) = self.begin(path, headers).await?;
        body.send_data(framed(message), true)?;
        let (head, message, trailers) = read(answer).await?;
        assert_eq!(head.status, 200);
        let status = Status::from_header_map(&trailers)
            .or_else(|| Status::from_header_map(&head.headers))
            .expect("a gRPC status");
        Ok(Answer {
            status,
            message: message.slice(message.len().min(5)..),
        })
    }

    /// Starts a call with these headers; its message is still to be sent.
    pub(crate) async fn begin(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(SendStream<Bytes>, ResponseFuture), h2::Error> {
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut ready = self.requests.clone().ready().await?;
        let (answer, body) = ready.send_request(request.body(()).unwrap(), false)?;
        Ok((body, answer))
    }

    /// Sends a request unchanged; its response is still to be read.
    pub(crate) async fn send(&self, request: Request<()>, body: &str) -> ResponseFuture {
        let mut ready = self.requests.clone().ready().await.unwrap();
        let (answer, mut sending) = ready.send_request(request, false).unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        sending.send_data(body, true).unwrap();
        answer
    }

    /// Makes a request unchanged; returns the head and the text of the response.
    pub(crate) async fn request(&self, request: Request<()>, body: &str) -> (Parts, String) {
        let answer = async { read(self.send(request, body).await).await };
        let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
        let (head, text, _) = answer.unwrap();
        (head, String::from_utf8(text.to_vec()).unwrap())
    }

    /// Waits for the end of the connection.
    pub(crate) async fn ended(self) -> Result<(), h2::Error> {
        let Self { requests, driver } = self;
        drop(requests);
        timeout(PATIENCE, driver)
            .await
            .expect("an end in time")
            .unwrap()
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

/// Reads a complete response: its head, its body and its trailers.
pub(crate) async fn read(
    answer: ResponseFuture,
) -> Result<(Parts, Bytes, http::HeaderMap), h2::Error> {
    let (head, mut body) = answer.await?.into_parts();
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        message.put(data);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    Ok((head, message.freeze(), trailers))
}

/// Waits for the status of a response, in its trailers or its head.
pub(crate) async fn status(answer: ResponseFuture) -> Status {
    let answer = timeout(PATIENCE, read(answer))
        .await
        .expect("an answer in time");
    let (head, _, trailers) = answer.unwrap();
    let status = Status::from_header_map(&trailers);
    status
        .or_else(|| Status::from_header_map(&head.headers))
        .unwrap()
}

/// One HTTP/2 frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// 1: HEADERS, 3: `RST_STREAM`, 4: SETTINGS, 7: GOAWAY.
    pub(crate) kind: u8,
    /// Its flags.
    pub(crate) flags: u8,
    /// Its stream.
    pub(crate) stream: u32,
    /// Its content.
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// As bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads a frame; `None` at the end of the connection.
    pub(crate) async fn read(socket: &mut (impl AsyncReadExt + Unpin)) -> Option<Self> {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        socket.read_exact(&mut payload).await.ok()?;
        Some(Self {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]),
            payload,
        })
    }
}

/// A connection on which only the preface and empty settings were sent.
pub(crate) async fn open_raw(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    let settings = Frame {
        kind: 4,
        flags: 0,
        stream: 0,
        payload: Vec::new(),
    };
    socket.write_all(&settings.encode()).await.unwrap();
    socket
}
