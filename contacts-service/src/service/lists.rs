//! Lists of contacts, by order or by ids.

use std::collections::HashMap;

use bytes::Bytes;
use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use proto::contacts::server::{BatchGetContactsResponse, ListContactsResponse};
use proto::contacts::v1::ListContactsRequest;
use uuid::Uuid;

use crate::book::batch;
use crate::contact::ContactId;
use crate::contact::mask::ReadMask;
use crate::error::{Error, Result};
use crate::model::filter;
use crate::model::order::Order;
use crate::model::share::rights::{Part, View};
use crate::page::{Tokens, fitting, parse_size};
use crate::store::list::Selection;
use crate::store::{contacts, list as table, owners};

const SIZE_DEFAULT: i64 = 50;
const SIZE_MAX: i64 = 500;
/// The most ids of one call.
const IDS_MAX: usize = 500;

/// Reads the ids of a batch.
pub(super) fn parse_ids(ids: &[String]) -> Result<Vec<ContactId>> {
    if ids.len() > IDS_MAX {
        return Err(Error::invalid(
            "FIELD_INVALID",
            "ids",
            "has more than 500 elements",
        ));
    }
    let numbered = ids.iter().enumerate();
    numbered
        .map(|(i, id)| ContactId::parse(&format!("ids[{i}]"), id))
        .collect()
}

/// The contacts with these ids, in their order.
pub(super) async fn batch_get(
    db: &Pool,
    view: &View,
    ids: &[ContactId],
    allow_missing: bool,
) -> Result<BatchGetContactsResponse> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let found = contacts::get_many(db, view.owner, &wanted).await?;
    // An id that is asked for twice is answered twice.
    let mut shown: HashMap<ContactId, Bytes> = HashMap::new();
    for contact in found {
        if view.part.holds(&contact.body)? {
            shown.insert(contact.id, contact.encoded());
        }
    }
    let sizes = ids.iter().map(|id| shown.get(id).map_or(0, Bytes::len));
    batch::check_size("ids", sizes)?;
    let mut answer = BatchGetContactsResponse::default();
    for id in ids {
        match shown.get(id) {
            Some(contact) => answer.contacts.push(contact.clone()),
            None if allow_missing => answer.missing_ids.push(id.to_string()),
            None => return Err(Error::NotFound(*id)),
        }
    }
    Ok(answer)
}

/// A page of an owner's contacts.
pub(super) async fn list(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    mut request: ListContactsRequest,
) -> Result<ListContactsResponse> {
    let size = parse_size(
        std::mem::take(&mut request.page_size),
        SIZE_DEFAULT,
        SIZE_MAX,
    )?;
    let token = std::mem::take(&mut request.page_token);
    let tokens = Tokens::new(sealer, "ListContacts", view.owner, &request);
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let conditions = filter::parse(&request.filter)?;
    let selection = Selection {
        order: Order::parse(&request.order_by)?,
        conditions: &conditions,
        show_deleted: request.show_deleted,
        counted: conditions.is_empty() && !request.show_deleted && view.part == Part::All,
        after: tokens.open(&token)?,
    };

    // One more than asked for tells whether there is a next page.
    let mut listed = table::list(db, view, &selection, size + 1).await?;
    let total_size = match listed.first() {
        Some(first) => first.live_count,
        None if selection.counted => Some(owners::used(db, view.owner).await?.contacts),
        None => None,
    };

    let sizes = listed.iter().map(|listed| listed.contact.body.len());
    let shown = fitting(sizes, usize::try_from(size).unwrap_or(usize::MAX));
    let more = listed.len() > shown;
    listed.truncate(shown);
    let last = listed.last().filter(|_| more);
    let position = last.map(|last| last.position(selection.order));
    let contacts = listed
        .into_iter()
        .map(|listed| mask.encoded(listed.contact));
    Ok(ListContactsResponse {
        contacts: contacts.collect::<Result<_>>()?,
        next_page_token: position.map_or_else(String::new, |position| tokens.seal(&position)),
        total_size,
    })
}
