//! Lists and searches of the contacts of all owners that the caller can read.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{PageError, Pages, Paging, fitting};
use proto::contacts::server::{ListContactsResponse, SearchContactsResponse};
use proto::contacts::v1::{ListContactsRequest, SearchContactsRequest};
use tonic::{Request, Response, Status};

use super::ContactsService;
use super::lists::{SIZES, filter_of, listed};
use super::searches;
use crate::contact::mask::ReadMask;
use crate::error::Result;
use crate::model::filter::Listed;
use crate::model::order::Order;
use crate::model::share::books::Books;
use crate::store::list::Selection;
use crate::store::list_all::{self, AllCursor, AllPage, OwnedContact};

impl ContactsService {
    /// `ListContacts` with `all_owners`.
    pub(super) async fn list_of_all(
        &self,
        request: Request<ListContactsRequest>,
    ) -> Result<Response<ListContactsResponse>, Status> {
        self.answer_of_all(request, async |books, request| {
            let db = self.share_of(books.own().reader);
            list(&db, &self.sealer, books, request).await
        })
        .await
    }

    /// `SearchContacts` with `all_owners`.
    pub(super) async fn search_of_all(
        &self,
        request: Request<SearchContactsRequest>,
    ) -> Result<Response<SearchContactsResponse>, Status> {
        self.answer_of_all(request, async |books, request| {
            let (db, own) = (self.share_of(books.own().reader), books.own());
            searches::page(&db, &self.copies, &self.sealer, own, books.views(), request).await
        })
        .await
    }
}

/// A page of all owners' contacts.
async fn list(
    db: &Pool,
    sealer: &Sealer,
    books: &Books,
    mut request: ListContactsRequest,
) -> Result<ListContactsResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let (method, reader) = ("ListContacts", books.own().reader);
    let pages = Pages::new(sealer, method, reader, &request, paging, SIZES)?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let listed = listed(&request);
    let (text, region) = (&request.filter, &request.default_region);
    let filter = filter_of(db, books.own(), text, listed, region).await?;
    let counted = filter.is_empty() && listed == Listed::Live && books.is_all();
    let order = Order::parse(&request.order_by)?;
    let after: Option<AllCursor> = pages.cursor()?;
    if after.as_ref().is_some_and(|after| !after.is_of(order)) {
        return Err(PageError::Token.into());
    }
    let selection = Selection {
        order,
        filter: &filter,
        listed,
        counted,
        after,
    };

    let page = list_all::list(db, books, &selection, pages.limit()).await?;

    let AllPage {
        contacts: mut found,
        live_count,
    } = page;
    let bytes = |one: &OwnedContact| one.listed.contact.body.len();
    let shown = fitting(found.iter().map(bytes), pages.size());
    let is_last = found.len() <= shown;
    found.truncate(shown);
    let next = AllCursor::after(&found, books, &selection).filter(|_| !is_last);
    let mut contacts = Vec::with_capacity(found.len());
    for one in found {
        let view = books.of_owner(one.owner);
        let seen = view.map(|view| view.visible.show(one.listed.contact));
        if let Some(contact) = seen.transpose()?.flatten() {
            contacts.push(mask.encoded_of(one.owner.0, contact)?);
        }
    }
    Ok(ListContactsResponse {
        contacts,
        next_page_token: next.map_or_else(String::new, |next| pages.token(&next)),
        // There is no count if no owner has a row, and so no contacts.
        total_size: counted.then(|| live_count.unwrap_or(0)),
    })
}
