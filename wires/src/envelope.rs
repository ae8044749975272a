//! Messages in their envelopes: a byte of flags, four bytes of length, then the message.
//! gRPC, gRPC-Web and the streams of Connect have the same.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tonic::Status;

use crate::refusal::{malformed, too_large};

/// The flag of a compressed message.
pub(crate) const COMPRESSED: u8 = 1;

/// The size of flags and length.
const HEAD: usize = 5;

/// A message with its flags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) flags: u8,
    pub(crate) message: Bytes,
}

impl Envelope {
    /// The flags and the length of the message.
    pub(crate) fn head(&self) -> Bytes {
        let mut head = BytesMut::with_capacity(HEAD);
        head.put_u8(self.flags);
        // Every message is smaller: what is larger is refused when it is read.
        head.put_u32(u32::try_from(self.message.len()).unwrap_or(u32::MAX));
        head.freeze()
    }

    /// The message of a body that has one; `None` if it has not.
    pub(crate) fn only(mut body: Bytes) -> Option<Self> {
        let (flags, length) = (body.try_get_u8().ok()?, body.try_get_u32().ok()?);
        let message = body;
        (message.len() == length as usize).then_some(Self { flags, message })
    }

    /// As bytes.
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEAD + self.message.len());
        bytes.put(self.head());
        bytes.put_slice(&self.message);
        bytes.freeze()
    }
}

/// Finds the messages in bytes that arrive in pieces.
#[derive(Debug)]
pub(crate) struct Envelopes {
    bytes: BytesMut,
    bytes_max: usize,
}

impl Envelopes {
    /// Messages of at most so many bytes.
    pub(crate) fn up_to(bytes_max: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            bytes_max,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, if it has arrived. Its length is checked before it arrives.
    pub(crate) fn next(&mut self) -> Result<Option<Envelope>, Status> {
        let mut head = self.bytes.as_ref();
        if head.len() < HEAD {
            return Ok(None);
        }
        let (flags, length) = (head.get_u8(), head.get_u32() as usize);
        if length > self.bytes_max {
            return Err(too_large(self.bytes_max));
        }
        if head.len() < length {
            return Ok(None);
        }
        self.bytes.advance(HEAD);
        let message = self.bytes.split_to(length).freeze();
        Ok(Some(Envelope { flags, message }))
    }

    /// Checks at the end that no message is cut off.
    pub(crate) fn end(&self) -> Result<(), Status> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(malformed("the request ends in the middle of a message"))
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn messages_are_found_however_the_bytes_are_cut() {
        let sent = ["", "one", "two"].map(|text| Envelope {
            flags: 0,
            message: text.into(),
        });
        let bytes: Vec<u8> = sent.iter().flat_map(Envelope::encode).collect();
        for size in 1..=bytes.len() {
            let mut envelopes = Envelopes::up_to(3);
            let mut found = Vec::new();
            for piece in bytes.chunks(size) {
                envelopes.push(piece);
                while let Some(envelope) = envelopes.next().unwrap() {
                    found.push(envelope);
                }
            }
            assert_eq!(found, sent);
            envelopes.end().unwrap();
        }
    }

    #[test]
    fn the_only_message_of_a_body_is_all_of_it() {
        let bytes = |bytes: &'static [u8]| Envelope::only(Bytes::from_static(bytes));
        let found = bytes(&[1, 0, 0, 0, 2, 7, 8]).unwrap();
        assert_eq!((found.flags, &found.message[..]), (1, &[7, 8][..]));
        for other in [
            &[][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 7],
            &[0, 0, 0, 0, 0, 7],
        ] {
            assert_eq!(bytes(other), None);
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_the_message_arrives() {
        let mut envelopes = Envelopes::up_to(3);
        envelopes.push(&[0, 0xff, 0xff, 0xff, 0xff]);
        let refused = envelopes.next().unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error() {
        let mut envelopes = Envelopes::up_to(3);
        envelopes.push(&[0, 0, 0, 0, 2, 7]);
        assert!(envelopes.next().unwrap().is_none());
        assert!(envelopes.end().is_err());
    }
}
