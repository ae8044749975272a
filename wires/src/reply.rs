//! What is known about a call when it is answered.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use prost_reflect::MessageDescriptor;
use tonic::Status;

use crate::encoding::{gunzip, gzip};
use crate::envelope::{COMPRESSED, Envelope};
use crate::error::Error;
use crate::json;
use crate::methods::{Method, Wires};
use crate::wire::{Codec, Wire};

/// Headers of gRPC itself.
pub(crate) const NOT_METADATA: [&str; 8] = [
    "content-length",
    "content-type",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "trailer",
];

/// Answers one call in its caller's protocol.
#[derive(Clone, Debug)]
pub struct Reply {
    wires: Arc<Wires>,
    pub(crate) wire: Wire,
    /// The type of the responses; `None` for an unknown method.
    kind: Option<MessageDescriptor>,
}

/// How a translated response can still fail after it was returned, for layers outside of the
/// translation; an extension of every translated response.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The whole response is in its first data frame. Before it is sent, another response
    /// can replace it: [`Reply::refuse`].
    Whole(Reply),
    /// The response is a stream, which can end with other data: [`Reply::last`].
    Stream(Reply),
}

impl Reply {
    pub(crate) fn new(wires: &Arc<Wires>, wire: Wire, method: &Method) -> Self {
        Self {
            wires: Arc::clone(wires),
            wire,
            kind: Some(method.output.clone()),
        }
    }

    /// Answers requests without a known method, which can only be refused: with the HTTP
    /// status 404 for `UNIMPLEMENTED` where there is one message.
    #[must_use]
    pub fn without_method(wires: &Arc<Wires>, wire: Wire) -> Self {
        Self {
            wires: Arc::clone(wires),
            wire,
            kind: None,
        }
    }

    pub(crate) fn has_method(&self) -> bool {
        self.kind.is_some()
    }

    /// A message of a response in the caller's format.
    pub(crate) fn message(&self, envelope: Envelope) -> Result<Envelope, Status> {
        let kind = match &self.kind {
            Some(kind) if self.wire.codec() == Codec::Json => kind,
            _ => return Ok(envelope),
        };
        let Envelope { flags, message } = envelope;
        if flags != COMPRESSED {
            let message = json::from_proto(kind, &message)?.into();
            return Ok(Envelope { flags, message });
        }
        // It is our own, so its size is not limited here.
        let message = json::from_proto(kind, &gunzip(&message, usize::MAX)?)?;
        let message = gzip(&message).map_err(|error| Status::internal(error.to_string()))?;
        Ok(Envelope { flags, message })
    }

    pub(crate) fn describe(&self, status: &Status) -> Error {
        Error::new(status, &self.wires.pool)
    }
}

/// The metadata among headers.
pub(crate) fn metadata(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| !NOT_METADATA.contains(&name.as_str()))
}
