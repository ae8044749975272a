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

/// A page of the contacts that match a query, in one or more address books. Settings and page
/// tokens are those of `main`.
pub(super) async fn page(
    db: &Pool,
    copies: &Arc<Copies>,
    sealer: &Sealer,
    main: &View,
    views: &[View],
    mut request: SearchContactsRequest,
) -> Result<SearchContactsResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let (method, owner) = ("SearchContacts", main.owner);
    let pages = Pages::new(sealer, method, owner, &request, paging, SIZES)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let (text, region) = (&request.filter, &request.default_region);
    let filter = filter_of(db, main, text, Listed::Live, region).await?;
    let mut query = Query::parse(&request.query, &request.fields)?;
    if query.is_number() {
        query.add_dialled(region_of_call(db, owner, region).await?);
    }
    let cursor = pages.cursor()?;

    let found = search(db, copies, views, &query, &filter, cursor, pages.size()).await?;

    let all_owners = request.all_owners;
    let results = found.hits.into_iter();
    let results = results.map(|hit| message(hit, &mask, all_owners));
    Ok(SearchContactsResponse {
        results: results.collect::<Result<_>>()?,
        next_page_token: found
            .next
            .map_or_else(String::new, |next| pages.token(&next)),
    })
}

fn message(hit: Hit, mask: &ReadMask, with_owner: bool) -> Result<SearchResult> {
    Ok(SearchResult {
        contact: if with_owner {
            mask.encoded_of(hit.owner.0, hit.contact)?
        } else {
            mask.encoded(hit.contact)?
        },
        match_tier: hit.matched.tier.into(),
        matched_fields: hit.matched.fields.into_iter().map(Into::into).collect(),
    })
}
