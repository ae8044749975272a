//! Classifies requests, and refuses those that are not allowed. The only place that reads
//! content types: another protocol on the same port would be another [`Protocol`].
//!
//! A web page can send a POST with a body of `text/plain` to any server that its visitor
//! can reach (a "simple request" of the Fetch standard). Therefore only gRPC's own
//! content types are executed. gRPC requires HTTP/2, which browsers do not use without
//! TLS; HTTP/1.1 is for pages only.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use crate::serve::calls::Calls;
use crate::serve::hosts::Hosts;
use crate::serve::rpcs::{self, Rpc};
use crate::status::Refusal;

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// gRPC over HTTP/2, with protobuf.
    Grpc,
    /// Anything else, for pages only.
    Unknown,
}

impl Protocol {
    /// The protocol that the content type names: `application/grpc`, optionally with
    /// `+proto` and parameters (gRPC over HTTP/2, "Requests").
    fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let kind = kind.unwrap_or_default().split(|byte| *byte == b';').next();
        let kind = kind.unwrap_or_default().trim_ascii();
        if kind.eq_ignore_ascii_case(b"application/grpc")
            || kind.eq_ignore_ascii_case(b"application/grpc+proto")
        {
            Self::Grpc
        } else {
            Self::Unknown
        }
    }
}

/// Why a request is refused.
#[derive(Debug)]
enum RefusedRequest {
    /// Answered with an HTTP response.
    Http(StatusCode, &'static str),
    /// Answered with a gRPC error.
    Grpc(Box<Refusal>),
}

impl From<RefusedRequest> for Response<Body> {
    fn from(refused: RefusedRequest) -> Self {
        let (status, text) = match refused {
            RefusedRequest::Grpc(refusal) => return Status::from(*refusal).into_http(),
            RefusedRequest::Http(status, text) => (status, text),
        };
        let mut answer = Response::new(Body::new(format!("{text}\n")));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        answer
    }
}

/// The services and pages of a server, and its allowed names.
#[derive(Debug)]
pub(crate) struct Served {
    rpcs: HashMap<&'static str, &'static Rpc>,
    pages: Vec<&'static str>,
    hosts: Hosts,
    /// Listed in the error of an unknown method.
    names: String,
}

impl Served {
    /// These services and pages.
    pub(crate) fn new(services: &[&str], pages: &[&'static str], hosts: Hosts) -> Self {
        let is_served = |rpc: &Rpc| services.contains(&rpc.service.as_str());
        let rpcs = rpcs::all().iter().filter(|(_, rpc)| is_served(rpc));
        Self {
            rpcs: rpcs.map(|(path, rpc)| (path.as_str(), rpc)).collect(),
            pages: pages.to_vec(),
            hosts,
            names: services.join(", "),
        }
    }

    /// The RPC that is called; `None` for a page.
    fn admit<B>(&self, request: &Request<B>) -> Result<Option<&'static Rpc>, RefusedRequest> {
        let protocol = Protocol::of(request.headers());
        let path = request.uri().path();
        if !self.hosts.admit(request.uri(), request.headers()) {
            return Err(match protocol {
                Protocol::Grpc => RefusedRequest::Grpc(Hosts::refusal().into()),
                Protocol::Unknown => {
                    RefusedRequest::Http(StatusCode::MISDIRECTED_REQUEST, Hosts::PROBLEM)
                }
            });
        }
        if self.pages.contains(&path) {
            return Ok(None);
        }
        let rpc = self.rpcs.get(path).copied();
        match (protocol, rpc) {
            (Protocol::Grpc, _) if request.version() != Version::HTTP_2 => {
                Err(RefusedRequest::Http(
                    StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                    "gRPC requires HTTP/2",
                ))
            }
            (Protocol::Grpc, _) if request.method() != Method::POST => Err(RefusedRequest::Http(
                StatusCode::METHOD_NOT_ALLOWED,
                "gRPC requires POST",
            )),
            (Protocol::Grpc, Some(rpc)) => Ok(Some(rpc)),
            (Protocol::Grpc, None) => Err(RefusedRequest::Grpc(self.unknown(path).into())),
            (Protocol::Unknown, Some(_)) => Err(RefusedRequest::Http(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this is a gRPC server: the content type must be application/grpc",
            )),
            (Protocol::Unknown, None) => Err(RefusedRequest::Http(
                StatusCode::NOT_FOUND,
                "there is nothing at this path",
            )),
        }
    }

    fn unknown(&self, path: &str) -> Refusal {
        // Cut, because the client chose the path and it becomes part of the error.
        let path: String = path.chars().take(200).collect();
        let text = format!("this server has no method {path}; it serves {}", self.names);
        Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN", text)
    }
}

/// Admits requests.
#[derive(Clone, Debug)]
pub(crate) struct Door<S> {
    pub(crate) inner: S,
    pub(crate) served: Arc<Served>,
    pub(crate) calls: Arc<Calls>,
}

impl<S> Service<Request<Body>> for Door<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.served.admit(&request) {
            Ok(rpc) => {
                if let Some(rpc) = rpc {
                    request.extensions_mut().insert(rpc);
                }
                Either::Right(self.inner.call(request))
            }
            Err(refused) => {
                match &refused {
                    RefusedRequest::Http(status, _) => self.calls.count_no_call(*status),
                    RefusedRequest::Grpc(refusal) => self.calls.count_unserved(refusal.code()),
                }
                let mut answer = Response::from(refused);
                if request.method() == Method::HEAD {
                    *answer.body_mut() = Body::empty();
                }
                Either::Left(ready(Ok(answer)))
            }
        }
    }
}
