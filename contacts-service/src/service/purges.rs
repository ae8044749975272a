//! Parses purges.

use proto::contacts::v1::PurgeContactsRequest;

use super::lists::parse_ids;
use crate::contact::ContactId;
use crate::error::{Error, Result};

/// The deleted contacts to purge.
pub(super) enum Which {
    /// These contacts, without duplicates.
    Ids(Vec<ContactId>),
    /// All.
    All,
}

/// Parses the request.
pub(super) fn which(request: &PurgeContactsRequest) -> Result<Which> {
    let mut ids = parse_ids(&request.ids)?;
    ids.sort_unstable();
    ids.dedup();
    match (ids.is_empty(), request.all_deleted) {
        (false, false) => Ok(Which::Ids(ids)),
        (true, true) => Ok(Which::All),
        (true, false) => Err(invalid("must not be empty without all_deleted")),
        (false, true) => Err(invalid("must be empty with all_deleted")),
    }
}

fn invalid(problem: &str) -> Error {
    Error::invalid("FIELD_INVALID", "ids", problem)
}
