//! `list`.

use addressbook_client::proto::contacts::v1::{
    Contact, ListContactsRequest, ListDeletedContactsRequest,
};
use addressbook_client::{Client, Error};

use crate::cli::List;
use crate::context::Context;
use crate::output;
use crate::person::{FIELDS, HEADER, row};

/// As many as a page can have.
const PAGE_SIZE: i32 = 500;

/// Lists contacts, page by page.
pub(crate) async fn run(context: &Context, args: List) -> Result<(), Error> {
    let client = context.client().await?;
    let mut rows = Vec::new();
    let mut left = args.limit.unwrap_or(usize::MAX);
    let mut page_token = String::new();
    while left > 0 {
        let (contacts, next) = page(context, &client, &args, left, page_token).await?;
        for contact in contacts.iter().take(left) {
            if context.output.is_json() {
                output::message("addressbook.contacts.v1.Contact", contact);
            } else {
                rows.push(row(contact));
            }
        }
        left = left.saturating_sub(contacts.len());
        page_token = next;
        if page_token.is_empty() {
            break;
        }
    }
    if !context.output.is_json() {
        context
            .output
            .table(&HEADER, rows, "There are no contacts.");
    }
    Ok(())
}

/// A page, and the token of the next one.
async fn page(
    context: &Context,
    client: &Client,
    args: &List,
    left: usize,
    page_token: String,
) -> Result<(Vec<Contact>, String), Error> {
    let page_size = i32::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
    let read_mask = (!context.output.is_json()).then(|| FIELDS.map(str::to_owned).to_vec());
    let read_mask = read_mask.map(|paths| addressbook_client::FieldMask { paths });
    let mut contacts = client.contacts();
    if args.deleted {
        let request = ListDeletedContactsRequest {
            page_size,
            page_token,
            order_by: args.order_by.clone(),
            filter: args.filter.clone(),
            read_mask,
            owner_id: context.owner.clone(),
            ..ListDeletedContactsRequest::default()
        };
        let page = contacts.list_deleted_contacts(request).await?.into_inner();
        return Ok((page.contacts, page.next_page_token));
    }
    let request = ListContactsRequest {
        page_size,
        page_token,
        order_by: args.order_by.clone(),
        filter: args.filter.clone(),
        read_mask,
        owner_id: context.owner.clone(),
        all_owners: args.all_owners,
        ..ListContactsRequest::default()
    };
    let page = contacts.list_contacts(request).await?.into_inner();
    Ok((page.contacts, page.next_page_token))
}
