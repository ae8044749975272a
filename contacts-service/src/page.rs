//! Paging: sizes, and what a page token is bound to.

use aws_lc_rs::digest::{SHA256, digest};
use chassis::page_token::{Scope, Sealer};
use chassis::user_id::UserId;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads a page size: 0 means the default, above the most means the most.
pub fn parse_size(page_size: i32, default: i64, most: i64) -> Result<i64> {
    match page_size {
        0 => Ok(default),
        1.. => Ok(i64::from(page_size).min(most)),
        _ => Err(Error::invalid(
            "PAGE_SIZE_INVALID",
            "page_size",
            "must not be negative",
        )),
    }
}

/// The bytes of contacts on a page at most: clients refuse messages over 4 MiB
/// unless told otherwise.
pub const BYTES_MAX: usize = 3 * 1024 * 1024;

/// How many items of these sizes make a page of at most `count_max`: one at
/// least, and no more than fit into an answer.
#[must_use]
pub fn fitting(sizes: impl Iterator<Item = usize>, count_max: usize) -> usize {
    let totals = sizes.scan(0, |total, size| {
        *total += size;
        Some(*total)
    });
    let fit = totals
        .take(count_max)
        .take_while(|total| *total <= BYTES_MAX);
    fit.count().max(1)
}

/// SHA-256 of a message.
#[must_use]
pub fn hash(message: &impl Message) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &message.encode_to_vec()).as_ref());
    hash
}

/// The tokens of one list: one method, one owner, one request.
pub struct Tokens<'a> {
    sealer: &'a Sealer,
    scope: Scope<'a>,
}

impl<'a> Tokens<'a> {
    /// For a request from which the paging fields were taken out.
    pub fn new(sealer: &'a Sealer, method: &'a str, owner: UserId, bare: &impl Message) -> Self {
        Self {
            sealer,
            scope: Scope {
                method,
                owner: owner.0,
                request_hash: hash(bare),
            },
        }
    }

    /// Where to go on; nothing for an empty token.
    pub fn open<T: DeserializeOwned>(&self, token: &str) -> Result<Option<T>> {
        if token.is_empty() {
            return Ok(None);
        }
        let position = self.sealer.open(self.scope, token);
        position.map(Some).ok_or_else(|| {
            Error::invalid(
                "PAGE_TOKEN_INVALID",
                "page_token",
                "was not issued for this request",
            )
        })
    }

    /// The token that goes on behind `position`.
    #[must_use]
    pub fn seal(&self, position: &impl Serialize) -> String {
        self.sealer.seal(self.scope, position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_size_or_where_the_answer_is_full() {
        let page = |sizes: &[usize]| fitting(sizes.iter().copied(), 3);
        assert_eq!(page(&[1, 1, 1, 1]), 3);
        assert_eq!(page(&[BYTES_MAX - 1, 1, 1]), 2);
        assert_eq!(page(&[BYTES_MAX, 1, 1]), 1);
        assert_eq!(page(&[BYTES_MAX + 1, 1, 1]), 1);
    }
}
