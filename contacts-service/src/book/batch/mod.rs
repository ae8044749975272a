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

/// What became of one request of a batch.
#[derive(Debug, Default)]
pub enum Outcome {
    /// There was nothing to do, and there is no contact to return.
    #[default]
    Nothing,
    /// It is done; the contact as a message.
    Done(Bytes),
    /// It was refused.
    Refused(Error),
}

/// What becomes of each request of a batch.
pub(crate) struct Outcomes {
    allow_partial: bool,
    results: Vec<Outcome>,
}

impl Outcomes {
    /// With `allow_partial`, a failing request gets its own error; without, it fails the
    /// call.
    pub(crate) fn new(allow_partial: bool) -> Self {
        Self {
            allow_partial,
            results: Vec::new(),
        }
    }

    /// Adds a place for the next request, without a result yet.
    pub(crate) fn next(&mut self) -> usize {
        self.results.push(Outcome::Nothing);
        self.results.len() - 1
    }

    /// Records a failed request.
    pub(crate) fn refuse(&mut self, place: usize, error: Error) -> Result<()> {
        if !self.allow_partial {
            return Err(error.within(place));
        }
        self.results[place] = Outcome::Refused(error);
        Ok(())
    }

    /// A request that is done, and the contact after it.
    pub(crate) fn done(&mut self, place: usize, contact: Bytes) {
        self.results[place] = Outcome::Done(contact);
    }

    pub(crate) fn into_results(self) -> Vec<Outcome> {
        self.results
    }

    /// The places of the requests of which nothing is said yet.
    pub(crate) fn pending(&self) -> Vec<usize> {
        let is_pending = |place: &usize| matches!(self.results[*place], Outcome::Nothing);
        (0..self.results.len()).filter(is_pending).collect()
    }

    /// Takes what became of the requests out.
    pub(crate) fn take(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.results)
    }

    /// The requests that can be read, with their places. Refuses those that name
    /// the contact of an earlier one in `field`: which came first would not show in
    /// the answer.
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
