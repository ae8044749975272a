//! Calls over HTTP/1.1, for peers that support nothing else.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::grpc::Failure;

/// One connection, with one call at a time.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    bearer: HeaderValue,
}

impl Connection {
    /// Connects, and serves the connection on the current thread's runtime.
    pub(super) async fn open(address: SocketAddr, bearer: HeaderValue) -> Result<Self, Failure> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        tokio::spawn(async move {
            // An error here is reported by the calls on the connection.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            host: address.to_string(),
            bearer,
        })
    }

    /// Makes one call; returns the body of the response.
    pub(super) async fn call(
        &mut self,
        method: Method,
        path: &str,
        json: String,
    ) -> Result<Bytes, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.bearer)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(json))
            .map_err(|_| Failure::Answer)?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_success() {
            Ok(body)
        } else {
            Err(Failure::Status(status.to_string()))
        }
    }
}
