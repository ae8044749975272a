//! Parses a request for duplicates, and encodes the response.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use chassis::user_id::UserId;
use proto::contacts::server::{DuplicateGroup, FindDuplicatesResponse};
use proto::contacts::v1::{
    FindDuplicatesRequest, IgnoreDuplicateRequest, IgnoredDuplicate, ListIgnoredDuplicatesRequest,
    ListIgnoredDuplicatesResponse, UnignoreDuplicateRequest,
};
use tokio::sync::Semaphore;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::duplicates::{FoundGroup, GROUP_MAX, find};
use crate::error::{Error, Result};
use crate::model::duplicates::IgnoredPair;
use crate::model::share::visible::View;
use crate::store::ignored_pairs;

const SIZES: Sizes = Sizes {
    default: 20,
    max: 100,
};

const PAIR_SIZES: Sizes = Sizes {
    default: 100,
    max: 1000,
};

/// The contacts of which each pair is to be ignored, sorted.
pub(super) fn parse_group(request: &IgnoreDuplicateRequest) -> Result<Vec<ContactId>> {
    let mut named = vec![("id".to_owned(), &request.id)];
    if !request.other_id.is_empty() || request.other_ids.is_empty() {
        named.push(("other_id".to_owned(), &request.other_id));
    }
    let others = request.other_ids.iter().enumerate();
    named.extend(others.map(|(at, id)| (format!("other_ids[{at}]"), id)));
    if named.len() > GROUP_MAX {
        let problem = "are more than 20 contacts";
        return Err(Error::invalid("FIELD_INVALID", "other_ids", problem));
    }
    let mut group = Vec::new();
    for (field, id) in named {
        add_other(&mut group, &field, id)?;
    }
    group.sort_unstable();
    Ok(group)
}

/// The two contacts of a pair.
pub(super) fn parse_pair(request: &UnignoreDuplicateRequest) -> Result<IgnoredPair> {
    let mut pair = Vec::new();
    let id = add_other(&mut pair, "id", &request.id)?;
    let other = add_other(&mut pair, "other_id", &request.other_id)?;
    Ok(IgnoredPair::of(id, other))
}

fn add_other(group: &mut Vec<ContactId>, field: &str, id: &str) -> Result<ContactId> {
    let id = ContactId::parse(field, id)?;
    if group.contains(&id) {
        let problem = "must be a different contact";
        return Err(Error::invalid("FIELD_INVALID", field, problem));
    }
    group.push(id);
    Ok(id)
}

fn check_score(score: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&score) {
        let problem = "must be a number from 0 to 1";
        return Err(Error::invalid("FIELD_INVALID", "min_score", problem));
    }
    Ok(())
}

/// A page of the owner's ignored pairs.
pub(super) async fn ignored_page(
    db: &Pool,
    sealer: &Sealer,
    owner: UserId,
    mut request: ListIgnoredDuplicatesRequest,
) -> Result<ListIgnoredDuplicatesResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let method = "ListIgnoredDuplicates";
    let pages = Pages::new(sealer, method, owner, &request, paging, PAIR_SIZES)?;
    let mut pairs = ignored_pairs::list(db, owner, pages.cursor()?, pages.limit()).await?;
    let next_page_token = pages.cut(&mut pairs, |pair| *pair);
    let ignored = pairs.into_iter().map(|pair| IgnoredDuplicate {
        id: pair.low.to_string(),
        other_id: pair.high.to_string(),
    });
    Ok(ListIgnoredDuplicatesResponse {
        ignored_duplicates: ignored.collect(),
        next_page_token,
    })
}

/// A page of the groups among the contacts that the reader sees.
pub(super) async fn page(
    db: &Pool,
    sealer: &Sealer,
    places: &Semaphore,
    view: &View,
    mut request: FindDuplicatesRequest,
) -> Result<FindDuplicatesResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let pages = Pages::new(
        sealer,
        "FindDuplicates",
        view.owner,
        &request,
        paging,
        SIZES,
    )?;

    let min_score = request.min_score;
    check_score(min_score)?;
    let (cursor, size) = (pages.cursor()?, pages.size());

    let found = find(db, places, view, min_score, cursor, size).await?;

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
        score: group.certainty(),
        reasons: group.reasons.into_iter().map(Into::into).collect(),
    }
}
