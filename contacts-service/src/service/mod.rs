//! The RPCs: who calls, what is asked, answer. No SQL, no rules.

mod birthdays;
mod lists;
mod searches;

use chassis::caller::Caller;
use chassis::clock::Clock;
use chassis::page_token::Sealer;
use chassis::pool::Pool;
use chassis::text;
use chassis::user_id::UserId;
use proto::contacts::v1::contacts_service_server as server;
use proto::contacts::v1::{
    BatchGetContactsRequest, BatchGetContactsResponse, Contact, CreateContactRequest,
    CreateContactResponse, DeleteContactRequest, DeleteContactResponse, GetContactRequest,
    GetContactResponse, ListContactsRequest, ListContactsResponse, ListUpcomingBirthdaysRequest,
    ListUpcomingBirthdaysResponse, SearchContactsRequest, SearchContactsResponse,
    UndeleteContactRequest, UndeleteContactResponse, UpdateContactRequest, UpdateContactResponse,
};
use tonic::{Request, Response, Status};

use crate::book::{Book, Change, New, Repeatable};
use crate::contact::ContactId;
use crate::contact::body::{Body, clear_understood, parse_uid};
use crate::contact::mask::{ReadMask, UpdateMask};
use crate::contact::phone::DefaultRegion;
use crate::error::{Error, Result};
use crate::page;
use crate::store::contacts;

const READ: &str = "contacts.read";
const WRITE: &str = "contacts.write";

/// The longest request id, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Serves `addressbook.contacts.v1.ContactsService`.
pub struct ContactsService {
    /// Where contacts are kept.
    pub db: Pool,
    /// Tells the time.
    pub clock: Clock,
    /// Seals page tokens.
    pub sealer: Sealer,
    /// Most live contacts of one owner.
    pub quota: i64,
}

impl ContactsService {
    fn book(&self, owner: UserId) -> Book<'_> {
        Book::of(&self.db, owner, self.clock.now(), self.quota)
    }
}

#[tonic::async_trait]
impl server::ContactsService for ContactsService {
    async fn create_contact(
        &self,
        request: Request<CreateContactRequest>,
    ) -> Result<Response<CreateContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.into_inner();
        let repeatable = repeatable(&request)?;
        let region = DefaultRegion::parse(&request.default_region)?;
        let patch = written(request.contact)?;
        let new = New {
            uid: parse_uid(&patch.uid)?,
            body: Body::parse(patch, region)?,
        };

        let contact = self
            .book(caller.user_id)
            .create(new, repeatable, request.validate_only)
            .await?;

        Ok(Response::new(CreateContactResponse {
            contact: Some(contact),
        }))
    }

    async fn get_contact(
        &self,
        request: Request<GetContactRequest>,
    ) -> Result<Response<GetContactResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let id = ContactId::parse("id", &request.get_ref().id)?;
        let mask = ReadMask::parse(request.get_ref().read_mask.as_ref())?;

        let stored = contacts::get(&self.db, caller.user_id, id).await?;
        let contact = stored.ok_or(Error::NotFound(id))?.message()?;

        Ok(Response::new(GetContactResponse {
            contact: Some(mask.apply(contact)),
        }))
    }

    async fn batch_get_contacts(
        &self,
        request: Request<BatchGetContactsRequest>,
    ) -> Result<Response<BatchGetContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let ids = lists::parse_ids(&request.get_ref().ids)?;

        let answer = lists::batch_get(
            &self.db,
            caller.user_id,
            &ids,
            request.get_ref().allow_missing,
        )
        .await?;

        Ok(Response::new(answer))
    }

    async fn list_contacts(
        &self,
        request: Request<ListContactsRequest>,
    ) -> Result<Response<ListContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;

        let answer =
            lists::list(&self.db, &self.sealer, caller.user_id, request.into_inner()).await?;

        Ok(Response::new(answer))
    }

    async fn update_contact(
        &self,
        request: Request<UpdateContactRequest>,
    ) -> Result<Response<UpdateContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.into_inner();
        let patch = written(request.contact)?;
        let id = ContactId::parse("contact.id", &patch.id)?;
        let change = Change {
            uid: parse_uid(&patch.uid)?,
            mask: UpdateMask::parse(request.update_mask.as_ref(), &patch)?,
            region: DefaultRegion::parse(&request.default_region)?,
            etag: patch.etag.clone(),
            allow_missing: request.allow_missing,
            patch,
        };

        let contact = self.book(caller.user_id).update(id, change).await?;

        Ok(Response::new(UpdateContactResponse {
            contact: Some(contact),
        }))
    }

    async fn delete_contact(
        &self,
        request: Request<DeleteContactRequest>,
    ) -> Result<Response<DeleteContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.into_inner();
        let id = ContactId::parse("id", &request.id)?;

        let book = self.book(caller.user_id);
        let contact = book
            .delete(id, &request.etag, request.allow_missing)
            .await?;

        Ok(Response::new(DeleteContactResponse { contact }))
    }

    async fn undelete_contact(
        &self,
        request: Request<UndeleteContactRequest>,
    ) -> Result<Response<UndeleteContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let id = ContactId::parse("id", &request.get_ref().id)?;

        let contact = self.book(caller.user_id).undelete(id).await?;

        Ok(Response::new(UndeleteContactResponse {
            contact: Some(contact),
        }))
    }

    async fn search_contacts(
        &self,
        request: Request<SearchContactsRequest>,
    ) -> Result<Response<SearchContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;

        let answer =
            searches::search(&self.db, &self.sealer, caller.user_id, request.into_inner()).await?;

        Ok(Response::new(answer))
    }

    async fn list_upcoming_birthdays(
        &self,
        request: Request<ListUpcomingBirthdaysRequest>,
    ) -> Result<Response<ListUpcomingBirthdaysResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let request = request.into_inner();

        let now = self.clock.now();
        let answer = birthdays::list(&self.db, &self.sealer, caller.user_id, now, request).await?;

        Ok(Response::new(answer))
    }
}

/// The contact of a write, without what a client may not set of its phones.
fn written(contact: Option<Contact>) -> Result<Contact> {
    let missing = || Error::invalid("FIELD_INVALID", "contact", "must be there");
    let mut contact = contact.ok_or_else(missing)?;
    clear_understood(&mut contact);
    Ok(contact)
}

/// What makes a call the same as an earlier one; nothing without a request id.
fn repeatable(request: &CreateContactRequest) -> Result<Option<Repeatable>> {
    let request_id = text::single_line(&request.request_id, REQUEST_ID_CHARS_MAX)
        .map_err(|problem| Error::invalid("REQUEST_ID_INVALID", "request_id", problem))?;
    if request_id.is_empty() || request.validate_only {
        return Ok(None);
    }
    let bare = CreateContactRequest {
        request_id: String::new(),
        ..request.clone()
    };
    Ok(Some(Repeatable {
        request_id,
        hash: page::hash(&bare),
    }))
}
