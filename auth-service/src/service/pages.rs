//! Pages of lists: their sizes, and what a page token is bound to.

use chassis::page_token::{Scope, Sealer};
use chassis::user_id::UserId;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::model::refresh_token::sha256;

const SIZE_DEFAULT: usize = 50;

/// One list: one method, one caller, one request.
pub(super) struct Pages<'a> {
    sealer: &'a Sealer,
    scope: Scope<'a>,
    size: usize,
}

impl<'a> Pages<'a> {
    /// For a request from which the paging fields were taken out, and a page of `asked`
    /// items; 0 means 50, and more than `most` means that.
    pub(super) fn new(
        sealer: &'a Sealer,
        method: &'a str,
        caller: UserId,
        bare: &impl Message,
        (asked, most): (i32, usize),
    ) -> Result<Self> {
        let size = match usize::try_from(asked) {
            Ok(0) => SIZE_DEFAULT,
            Ok(size) => size.min(most),
            Err(_) => return Err(Error::invalid("PAGE_SIZE_INVALID", "page_size", "negative")),
        };
        let scope = Scope {
            method,
            owner: caller.0,
            request_hash: sha256(&bare.encode_to_vec()),
        };
        Ok(Self {
            sealer,
            scope,
            size,
        })
    }

    /// Where to go on; nothing for an empty token.
    pub(super) fn open<T: DeserializeOwned>(&self, token: &str) -> Result<Option<T>> {
        if token.is_empty() {
            return Ok(None);
        }
        let position = self.sealer.open(self.scope, token);
        let problem = "was not issued by this service";
        position
            .map(Some)
            .ok_or_else(|| Error::invalid("PAGE_TOKEN_INVALID", "page_token", problem))
    }

    /// How many items to look for: one more than the page has tells whether there is
    /// another.
    pub(super) fn limit(&self) -> i64 {
        i64::try_from(self.size + 1).unwrap_or(i64::MAX)
    }

    /// Cuts what was found down to the page; returns the token that goes on behind it.
    pub(super) fn cut<T, P: Serialize>(
        &self,
        found: &mut Vec<T>,
        position: impl FnOnce(&T) -> P,
    ) -> String {
        let more = found.len() > self.size;
        found.truncate(self.size);
        let last = found.last().filter(|_| more);
        last.map_or_else(String::new, |last| {
            self.sealer.seal(self.scope, &position(last))
        })
    }
}
