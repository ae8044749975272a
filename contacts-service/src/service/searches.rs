//! Parses a search, and encodes the response.

use std::sync::Arc;

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use proto::contacts::server::{SearchContactsResponse, SearchResult};
use proto::contacts::v1::SearchContactsRequest;

use super::lists::filter_of;
use crate::book::settings::region_of_call;
use crate::contact::mask::ReadMask;
use crate::copies::Copies;
use crate::error::Result;
use crate::model::filter::Listed;
use crate::model::query::Query;
use crate::model::share::visible::View;
use crate::search::{Hit, search};

const SIZES: Sizes = Sizes {
    default: 20,
    max: 100,
};

/// A page of the contacts that match a query.
pub(super) async fn page(
    db: &Pool,
    copies: &Arc<Copies>,
    sealer: &Sealer,
    view: &View,
    mut request: SearchContactsRequest,
) -> Result<SearchContactsResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let (method, owner) = ("SearchContacts", view.owner);
    let pages = Pages::new(sealer, method, owner, &request, paging, SIZES)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let (text, region) = (&request.filter, &request.default_region);
    let filter = filter_of(db, view, text, Listed::Live, region).await?;
    let mut query = Query::parse(&request.query, &request.fields)?;
    if query.is_number() {
        query.add_dialled(region_of_call(db, view.owner, region).await?);
    }
    let cursor = pages.cursor()?;

    let found = search(db, copies, view, &query, &filter, cursor, pages.size()).await?;

    let results = found.hits.into_iter().map(|hit| message(hit, &mask));
    Ok(SearchContactsResponse {
        results: results.collect::<Result<_>>()?,
        next_page_token: found
            .next
            .map_or_else(String::new, |next| pages.token(&next)),
    })
}

fn message(hit: Hit, mask: &ReadMask) -> Result<SearchResult> {
    Ok(SearchResult {
        contact: mask.encoded(hit.contact)?,
        match_tier: hit.matched.tier.into(),
        matched_fields: hit.matched.fields.into_iter().map(Into::into).collect(),
    })
}
