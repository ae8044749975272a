//! Lists of contacts, by order or by ids.

use std::collections::HashMap;

use bytes::Bytes;
use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{PageError, Pages, Paging, Sizes};
use proto::contacts::server::{
    BatchGetContactsResponse, ListContactsResponse, ListDeletedContactsResponse,
};
use proto::contacts::v1::{
    BatchGetContactsRequest, GetContactRequest, ListContactsRequest, ListDeletedContactsRequest,
};
use uuid::Uuid;

use crate::book::batch;
use crate::book::settings::region_of_call;
use crate::contact::ContactId;
use crate::contact::body::parse_uid;
use crate::contact::mask::ReadMask;
use crate::contact::phone::DefaultRegion;
use crate::error::{Error, Result};
use crate::model::filter::{self, Filter, Listed, Scope};
use crate::model::order::Order;
use crate::model::share::visible::View;
use crate::store::list::{ListedContact, Selection};
use crate::store::point_reads::PointReads;
use crate::store::{contacts, list as table};

pub(super) const SIZES: Sizes = Sizes {
    default: 50,
    max: 500,
};
/// The maximum number of ids of one call.
const IDS_MAX: usize = 500;

/// The requested contact.
pub(super) async fn get(
    reads: &PointReads,
    view: &View,
    request: &GetContactRequest,
) -> Result<Bytes> {
    let id = ContactId::parse("id", &request.id)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let stored = reads.get(view.owner, id).await?;
    let stored = stored.ok_or(Error::NotFound(id))?;
    let seen = view.visible.show(stored)?;
    mask.encoded(seen.ok_or(Error::NotFound(id))?)
}

/// Parses the ids of a batch.
pub(super) fn parse_ids(ids: &[String]) -> Result<Vec<ContactId>> {
    check_count("ids", ids.len())?;
    let numbered = ids.iter().enumerate();
    numbered
        .map(|(i, id)| ContactId::parse(&format!("ids[{i}]"), id))
        .collect()
}

fn check_count(field: &str, count: usize) -> Result<()> {
    if count > IDS_MAX {
        let problem = "has more than 500 elements";
        return Err(Error::invalid("FIELD_INVALID", field, problem));
    }
    Ok(())
}

/// The contacts with the ids, and then those with the uids, in the order of the request.
pub(super) async fn batch_get(
    db: &Pool,
    view: &View,
    request: &BatchGetContactsRequest,
) -> Result<BatchGetContactsResponse> {
    let ids = parse_ids(&request.ids)?;
    check_count("uids", ids.len() + request.uids.len())?;
    let uids = parse_uids(&request.uids)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let by_uid = ids_of(db, view, &uids).await?;
    let wanted: Vec<Uuid> = ids.iter().chain(by_uid.values()).map(|id| id.0).collect();
    let found = contacts::get_many(db, view.owner, &wanted).await?;
    // A repeated id is returned twice.
    let mut shown: HashMap<ContactId, Bytes> = HashMap::new();
    for contact in found.into_values() {
        if let Some(contact) = view.visible.show(contact)? {
            shown.insert(contact.id, mask.encoded(contact)?);
        }
    }
    let with_uid = |uid: &String| by_uid.get(uid).and_then(|id| shown.get(id));
    let sizes = ids.iter().map(|id| shown.get(id));
    let sizes = sizes.chain(uids.iter().map(with_uid));
    let sizes: Vec<usize> = sizes.map(|found| found.map_or(0, Bytes::len)).collect();
    batch::check_size("ids", sizes.into_iter())?;
    let mut answer = BatchGetContactsResponse::default();
    for id in &ids {
        match shown.get(id) {
            Some(contact) => answer.contacts.push(contact.clone()),
            None if request.allow_missing => answer.missing_ids.push(id.to_string()),
            None => return Err(Error::NotFound(*id)),
        }
    }
    for uid in uids {
        match with_uid(&uid) {
            Some(contact) => answer.contacts.push(contact.clone()),
            None if request.allow_missing => answer.missing_uids.push(uid),
            None => return Err(Error::UidNotFound(uid)),
        }
    }
    Ok(answer)
}

fn parse_uids(uids: &[String]) -> Result<Vec<String>> {
    let numbered = uids.iter().enumerate();
    let parsed = numbered.map(|(i, uid)| {
        let field = format!("uids[{i}]");
        let uid = parse_uid(&field, uid)?;
        uid.ok_or_else(|| Error::invalid("FIELD_INVALID", field, "is empty"))
    });
    parsed.collect()
}

/// The ids of the owner's contacts with these uids, by uid.
async fn ids_of(db: &Pool, view: &View, uids: &[String]) -> Result<HashMap<String, ContactId>> {
    if uids.is_empty() {
        return Ok(HashMap::new());
    }
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let holders = contacts::uid_holders(db, view.owner, &uids).await?;
    Ok(holders.into_iter().map(|one| (one.uid, one.id)).collect())
}

/// Parses a filter. The settings are read only if a number may be a national one.
pub(super) async fn filter_of(
    db: &Pool,
    view: &View,
    text: &str,
    listed: Listed,
    default_region: &str,
) -> Result<Filter> {
    let region = if text.contains("phone") {
        region_of_call(db, view.owner, default_region).await?
    } else {
        DefaultRegion::parse(default_region)?
    };
    filter::parse(text, Scope { listed, region })
}

/// Whether a list has deleted contacts, too.
pub(super) fn listed(request: &ListContactsRequest) -> Listed {
    if request.show_deleted {
        Listed::Both
    } else {
        Listed::Live
    }
}

/// A page of an owner's contacts.
pub(super) async fn list(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    mut request: ListContactsRequest,
) -> Result<ListContactsResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let pages = Pages::new(sealer, "ListContacts", view.owner, &request, paging, SIZES)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let listed = listed(&request);
    let (text, region) = (&request.filter, &request.default_region);
    let filter = filter_of(db, view, text, listed, region).await?;
    let counted = filter.is_empty() && listed == Listed::Live && view.visible.is_all();
    let selection = Selection {
        order: Order::parse(&request.order_by)?,
        filter: &filter,
        listed,
        counted,
        after: pages.cursor()?,
    };

    let page = page(db, view, &pages, &mask, selection).await?;

    Ok(ListContactsResponse {
        contacts: page.contacts,
        next_page_token: page.next_page_token,
        // There is no count if the owner has no row, and so no contacts.
        total_size: counted.then(|| page.live_count.unwrap_or(0)),
    })
}

/// A page of an owner's deleted contacts.
pub(super) async fn list_deleted(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    mut request: ListDeletedContactsRequest,
) -> Result<ListDeletedContactsResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let method = "ListDeletedContacts";
    let pages = Pages::new(sealer, method, view.owner, &request, paging, SIZES)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let listed = Listed::Deleted;
    let (text, region) = (&request.filter, &request.default_region);
    let filter = filter_of(db, view, text, listed, region).await?;
    let selection = Selection {
        order: Order::parse_of_deleted(&request.order_by)?,
        filter: &filter,
        listed,
        counted: false,
        after: pages.cursor()?,
    };

    let page = page(db, view, &pages, &mask, selection).await?;

    Ok(ListDeletedContactsResponse {
        contacts: page.contacts,
        next_page_token: page.next_page_token,
    })
}

/// A page as its messages.
struct EncodedPage {
    contacts: Vec<Bytes>,
    next_page_token: String,
    live_count: Option<i64>,
}

async fn page(
    db: &Pool,
    view: &View,
    pages: &Pages<'_>,
    mask: &ReadMask,
    selection: Selection<'_>,
) -> Result<EncodedPage> {
    let order = selection.order;
    let after = selection.after.as_ref();
    if after.is_some_and(|after| !after.is_of(order)) {
        return Err(PageError::Token.into());
    }
    let table::Page {
        mut listed,
        live_count,
    } = table::list(db, view, &selection, pages.limit()).await?;
    let bytes = |listed: &ListedContact| listed.contact.body.len();
    let cursor = |last: &ListedContact| last.cursor(order);
    let next_page_token = pages.cut_by_bytes(&mut listed, bytes, cursor);
    let mut contacts = Vec::with_capacity(listed.len());
    for listed in listed {
        if let Some(contact) = view.visible.show(listed.contact)? {
            contacts.push(mask.encoded(contact)?);
        }
    }
    Ok(EncodedPage {
        contacts,
        next_page_token,
        live_count,
    })
}
