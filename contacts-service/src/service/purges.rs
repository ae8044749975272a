//! Purges deleted contacts.

use proto::contacts::v1::{PurgeContactsRequest, PurgeContactsResponse};
use tonic::{Request, Response, Status};

use super::ContactsService;
use super::lists::parse_ids;
use crate::contact::ContactId;
use crate::error::{Error, Result};

impl ContactsService {
    /// Purges the deleted contacts that the request names, or all.
    pub(super) async fn purge(
        &self,
        request: &Request<PurgeContactsRequest>,
    ) -> Result<Response<PurgeContactsResponse>, Status> {
        let book = self.book(request).await?;

        let purged_count = match which(request.get_ref())? {
            Which::Ids(ids) => book.purge(&ids).await?,
            Which::All => book.purge_deleted().await?,
        };

        Ok(Response::new(PurgeContactsResponse { purged_count }))
    }
}

/// The deleted contacts to purge.
enum Which {
    /// These contacts, without duplicates.
    Ids(Vec<ContactId>),
    /// All.
    All,
}

/// Parses the request.
fn which(request: &PurgeContactsRequest) -> Result<Which> {
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
