//! The body of a request: from the caller's protocol to gRPC's.

use async_stream::try_stream;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost_reflect::MessageDescriptor;
use tonic::Status;
use tonic::body::Body;

use crate::encoding::{Encoding, gunzip};
use crate::envelope::{COMPRESSED, Envelope, Envelopes};
use crate::json;
use crate::refusal::{bare, malformed, not_one_message, too_large, undeclared_compression};
use crate::text::Decoder;
use crate::wire::{Codec, Wire};

/// Translates the body of a request; an extension of a request that
/// [`Wires::begin`](crate::Wires::begin) returned.
#[derive(Clone, Debug)]
pub struct Inbound {
    pub(crate) wire: Wire,
    pub(crate) encoding: Encoding,
    pub(crate) bytes_max: usize,
    pub(crate) explains: bool,
    pub(crate) kind: MessageDescriptor,
    /// Whether the client sends exactly one message.
    pub(crate) is_one: bool,
    /// The message of a call by GET.
    pub(crate) query: Option<Bytes>,
}

impl Inbound {
    /// The protocol of the caller.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// The body that gRPC has in place of this one. It reads no more than the next message
    /// at a time.
    #[must_use]
    pub fn translate(self, body: Body) -> Body {
        let explains = self.explains;
        let bare = move |status| if explains { status } else { bare(&status) };
        if self.wire.is_unary() {
            Body::new(StreamBody::new(self.one(body).map_err(bare)))
        } else {
            Body::new(StreamBody::new(self.many(body).map_err(bare)))
        }
    }

    /// A message without an envelope.
    fn one(self, mut body: Body) -> impl Stream<Item = Result<Frame<Bytes>, Status>> {
        try_stream! {
            let message = match &self.query {
                Some(message) => message.clone(),
                None => read(&mut body, self.bytes_max).await?,
            };
            let is_compressed = self.encoding == Encoding::Gzip && !message.is_empty();
            let envelope = Envelope { flags: u8::from(is_compressed), message };
            let envelope = self.message(envelope)?;
            yield Frame::data(envelope.head());
            yield Frame::data(envelope.message);
        }
    }

    /// Messages in envelopes.
    fn many(self, mut body: Body) -> impl Stream<Item = Result<Frame<Bytes>, Status>> {
        try_stream! {
            let mut text = Decoder::default();
            let mut envelopes = Envelopes::up_to(self.bytes_max);
            let mut messages = 0;
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame?.into_data() else { continue };
                if self.wire == Wire::WebText {
                    envelopes.push(&text.push(&data)?);
                } else {
                    envelopes.push(&data);
                }
                while let Some(envelope) = envelopes.next()? {
                    messages += 1;
                    if self.is_one && messages > 1 {
                        Err(not_one_message("several"))?;
                    }
                    let envelope = self.message(envelope)?;
                    yield Frame::data(envelope.head());
                    yield Frame::data(envelope.message);
                }
            }
            text.end()?;
            envelopes.end()?;
            if self.is_one && messages == 0 {
                Err(not_one_message("none"))?;
            }
        }
    }

    /// The message as gRPC has it.
    fn message(&self, envelope: Envelope) -> Result<Envelope, Status> {
        let Envelope { flags, message } = envelope;
        if flags > COMPRESSED {
            let text = format!("a message has the flags {flags}; clients can only set 1, for gzip");
            return Err(malformed(text));
        }
        if flags == COMPRESSED && self.encoding == Encoding::Identity {
            return Err(undeclared_compression(self.wire.encoding_header()));
        }
        if self.wire.codec() == Codec::Proto {
            // Decompressed where it is decoded.
            return Ok(Envelope { flags, message });
        }
        let message = if flags == COMPRESSED {
            gunzip(&message, self.bytes_max)?
        } else {
            message
        };
        let message = json::to_proto(&self.kind, &message)?.into();
        Ok(Envelope { flags: 0, message })
    }
}

/// Reads a body of at most so many bytes.
async fn read(body: &mut Body, bytes_max: usize) -> Result<Bytes, Status> {
    let mut message = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if message.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        message.extend_from_slice(&data);
    }
    Ok(message.freeze())
}
