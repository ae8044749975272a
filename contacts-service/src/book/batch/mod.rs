//! Batches of writes, and the results of their requests.

mod delete;
mod update;

use std::collections::HashSet;

use bytes::Bytes;

use crate::contact::ContactId;
use crate::error::{Error, Result};
use chassis::paging::fitting;

/// The maximum number of requests of a batch.
pub const REQUESTS_MAX: usize = 500;

/// Refuses a batch without requests or with too many.
pub fn check_count(count: usize) -> Result<()> {
    match count {
        0 => Err(Error::invalid("BATCH_EMPTY", "requests", "is empty")),
        1..=REQUESTS_MAX => Ok(()),
        _ => Err(too_large("requests", "has more than 500 elements")),
    }
}

/// Refuses contacts whose total size exceeds a response that clients can read.
pub fn check_size(field: &str, sizes: impl ExactSizeIterator<Item = usize>) -> Result<()> {
    let count = sizes.len();
    if fitting(sizes, count) < count {
        return Err(too_large(field, "must have at most 3 MiB"));
    }
    Ok(())
}

fn too_large(field: &str, problem: &str) -> Error {
    Error::invalid("BATCH_TOO_LARGE", field, problem)
}

/// The result of one request of a batch.
#[derive(Debug, Default)]
pub enum Outcome {
    /// Nothing was changed, and there is no contact to return.
    #[default]
    Nothing,
    /// The request succeeded; the encoded contact.
    Done(Bytes),
    /// The request failed.
    Refused(Error),
}

/// The results of the requests of a batch, collected one by one.
pub(crate) struct Outcomes {
    allow_partial: bool,
    results: Vec<Outcome>,
}

impl Outcomes {
    /// With `allow_partial`, a failing request gets its own error. Without it, a failing
    /// request fails the call.
    pub(crate) fn new(allow_partial: bool) -> Self {
        Self {
            allow_partial,
            results: Vec::new(),
        }
    }

    /// Adds the next request, without a result yet; returns its place.
    pub(crate) fn next(&mut self) -> usize {
        self.results.push(Outcome::Nothing);
        self.results.len() - 1
    }

    /// Records that a request failed; returns the error if that fails the whole call.
    pub(crate) fn refuse(&mut self, place: usize, error: Error) -> Result<()> {
        if !self.allow_partial {
            return Err(error.within(place));
        }
        self.results[place] = Outcome::Refused(error);
        Ok(())
    }

    /// Records that a request succeeded, with the encoded contact.
    pub(crate) fn done(&mut self, place: usize, contact: Bytes) {
        self.results[place] = Outcome::Done(contact);
    }

    pub(crate) fn into_results(self) -> Vec<Outcome> {
        self.results
    }

    /// The places of the requests without a result.
    pub(crate) fn pending(&self) -> Vec<usize> {
        let is_pending = |place: &usize| matches!(self.results[*place], Outcome::Nothing);
        (0..self.results.len()).filter(is_pending).collect()
    }

    /// Removes and returns the results.
    pub(crate) fn take(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.results)
    }

    /// Returns the valid requests with their places. Refuses a request for the contact of
    /// an earlier one, which `field` names: the result would not show which of them came
    /// first.
    fn accept<T>(
        &mut self,
        batch: Vec<Result<T>>,
        field: &'static str,
        id: impl Fn(&T) -> ContactId,
    ) -> Result<Vec<(usize, T)>> {
        let (mut requests, mut ids) = (Vec::new(), HashSet::new());
        for request in batch {
            let place = self.next();
            match request {
                Ok(request) if ids.insert(id(&request)) => requests.push((place, request)),
                Ok(_) => {
                    let problem = "is used by an earlier request";
                    self.refuse(place, Error::invalid("FIELD_INVALID", field, problem))?;
                }
                Err(error) => self.refuse(place, error)?,
            }
        }
        Ok(requests)
    }
}
