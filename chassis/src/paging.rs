//! Pages of lists (AIP-158): their sizes, and tokens that continue one request.

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tonic::{Code, Status};

use crate::page_token::{Scope, Sealer};
use crate::sha256::sha256;
use crate::status::Refusal;
use crate::user_id::UserId;

/// The maximum size of a page's items: by default clients refuse messages over 4 MiB.
pub const PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Why a request's paging fields are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PageError {
    /// `page_size` is negative.
    #[error("must not be negative")]
    Size,
    /// `page_token` is damaged, or belongs to another request.
    #[error("was not issued for this request")]
    Token,
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        let (reason, field) = match error {
            PageError::Size => ("PAGE_SIZE_INVALID", "page_size"),
            PageError::Token => ("PAGE_TOKEN_INVALID", "page_token"),
        };
        let problem = error.to_string();
        Self::new(Code::InvalidArgument, reason, format!("{field} {problem}"))
            .violation(field, problem)
    }
}

impl From<PageError> for Status {
    fn from(error: PageError) -> Self {
        Refusal::from(error).into()
    }
}

/// How many items a page has.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// When the client asks for 0.
    pub default: usize,
    /// When the client asks for more.
    pub max: usize,
}

impl Sizes {
    /// Returns the number of items to send for `page_size`.
    pub fn parse(self, page_size: i32) -> Result<usize, PageError> {
        match usize::try_from(page_size) {
            Ok(0) => Ok(self.default),
            Ok(size) => Ok(size.min(self.max)),
            Err(_) => Err(PageError::Size),
        }
    }
}

/// The paging fields of a request.
#[derive(Clone, Debug)]
pub struct Paging {
    size: i32,
    token: String,
}

impl Paging {
    /// Takes the fields out of a request, so that what is left is the same on each page.
    pub fn take(page_size: &mut i32, page_token: &mut String) -> Self {
        Self {
            size: std::mem::take(page_size),
            token: std::mem::take(page_token),
        }
    }
}

/// The pages of one list: one method, one user, one request.
pub struct Pages<'a> {
    sealer: &'a Sealer,
    scope: Scope<'a>,
    size: usize,
    token: String,
}

impl<'a> Pages<'a> {
    /// `bare` is the request from which `paging` was taken.
    pub fn new(
        sealer: &'a Sealer,
        method: &'a str,
        user: UserId,
        bare: &impl Message,
        paging: Paging,
        sizes: Sizes,
    ) -> Result<Self, PageError> {
        let scope = Scope {
            method,
            owner: user.0,
            request_hash: sha256(&bare.encode_to_vec()),
        };
        Ok(Self {
            sealer,
            scope,
            size: sizes.parse(paging.size)?,
            token: paging.token,
        })
    }

    /// Returns where the previous page ended; `None` for the first page.
    pub fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, PageError> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let cursor = self.sealer.open(self.scope, &self.token);
        cursor.map(Some).ok_or(PageError::Token)
    }

    /// The most items of this page.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many rows to read: one more than the page holds shows whether another page
    /// follows.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size + 1).unwrap_or(i64::MAX)
    }

    /// Cuts the rows down to the page; returns the token of the next page, empty when
    /// there is none.
    pub fn cut<T, C: Serialize>(&self, rows: &mut Vec<T>, cursor: impl FnOnce(&T) -> C) -> String {
        self.cut_at(self.size, rows, cursor)
    }

    /// Like [`Self::cut`], and the page holds no more than [`PAGE_BYTES_MAX`], except
    /// for its first item.
    pub fn cut_by_bytes<T, C: Serialize>(
        &self,
        rows: &mut Vec<T>,
        bytes: impl Fn(&T) -> usize,
        cursor: impl FnOnce(&T) -> C,
    ) -> String {
        let fitting = fitting(rows.iter().map(bytes), self.size);
        self.cut_at(fitting, rows, cursor)
    }

    /// Returns the token that continues after `cursor`.
    #[must_use]
    pub fn token(&self, cursor: &impl Serialize) -> String {
        self.sealer.seal(self.scope, cursor)
    }

    fn cut_at<T, C: Serialize>(
        &self,
        count: usize,
        rows: &mut Vec<T>,
        cursor: impl FnOnce(&T) -> C,
    ) -> String {
        let more = rows.len() > count;
        rows.truncate(count);
        let last = rows.last().filter(|_| more);
        last.map_or_else(String::new, |last| self.token(&cursor(last)))
    }
}

/// Returns how many items of these sizes make a page: at least one, at most `count_max`,
/// and no more than fit into [`PAGE_BYTES_MAX`].
#[must_use]
pub fn fitting(sizes: impl Iterator<Item = usize>, count_max: usize) -> usize {
    let totals = sizes.scan(0, |total, size| {
        *total += size;
        Some(*total)
    });
    let fit = totals
        .take(count_max)
        .take_while(|total| *total <= PAGE_BYTES_MAX);
    fit.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_size_or_where_the_message_is_full() {
        let page = |sizes: &[usize]| fitting(sizes.iter().copied(), 3);
        assert_eq!(page(&[1, 1, 1, 1]), 3);
        assert_eq!(page(&[PAGE_BYTES_MAX - 1, 1, 1]), 2);
        assert_eq!(page(&[PAGE_BYTES_MAX, 1, 1]), 1);
        assert_eq!(page(&[PAGE_BYTES_MAX + 1, 1, 1]), 1);
    }

    #[test]
    fn a_page_has_the_default_size_for_0_and_never_more_than_the_maximum() {
        let sizes = Sizes {
            default: 50,
            max: 100,
        };
        assert_eq!(sizes.parse(0), Ok(50));
        assert_eq!(sizes.parse(7), Ok(7));
        assert_eq!(sizes.parse(i32::MAX), Ok(100));
        assert_eq!(sizes.parse(-1), Err(PageError::Size));
    }
}
