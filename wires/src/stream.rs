//! Responses of many messages, and how they end.

use std::collections::BTreeMap;

use async_stream::try_stream;
use base64::Engine;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde::Serialize;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::envelope::{Envelope, Envelopes};
use crate::error::Error;
use crate::reply::{Reply, metadata};
use crate::text::STANDARD;
use crate::wire::{Codec, Wire};

/// The flag of the last envelope of a Connect stream (protocol reference,
/// "`EndStreamResponse`").
const END_STREAM: u8 = 2;
/// The flag of the trailers of gRPC-Web (PROTOCOL-WEB, "HTTP/2 related differences").
const TRAILERS: u8 = 0x80;

/// The last envelope of a Connect stream.
#[derive(Serialize)]
struct EndStream<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, Vec<String>>,
}

/// The body in the caller's protocol. Reads a message when the one before was taken.
pub(crate) fn translate(reply: Reply, body: Body) -> Body {
    Body::new(StreamBody::new(frames(reply, body)))
}

fn frames(reply: Reply, mut body: Body) -> impl Stream<Item = Result<Frame<Bytes>, Status>> {
    try_stream! {
        // It is our own, so its size is not limited here.
        let mut envelopes = Envelopes::up_to(u32::MAX as usize);
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            let data = match frame?.into_data() {
                Ok(data) => data,
                Err(other) => {
                    trailers = other.into_trailers().ok();
                    break;
                }
            };
            if reply.wire.codec() == Codec::Proto {
                yield Frame::data(as_text(&reply, data));
                continue;
            }
            envelopes.push(&data);
            while let Some(envelope) = envelopes.next()? {
                yield Frame::data(reply.message(envelope)?.encode());
            }
        }
        let trailers = trailers.unwrap_or_else(|| {
            let mut trailers = HeaderMap::new();
            let broken = Status::internal("the response has no status");
            // All of these are valid headers.
            let _ = broken.add_header(&mut trailers);
            trailers
        });
        yield Frame::data(last(&reply, &trailers));
    }
}

/// The end of a stream that has these trailers.
pub(crate) fn last(reply: &Reply, trailers: &HeaderMap) -> Bytes {
    let envelope = if reply.wire.is_connect() {
        Envelope {
            flags: END_STREAM,
            message: end_stream(reply, trailers),
        }
    } else {
        Envelope {
            flags: TRAILERS,
            message: lines(trailers),
        }
    };
    as_text(reply, envelope.encode())
}

fn as_text(reply: &Reply, data: Bytes) -> Bytes {
    if reply.wire == Wire::WebText {
        STANDARD.encode(data).into()
    } else {
        data
    }
}

fn end_stream(reply: &Reply, trailers: &HeaderMap) -> Bytes {
    let status = Status::from_header_map(trailers).filter(|status| status.code() != Code::Ok);
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in metadata(trailers) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        values.entry(name.as_str()).or_default().push(value);
    }
    let end = EndStream {
        error: status.map(|status| reply.describe(&status)),
        metadata: values,
    };
    serde_json::to_vec(&end).unwrap_or_default().into()
}

/// Trailers as lines of HTTP/1.1.
fn lines(trailers: &HeaderMap) -> Bytes {
    let mut lines = BytesMut::new();
    for (name, value) in trailers.iter().filter(|(name, _)| *name != "content-type") {
        lines.put_slice(name.as_str().as_bytes());
        lines.put_slice(b": ");
        lines.put_slice(value.as_bytes());
        lines.put_slice(b"\r\n");
    }
    lines.freeze()
}
