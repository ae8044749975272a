//! Classifies requests, and refuses those that are not allowed. The only place that decides
//! by content types.
//!
//! A web page can send a POST with a body of `text/plain` to any server that its visitor
//! can reach (a "simple request" of the Fetch standard). Therefore only the content types of
//! gRPC, gRPC-Web and Connect are executed: a page of another origin can send them only if
//! the server permits it. A call by GET has no content type, but can change nothing. gRPC
//! itself requires HTTP/2; the other protocols and pages also have HTTP/1.1.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, Either};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;
use wires::{ACCEPTED, Begun, Refused, Reply, Wire, Wires};

use crate::serve::calls::Calls;
use crate::serve::hosts::Hosts;
use crate::serve::rpcs::{self, Rpc};
use crate::status::Refusal;

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// gRPC over HTTP/2, with protobuf.
    Grpc,
    /// One that is translated to gRPC.
    Translated(Wire),
    /// Anything else, for pages only.
    Unknown,
}

impl Protocol {
    /// The protocol of a request, by its content type.
    fn of<B>(request: &Request<B>) -> Self {
        if is_grpc(request.headers()) {
            return Self::Grpc;
        }
        Wire::of(request).map_or(Self::Unknown, Self::Translated)
    }
}

/// Whether the content type is `application/grpc`, optionally with `+proto` and parameters
/// (gRPC over HTTP/2, "Requests").
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.unwrap_or_default().split(|byte| *byte == b';').next();
    let kind = kind.unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/grpc")
        || kind.eq_ignore_ascii_case(b"application/grpc+proto")
}

/// A request that is let in.
enum Admitted {
    Page,
    Call(&'static Rpc),
    Translated(Wire, &'static Rpc),
}

/// Why a request is refused.
#[derive(Debug)]
enum RefusedRequest {
    /// Answered with an HTTP response.
    Http(StatusCode, &'static str),
    /// Answered with a gRPC error.
    Grpc(Box<Refusal>),
    /// Answered with an error of the caller's protocol.
    Translated(Wire, Box<Refusal>),
    /// Cannot be translated.
    Untranslated(Refused),
}

impl RefusedRequest {
    /// Answered with an error, in the protocol of the request.
    fn call(protocol: Protocol, refusal: Refusal) -> Self {
        match protocol {
            Protocol::Translated(wire) => Self::Translated(wire, refusal.into()),
            Protocol::Grpc | Protocol::Unknown => Self::Grpc(refusal.into()),
        }
    }
}

/// A response that is not one of a call.
fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut answer = Response::new(Body::new(format!("{text}\n")));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}

/// The services and pages of a server, and its allowed names.
#[derive(Debug)]
pub(crate) struct Served {
    rpcs: HashMap<&'static str, &'static Rpc>,
    pages: Vec<&'static str>,
    hosts: Hosts,
    /// Listed in the error of an unknown method.
    names: String,
    wires: Arc<Wires>,
}

impl Served {
    /// These services and pages.
    pub(crate) fn new(
        services: &[&str],
        pages: &[&'static str],
        hosts: Hosts,
        wires: Arc<Wires>,
    ) -> Self {
        let is_served = |rpc: &Rpc| services.contains(&rpc.service.as_str());
        let rpcs = rpcs::all().iter().filter(|(_, rpc)| is_served(rpc));
        Self {
            rpcs: rpcs.map(|(path, rpc)| (path.as_str(), rpc)).collect(),
            pages: pages.to_vec(),
            hosts,
            names: services.join(", "),
            wires,
        }
    }

    /// What is requested.
    fn admit<B>(&self, request: &Request<B>) -> Result<Admitted, RefusedRequest> {
        let protocol = Protocol::of(request);
        let path = request.uri().path();
        if !self.hosts.admit(request.uri(), request.headers()) {
            return Err(match protocol {
                Protocol::Unknown => {
                    RefusedRequest::Http(StatusCode::MISDIRECTED_REQUEST, Hosts::PROBLEM)
                }
                _ => RefusedRequest::call(protocol, Hosts::refusal()),
            });
        }
        if self.pages.contains(&path) {
            return Ok(Admitted::Page);
        }
        let rpc = self.rpcs.get(path).copied();
        match (protocol, rpc) {
            (Protocol::Grpc, _) if request.version() != Version::HTTP_2 => {
                Err(RefusedRequest::Http(
                    StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                    "gRPC requires HTTP/2; gRPC-Web and Connect do not",
                ))
            }
            (Protocol::Grpc, _) if request.method() != Method::POST => Err(RefusedRequest::Http(
                StatusCode::METHOD_NOT_ALLOWED,
                "gRPC requires POST",
            )),
            (Protocol::Grpc, Some(rpc)) => Ok(Admitted::Call(rpc)),
            (Protocol::Translated(wire), Some(rpc)) => Ok(Admitted::Translated(wire, rpc)),
            (Protocol::Unknown, Some(_)) => {
                Err(RefusedRequest::Untranslated(Refused::MediaType(ACCEPTED)))
            }
            (Protocol::Unknown, None) => Err(RefusedRequest::Http(
                StatusCode::NOT_FOUND,
                "there is nothing at this path",
            )),
            (_, None) => Err(RefusedRequest::call(protocol, self.unknown(path))),
        }
    }

    /// The response to a refused request.
    fn refuse(&self, refused: RefusedRequest) -> Response<Body> {
        match refused {
            RefusedRequest::Http(status, text) => plain(status, text),
            RefusedRequest::Grpc(refusal) => Status::from(*refusal).into_http(),
            RefusedRequest::Translated(wire, refusal) => {
                let status = Status::from(*refusal);
                Reply::without_method(&self.wires, wire).refuse(status)
            }
            RefusedRequest::Untranslated(refused) => refused.into(),
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

impl<S> Door<S> {
    /// Counts and answers a request that is refused.
    fn refuse(&self, refused: RefusedRequest, verb: &Method) -> Response<Body> {
        match &refused {
            RefusedRequest::Http(status, _) => self.calls.count_no_call(*status),
            RefusedRequest::Grpc(refusal) | RefusedRequest::Translated(_, refusal) => {
                self.calls.count_unserved(refusal.code());
            }
            RefusedRequest::Untranslated(Refused::Verb(_)) => {
                self.calls.count_no_call(StatusCode::METHOD_NOT_ALLOWED);
            }
            RefusedRequest::Untranslated(Refused::MediaType(_)) => {
                self.calls.count_no_call(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
            RefusedRequest::Untranslated(Refused::Call(_, status)) => {
                self.calls.count_unserved(status.code());
            }
        }
        let mut answer = self.served.refuse(refused);
        if verb == Method::HEAD {
            *answer.body_mut() = Body::empty();
        }
        answer
    }
}

/// The response to a call that was translated, an accepted one, or a refused one.
type Answer<F> = Either<Ready<Result<Response<Body>, Infallible>>, Either<F, Translated>>;
type Translated = BoxFuture<'static, Result<Response<Body>, Infallible>>;

impl<S> Service<Request<Body>> for Door<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.served.admit(&request) {
            Ok(Admitted::Page) => Either::Right(Either::Left(self.inner.call(request))),
            Ok(Admitted::Call(rpc)) => {
                request.extensions_mut().insert(rpc);
                Either::Right(Either::Left(self.inner.call(request)))
            }
            Ok(Admitted::Translated(wire, rpc)) => {
                request.extensions_mut().insert(rpc);
                let verb = request.method().clone();
                match self.served.wires.begin(wire, request) {
                    Ok(Begun { request, reply }) => {
                        let answer = self.inner.call(request);
                        let translated = async move {
                            let Ok(answer) = answer.await;
                            Ok(reply.translate(answer).await)
                        };
                        Either::Right(Either::Right(Box::pin(translated)))
                    }
                    Err(refused) => {
                        let refused = RefusedRequest::Untranslated(refused);
                        Either::Left(ready(Ok(self.refuse(refused, &verb))))
                    }
                }
            }
            Err(refused) => Either::Left(ready(Ok(self.refuse(refused, request.method())))),
        }
    }
}
