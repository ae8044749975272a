//! The head of a request: from the caller's protocol to gRPC's.

use std::sync::Arc;

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, TE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, StatusCode, Version};
use tonic::Status;
use tonic::body::Body;

use crate::encoding::{Encoding, accepts_gzip};
use crate::inbound::Inbound;
use crate::methods::{Method, Wires};
use crate::query::Query;
use crate::refusal::{bare, malformed};
use crate::reply::Reply;
use crate::wire::{ACCEPTED_STREAM, ACCEPTED_UNARY, Codec, Wire};

/// Headers of one connection or of another protocol, which are not metadata.
const NOT_METADATA: [&str; 22] = [
    "accept",
    "accept-encoding",
    "connect-accept-encoding",
    "connect-content-encoding",
    "connect-protocol-version",
    "connect-timeout-ms",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-encoding",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-grpc-web",
    "grpc-timeout",
];

/// Lists content types (W3C Linked Data Platform, section 7.1).
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// A request that is now one of gRPC, with the way to answer it. Its body is still that of
/// the caller: [`Inbound`], an extension of the request, translates it.
#[derive(Debug)]
pub struct Begun {
    /// The request.
    pub request: Request<Body>,
    /// Translates the response.
    pub reply: Reply,
}

/// Why a request is not translated.
#[derive(Debug)]
pub enum Refused {
    /// Its HTTP method is not one of these.
    Verb(&'static str),
    /// Its content type is not one of these.
    MediaType(&'static str),
    /// Something else is wrong with a call, which is answered in its protocol.
    Call(Box<Reply>, Box<Status>),
}

impl From<Refused> for Response<Body> {
    fn from(refused: Refused) -> Self {
        let (status, what, name, allowed) = match refused {
            Refused::Call(reply, status) => return reply.refuse(*status),
            Refused::Verb(verbs) => {
                let status = StatusCode::METHOD_NOT_ALLOWED;
                (status, "HTTP method", ALLOW, verbs)
            }
            Refused::MediaType(kinds) => {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                (status, "content type", ACCEPT_POST, kinds)
            }
        };
        let text = format!("the {what} must be one of: {allowed}\n");
        let mut answer = Self::new(Body::new(text));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(name, HeaderValue::from_static(allowed));
        answer
    }
}

impl Wires {
    /// Translates the head of a request.
    pub fn begin(self: &Arc<Self>, wire: Wire, request: Request<Body>) -> Result<Begun, Refused> {
        let Some(method) = self.method(request.uri().path()) else {
            let reply = Reply::without_method(self, wire);
            let unknown = Status::unimplemented("this server has no such method");
            return Err(Refused::Call(reply.into(), unknown.into()));
        };
        check_verb(wire, method, request.method())?;
        if wire.is_connect() && wire.is_unary() == method.streams() {
            return Err(Refused::MediaType(if method.streams() {
                ACCEPTED_STREAM
            } else {
                ACCEPTED_UNARY
            }));
        }
        let reply = Reply::new(self, wire, method);
        let (mut parts, body) = request.into_parts();
        match self.head(wire, &mut parts, method) {
            Ok(inbound) => {
                parts.extensions.insert(inbound);
                let request = Request::from_parts(parts, body);
                Ok(Begun { request, reply })
            }
            Err(status) if self.explains => Err(Refused::Call(reply.into(), status.into())),
            Err(status) => Err(Refused::Call(reply.into(), bare(&status).into())),
        }
    }
}

fn check_verb(wire: Wire, method: &Method, verb: &Verb) -> Result<(), Refused> {
    let fits = match wire {
        Wire::Get(_) => method.by_get,
        _ => verb == Verb::POST,
    };
    match (fits, method.by_get) {
        (true, _) => Ok(()),
        (false, true) => Err(Refused::Verb("GET, POST")),
        (false, false) => Err(Refused::Verb("POST")),
    }
}

impl Wires {
    /// Makes the head gRPC's.
    fn head(&self, wire: Wire, parts: &mut Parts, method: &Method) -> Result<Inbound, Status> {
        let query = match wire {
            Wire::Get(_) => Query::of(parts.uri.query().unwrap_or_default())?,
            _ => Query::default(),
        };
        let headers = &mut parts.headers;
        let timeout = if wire.is_connect() {
            let version = headers.get("connect-protocol-version");
            if version.is_some_and(|version| version.as_bytes() != b"1") {
                return Err(malformed("connect-protocol-version must be 1"));
            }
            timeout(headers)?
        } else {
            headers.get("grpc-timeout").cloned()
        };
        let encoding = match wire {
            Wire::Get(_) => Encoding::of(query.compression.as_deref())?,
            _ => Encoding::of(
                headers
                    .get(wire.encoding_header())
                    .map(HeaderValue::as_bytes),
            )?,
        };
        let mut accepted = headers.get_all(wire.accept_header()).iter();
        let takes_gzip = accepted.any(|list| accepts_gzip(list.as_bytes()));

        for name in NOT_METADATA {
            headers.remove(name);
        }
        let gzip = HeaderValue::from_static("gzip");
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(timeout) = timeout {
            headers.insert("grpc-timeout", timeout);
        }
        if takes_gzip {
            headers.insert("grpc-accept-encoding", gzip.clone());
        }
        // JSON is decompressed here.
        if encoding == Encoding::Gzip && wire.codec() == Codec::Proto {
            headers.insert("grpc-encoding", gzip);
        }
        parts.method = Verb::POST;
        parts.version = Version::HTTP_2;
        Ok(Inbound {
            wire,
            encoding,
            bytes_max: self.bytes_max,
            explains: self.explains,
            kind: method.input.clone(),
            is_one: !method.client_streams,
            query: query.message,
        })
    }
}

/// `connect-timeout-ms`, as gRPC has it: at most eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Result<Option<HeaderValue>, Status> {
    let Some(text) = headers.get("connect-timeout-ms") else {
        return Ok(None);
    };
    let text = text.to_str().unwrap_or_default();
    let is_number = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let milliseconds: Option<u64> = text.parse().ok().filter(|_| is_number);
    let milliseconds = milliseconds
        .ok_or_else(|| malformed("connect-timeout-ms must be a number of at most ten digits"))?;
    let text = if milliseconds < 100_000_000 {
        format!("{milliseconds}m")
    } else {
        format!("{}S", milliseconds / 1000)
    };
    let value = HeaderValue::from_str(&text);
    value
        .map(Some)
        .map_err(|_| Status::internal("a number is a header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("connect-timeout-ms", HeaderValue::from_str(text).unwrap());
        let value = timeout(&headers).ok()?.unwrap();
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_timeout_fits_into_eight_digits() {
        assert_eq!(translated("0").unwrap(), "0m");
        assert_eq!(translated("99999999").unwrap(), "99999999m");
        assert_eq!(translated("9999999999").unwrap(), "9999999S");
        for text in ["", "-1", "1s", "12345678901", "+1", "1.5"] {
            assert_eq!(translated(text), None, "{text}");
        }
    }
}
