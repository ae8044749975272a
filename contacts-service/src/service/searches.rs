//! Parses a search, and encodes the response.

use std::sync::Arc;

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use proto::contacts::server::{SearchContactsResponse, SearchResult};
use proto::contacts::v1::SearchContactsRequest;

use crate::copies::Copies;
use crate::error::Result;
use crate::model::query::Query;
use crate::model::share::rights::View;
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
    let query = Query::parse(&request.query, &request.fields)?;

    let found = search(db, copies, view, &query, pages.cursor()?, pages.size()).await?;

    Ok(SearchContactsResponse {
        results: found.hits.into_iter().map(message).collect(),
        next_page_token: found
            .next
            .map_or_else(String::new, |next| pages.token(&next)),
    })
}

fn message(hit: Hit) -> SearchResult {
    SearchResult {
        contact: hit.contact.encoded(),
        match_tier: hit.matched.tier.into(),
        matched_fields: hit.matched.fields.into_iter().map(Into::into).collect(),
    }
}
