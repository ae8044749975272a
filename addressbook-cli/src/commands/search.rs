//! `search`.

use addressbook_client::proto::contacts::v1::SearchContactsRequest;
use addressbook_client::{Error, FieldMask};

use crate::cli::Search;
use crate::context::Context;
use crate::output;
use crate::pages;
use crate::person::{FIELDS, HEADER, row};

/// As many as a page can have.
const PAGE_MAX: i32 = 100;

/// Searches contacts, page by page.
pub(crate) async fn run(context: &Context, args: Search) -> Result<(), Error> {
    let client = context.client().await?;
    let is_json = context.output.is_json();
    let paths = FIELDS.map(str::to_owned).to_vec();
    let request = SearchContactsRequest {
        query: args.query.join(" "),
        page_size: pages::size(args.limit, PAGE_MAX),
        owner_id: context.owner.clone(),
        read_mask: (!is_json).then_some(FieldMask { paths }),
        filter: args.filter,
        all_owners: args.all_owners,
        ..SearchContactsRequest::default()
    };
    let mut rows = Vec::new();
    pages::each(
        args.limit,
        async |page_token| {
            let request = SearchContactsRequest {
                page_token,
                ..request.clone()
            };
            let page = client.contacts().search_contacts(request).await?;
            let page = page.into_inner();
            Ok((page.results, page.next_page_token))
        },
        |result| {
            if is_json {
                return output::message("addressbook.contacts.v1.SearchResult", &result);
            }
            rows.extend(result.contact.as_ref().map(row));
            Ok(())
        },
    )
    .await?;
    if is_json {
        return Ok(());
    }
    output::table(&HEADER, rows, "No contact matches.")
}
