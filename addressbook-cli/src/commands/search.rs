//! `search`.

use addressbook_client::proto::contacts::v1::SearchContactsRequest;
use addressbook_client::{Error, FieldMask};

use crate::cli::Search;
use crate::context::Context;
use crate::output;
use crate::person::{FIELDS, HEADER, row};

/// As many as a page can have.
const PAGE_SIZE: usize = 100;

/// Searches contacts, page by page.
pub(crate) async fn run(context: &Context, args: Search) -> Result<(), Error> {
    let client = context.client().await?;
    let is_json = context.output.is_json();
    let paths = FIELDS.map(str::to_owned).to_vec();
    let mut request = SearchContactsRequest {
        query: args.query.join(" "),
        owner_id: context.owner.clone(),
        read_mask: (!is_json).then_some(FieldMask { paths }),
        filter: args.filter,
        all_owners: args.all_owners,
        ..SearchContactsRequest::default()
    };
    let mut rows = Vec::new();
    let mut left = args.limit;
    while left > 0 {
        request.page_size = i32::try_from(left.min(PAGE_SIZE)).unwrap_or_default();
        let page = client.contacts().search_contacts(request.clone()).await?;
        let page = page.into_inner();
        for result in page.results.iter().take(left) {
            if is_json {
                output::message("addressbook.contacts.v1.SearchResult", result);
            } else {
                rows.extend(result.contact.as_ref().map(row));
            }
        }
        left = left.saturating_sub(page.results.len());
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if !is_json {
        context.output.table(&HEADER, rows, "No contact matches.");
    }
    Ok(())
}
