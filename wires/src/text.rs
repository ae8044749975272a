//! Base64 as it arrives in pieces, each of which may have its own padding.

use base64::Engine;
use base64::alphabet::{STANDARD as ALPHABET, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use tonic::Status;

use crate::refusal::malformed;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
/// Accepts text with and without padding.
pub(crate) const STANDARD: GeneralPurpose = GeneralPurpose::new(&ALPHABET, LENIENT);
/// The same for the alphabet of URLs.
pub(crate) const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Decodes pieces of text.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// Fewer than four characters, which are not decoded yet.
    rest: Vec<u8>,
}

impl Decoder {
    /// Decodes all but the last incomplete group of four characters.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<Bytes, Status> {
        self.rest.extend_from_slice(text);
        let whole = self.rest.len() / 4 * 4;
        let next = self.rest.split_off(whole);
        let text = std::mem::replace(&mut self.rest, next);
        let mut bytes = Vec::with_capacity(whole / 4 * 3);
        let mut left = text.as_slice();
        while !left.is_empty() {
            // A group with padding ends a piece.
            let padding = left.iter().position(|byte| *byte == b'=');
            let end = padding.map_or(left.len(), |at| at / 4 * 4 + 4);
            let (piece, next) = left.split_at(end);
            STANDARD
                .decode_vec(piece, &mut bytes)
                .map_err(|_| broken())?;
            left = next;
        }
        Ok(bytes.into())
    }

    /// Checks at the end that no group is incomplete.
    pub(crate) fn end(&self) -> Result<(), Status> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(broken())
        }
    }
}

fn broken() -> Status {
    malformed("the request is not base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_however_it_is_cut_and_padded() {
        let text = format!("{}{}", STANDARD.encode("one"), STANDARD.encode("three"));
        assert!(text.ends_with('='));
        let text = text + &STANDARD.encode("four");
        for size in 1..=text.len() {
            let mut decoder = Decoder::default();
            let pieces = text.as_bytes().chunks(size);
            let bytes: Vec<u8> = pieces
                .flat_map(|piece| decoder.push(piece).unwrap())
                .collect();
            assert_eq!(bytes, b"onethreefour");
            decoder.end().unwrap();
        }
    }

    #[test]
    fn other_text_is_refused() {
        assert!(Decoder::default().push(b"!!!!").is_err());
        let mut decoder = Decoder::default();
        decoder.push(b"abcde").unwrap();
        assert!(decoder.end().is_err());
    }
}
