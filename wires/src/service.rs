//! The translation as a layer around a gRPC server.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use crate::inbound::Inbound;
use crate::methods::Wires;
use crate::request::{Begun, Refused};
use crate::wire::{ACCEPTED, Wire};

/// Lets a gRPC server answer the other protocols, too.
#[derive(Clone, Debug)]
pub struct WiresLayer(pub Arc<Wires>);

impl<S> Layer<S> for WiresLayer {
    type Service = Translated<S>;

    fn layer(&self, inner: S) -> Translated<S> {
        Translated {
            inner,
            wires: Arc::clone(&self.0),
        }
    }
}

/// The service of [`WiresLayer`].
#[derive(Clone, Debug)]
pub struct Translated<S> {
    inner: S,
    wires: Arc<Wires>,
}

impl<S> Service<Request<Body>> for Translated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Some(wire) = Wire::of(&request) else {
            let kind = request.headers().get(CONTENT_TYPE);
            let kind = kind.map(HeaderValue::as_bytes).unwrap_or_default();
            if kind.starts_with(b"application/grpc") {
                return Box::pin(self.inner.call(request));
            }
            return Box::pin(async { Ok(Refused::MediaType(ACCEPTED).into()) });
        };
        let Begun { mut request, reply } = match self.wires.begin(wire, request) {
            Ok(begun) => begun,
            Err(refused) => return Box::pin(async { Ok(refused.into()) }),
        };
        if let Some(inbound) = request.extensions_mut().remove::<Inbound>() {
            request = request.map(|body| inbound.translate(body));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let Ok(answer) = answer.await;
            Ok(reply.translate(answer).await)
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use http_body_util::{BodyExt, Full};
    use prost_reflect::DescriptorPool;
    use serde_json::{Value, json};
    use tonic::service::Routes;

    use super::*;
    use crate::envelope::{Envelope, Envelopes};
    use crate::reply::Ending;

    const CHECK: &str = "/grpc.health.v1.Health/Check";
    const WATCH: &str = "/grpc.health.v1.Health/Watch";

    /// The response of a health service to a body of this type.
    async fn answer(request: http::request::Builder, body: Bytes) -> Response<Body> {
        let (_, health) = tonic_health::server::health_reporter();
        let set = tonic_health::pb::FILE_DESCRIPTOR_SET;
        let wires = Wires::new(DescriptorPool::decode(set).unwrap(), 1_000);
        let health = Routes::new(health).prepare();
        let mut all = WiresLayer(Arc::new(wires)).layer(health);
        let request = request.body(Body::new(Full::new(body))).unwrap();
        all.call(request).await.unwrap()
    }

    async fn post(path: &str, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
        let request = Request::post(path).header("content-type", kind);
        answer(request, body.into()).await
    }

    async fn read(answer: Response<Body>) -> (StatusCode, HeaderMap, Bytes) {
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, body)
    }

    async fn json(answer: Response<Body>) -> (u16, Value) {
        let (status, headers, body) = read(answer).await;
        assert_eq!(headers["content-type"], "application/json");
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    fn envelopes(body: &[u8]) -> Vec<Envelope> {
        let mut envelopes = Envelopes::up_to(body.len());
        envelopes.push(body);
        std::iter::from_fn(|| envelopes.next().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_call_in_json_gets_json() {
        let called = json(post(CHECK, "application/json", "{}").await).await;
        assert_eq!(called, (200, json!({ "status": "SERVING" })));
    }

    #[tokio::test]
    async fn an_error_has_its_http_status_and_its_text() {
        let unknown = json(post(CHECK, "application/json", r#"{"service":"x"}"#).await).await;
        assert_eq!(unknown.0, 404);
        assert_eq!(unknown.1["code"], "not_found");
        let wrong = json(post(CHECK, "application/json", r#"{"service":7}"#).await).await;
        assert_eq!(wrong.0, 400);
        let text = wrong.1["message"].as_str().unwrap();
        assert!(text.contains("service: "), "{text}");
        assert_eq!(wrong.1["details"].as_array().unwrap().len(), 2);
        let missing = json(post("/a.B/C", "application/proto", "").await).await;
        assert_eq!(
            (missing.0, &missing.1["code"]),
            (404, &json!("unimplemented"))
        );
        let large = json(post(CHECK, "application/json", " ".repeat(2_000)).await).await;
        assert_eq!(
            (large.0, &large.1["code"]),
            (429, &json!("resource_exhausted"))
        );
    }

    #[tokio::test]
    async fn what_is_not_a_call_gets_an_http_status() {
        let other = post(CHECK, "text/plain", "{}").await;
        assert_eq!(other.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(other.headers()["accept-post"], ACCEPTED);
        // A stream is not one message.
        let stream = post(WATCH, "application/json", "{}").await;
        assert_eq!(stream.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let (_, headers, text) = read(stream).await;
        let accepted = headers["accept-post"].to_str().unwrap();
        assert!(accepted.contains("application/connect+json"), "{accepted}");
        assert!(!accepted.contains("application/json"), "{accepted}");
        assert_eq!(
            text,
            format!("the content type must be one of: {accepted}\n")
        );
        // The proto does not say that the call only reads.
        let get = Request::get(format!("{CHECK}?encoding=json&message=%7B%7D"));
        let get = answer(get, Bytes::new()).await;
        assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(get.headers()["allow"], "POST");
    }

    #[tokio::test]
    async fn a_stream_is_answered_as_it_is_written() {
        let request = Envelope {
            flags: 0,
            message: "{}".into(),
        };
        let answer = post(WATCH, "application/connect+json", request.encode()).await;

        assert_eq!(answer.headers()["content-type"], "application/connect+json");
        assert!(matches!(answer.extensions().get(), Some(Ending::Stream(_))));
        // The watch never ends.
        let first = answer.into_body().frame().await.unwrap().unwrap();
        let first = envelopes(&first.into_data().unwrap());
        assert_eq!(first[0].message, r#"{"status":"SERVING"}"#);
    }

    #[tokio::test]
    async fn a_stream_that_fails_ends_with_the_error() {
        let kind = "application/connect+json";
        let (status, _, body) = read(post(WATCH, kind, "").await).await;
        assert_eq!(status, StatusCode::OK);
        let last = envelopes(&body).pop().unwrap();
        assert_eq!(last.flags, 2);
        let last: Value = serde_json::from_slice(&last.message).unwrap();
        assert_eq!(last["error"]["code"], "unimplemented");

        let kind = "application/grpc-web+proto";
        let (_, _, body) = read(post(CHECK, kind, "").await).await;
        let last = envelopes(&body).pop().unwrap();
        assert_eq!(last.flags, 0x80);
        let lines = String::from_utf8(last.message.to_vec()).unwrap();
        assert!(lines.contains("grpc-status: 12\r\n"), "{lines}");
    }

    #[tokio::test]
    async fn base64_is_answered_in_base64() {
        let kind = "application/grpc-web-text";
        let (_, headers, body) = read(post(CHECK, kind, "AAAAAAA=").await).await;
        assert_eq!(headers["content-type"], "application/grpc-web-text+proto");
        let bytes = crate::text::Decoder::default().push(&body).unwrap();
        let [message, trailers] = envelopes(&bytes).try_into().unwrap();
        assert_eq!(message.message, &[8, 1][..]);
        assert_eq!(trailers.flags, 0x80);
    }
}
