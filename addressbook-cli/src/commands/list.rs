//! `list`.

use addressbook_client::proto::contacts::v1::{
    Contact, ListContactsRequest, ListDeletedContactsRequest,
};
use addressbook_client::{Client, Error, FieldMask};

use crate::cli::List;
use crate::context::Context;
use crate::output;
use crate::pages::{self, Page};
use crate::person::{CONTACT, FIELDS, HEADER, row};

/// As many as a page can have.
const PAGE_MAX: i32 = 500;

/// Lists contacts, page by page.
pub(crate) async fn run(context: &Context, args: List) -> Result<(), Error> {
    let client = context.client().await?;
    let is_json = context.output.is_json();
    let mut rows = Vec::new();
    pages::each(
        args.limit.unwrap_or(usize::MAX),
        async |page_token| page(context, &client, &args, page_token).await,
        |contact| {
            if is_json {
                return output::message(CONTACT, &contact);
            }
            rows.push(row(&contact));
            Ok(())
        },
    )
    .await?;
    if is_json {
        return Ok(());
    }
    output::table(&HEADER, rows, "There are no contacts.")
}

async fn page(
    context: &Context,
    client: &Client,
    args: &List,
    page_token: String,
) -> Result<Page<Contact>, Error> {
    let page_size = pages::size(args.limit.unwrap_or(usize::MAX), PAGE_MAX);
    let read_mask = (!context.output.is_json()).then(|| FieldMask {
        paths: FIELDS.map(str::to_owned).to_vec(),
    });
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
