//! Compression of messages: gzip or nothing.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tonic::Status;

use crate::refusal::{malformed, too_large, unsupported_compression};

/// Whether messages that are marked as compressed can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    /// Reads the name of a compression; `None` if there is no header of it.
    pub(crate) fn of(name: Option<&[u8]>) -> Result<Self, Status> {
        match name {
            None | Some(b"" | b"identity") => Ok(Self::Identity),
            Some(b"gzip") => Ok(Self::Gzip),
            Some(name) => Err(unsupported_compression(name)),
        }
    }
}

/// Whether a list of accepted compressions contains gzip (RFC 9110 section 12.5.3).
#[must_use]
pub fn accepts_gzip(list: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|item| {
        let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"gzip"));
        let is_refused = |weight: &[u8]| {
            let digits = weight.strip_prefix(b"q=0");
            digits.is_some_and(|digits| digits.iter().all(|byte| b".0".contains(byte)))
        };
        is_gzip && !parts.any(is_refused)
    })
}

/// Decompresses a message of at most so many bytes.
pub(crate) fn gunzip(message: &[u8], bytes_max: usize) -> Result<Bytes, Status> {
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    GzDecoder::new(message)
        .take(most.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|error| malformed(format!("the gzip data is invalid: {error}")))?;
    if plain.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(plain.into())
}

/// Compresses a message.
pub(crate) fn gzip(message: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(message)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn a_gzip_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]).unwrap();
        assert!(bomb.len() < 100_000);

        let refused = gunzip(&bomb, 1_000).unwrap_err();

        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(gunzip(&gzip(b"four").unwrap(), 4).unwrap(), "four");
        let broken = gunzip(b"four", 4).unwrap_err();
        assert_eq!(broken.code(), Code::InvalidArgument);
    }

    #[test]
    fn gzip_is_accepted_where_the_list_has_it() {
        for list in ["gzip", "br, GZIP", "gzip;q=0.5, br", "gzip; q=0.001"] {
            assert!(accepts_gzip(list.as_bytes()), "{list}");
        }
        for list in ["", "identity", "gzip;q=0", "gzip; q=0.0", "x-gzip", "br"] {
            assert!(!accepts_gzip(list.as_bytes()), "{list}");
        }
    }
}
