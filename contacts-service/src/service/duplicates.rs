//! Parses a request for duplicates, and encodes the response.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use chassis::user_id::UserId;
use proto::contacts::server::{DuplicateGroup, FindDuplicatesResponse};
use proto::contacts::v1::{FindDuplicatesRequest, IgnoreDuplicateRequest};
use tokio::sync::Semaphore;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::duplicates::{FoundGroup, find};
use crate::error::{Error, Result};

const SIZES: Sizes = Sizes {
    default: 20,
    max: 100,
};

/// The two contacts of a pair.
pub(super) fn parse_pair(request: &IgnoreDuplicateRequest) -> Result<[ContactId; 2]> {
    let id = ContactId::parse("id", &request.id)?;
    let other = ContactId::parse("other_id", &request.other_id)?;
    if id == other {
        let problem = "must be a different contact";
        return Err(Error::invalid("FIELD_INVALID", "other_id", problem));
    }
    Ok([id, other])
}

/// A page of the owner's groups.
pub(super) async fn page(
    db: &Pool,
    sealer: &Sealer,
    places: &Semaphore,
    owner: UserId,
    mut request: FindDuplicatesRequest,
) -> Result<FindDuplicatesResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let pages = Pages::new(sealer, "FindDuplicates", owner, &request, paging, SIZES)?;

    let found = find(db, places, owner, pages.cursor()?, pages.size()).await?;

    Ok(FindDuplicatesResponse {
        groups: found.groups.into_iter().map(message).collect(),
        next_page_token: found
            .next
            .map_or_else(String::new, |next| pages.token(&next)),
    })
}

fn message(found: FoundGroup) -> DuplicateGroup {
    let FoundGroup { group, contacts } = found;
    DuplicateGroup {
        contacts: contacts.into_iter().map(Stored::encoded).collect(),
        score: f64::from(group.score) / 1000.0,
        reasons: group.reasons.into_iter().map(Into::into).collect(),
    }
}
