//! The response: from gRPC to the caller's protocol.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::codes;
use crate::envelope::{COMPRESSED, Envelope};
use crate::reply::{Ending, NOT_METADATA, Reply, metadata};
use crate::stream;

impl Reply {
    /// The response with this error.
    #[must_use]
    pub fn refuse(&self, status: Status) -> Response<Body> {
        let is_unknown = status.code() == Code::Unimplemented && !self.has_method();
        let (head, _) = status.into_http::<Body>().into_parts();
        let mut answer = self.failed(head);
        if is_unknown && self.wire.is_unary() {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        answer
    }

    /// Translates a response.
    pub async fn translate(self, response: Response<Body>) -> Response<Body> {
        let (head, body) = response.into_parts();
        if head.headers.contains_key("grpc-status") {
            return self.failed(head);
        }
        if self.wire.is_unary() {
            return self.whole(head, body).await;
        }
        self.stream(head, body)
    }

    /// A response of gRPC without a body ("Trailers-Only").
    fn failed(&self, mut head: Parts) -> Response<Body> {
        if self.wire.is_unary() {
            let status = Status::from_header_map(&head.headers);
            let status = status.unwrap_or_else(|| Status::internal("there is no status"));
            return self.error(head, &status);
        }
        let last = self.last(&head.headers);
        head.headers = HeaderMap::new();
        self.finish(head, Full::new(last), Ending::Stream)
    }

    /// A response of one message, whose status is known before it is sent.
    async fn whole(&self, mut head: Parts, body: Body) -> Response<Body> {
        let collected = match body.collect().await {
            Ok(collected) => collected,
            Err(status) => return self.error(head, &status),
        };
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let status = Status::from_header_map(&trailers);
        let status = status.unwrap_or_else(|| Status::internal("the response has no status"));
        append(&mut head.headers, &trailers, "trailer-");
        if status.code() != Code::Ok {
            return self.error(head, &status);
        }
        match self.only_message(collected.to_bytes()) {
            Ok(Envelope { flags, message }) => {
                if flags == COMPRESSED {
                    let gzip = HeaderValue::from_static("gzip");
                    head.headers.insert(CONTENT_ENCODING, gzip);
                }
                self.finish(head, Full::new(message), Ending::Whole)
            }
            Err(status) => self.error(head, &status),
        }
    }

    fn only_message(&self, body: Bytes) -> Result<Envelope, Status> {
        let envelope = Envelope::only(body);
        let envelope = envelope.ok_or_else(|| Status::internal("the response is not one message"));
        self.message(envelope?)
    }

    /// Messages as they are written.
    fn stream(self, mut head: Parts, body: Body) -> Response<Body> {
        let encoding = head.headers.remove("grpc-encoding");
        let body = stream::translate(self.clone(), body);
        let mut answer = self.finish(head, body, Ending::Stream);
        if let Some(encoding) = encoding {
            let name = self.wire.encoding_header();
            answer.headers_mut().insert(name, encoding);
        }
        answer
    }

    /// The end of a stream that has these trailers.
    #[must_use]
    pub fn last(&self, trailers: &HeaderMap) -> Bytes {
        stream::last(self, trailers)
    }

    /// An error as JSON.
    fn error(&self, mut head: Parts, status: &Status) -> Response<Body> {
        let json = serde_json::to_vec(&self.describe(status)).unwrap_or_default();
        head.status = codes::http_status(status.code());
        let mut answer = self.finish(head, Full::new(json.into()), Ending::Whole);
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(CONTENT_TYPE, json);
        answer
    }

    fn finish<B>(&self, mut head: Parts, body: B, ending: fn(Self) -> Ending) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        for name in NOT_METADATA {
            head.headers.remove(name);
        }
        head.headers.insert(CONTENT_TYPE, self.wire.content_type());
        head.extensions.insert(ending(self.clone()));
        Response::from_parts(head, Body::new(body))
    }
}

/// Adds metadata to headers, with a prefix before its names.
fn append(headers: &mut HeaderMap, trailers: &HeaderMap, prefix: &str) {
    for (name, value) in metadata(trailers) {
        if let Ok(name) = HeaderName::try_from(format!("{prefix}{name}")) {
            headers.append(name, value.clone());
        }
    }
}
