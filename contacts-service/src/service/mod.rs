//! The RPCs: who calls, what is asked, answer. No SQL, no rules.

mod birthdays;
mod changes;
mod creations;
mod duplicates;
mod labels;
mod lists;
mod merges;
mod purges;
mod revisions;
mod searches;
mod stats;
mod sync;

use std::pin::Pin;
use std::sync::Arc;

use chassis::caller::{Caller, RequireCaller};
use chassis::clock::Clock;
use chassis::page_token::Sealer;
use chassis::pool::Pool;
use chassis::user_id::UserId;
use futures_util::{Stream, StreamExt};
use proto::contacts::server::contacts_service_server as server;
use proto::contacts::server::{
    BatchCreateContactsResponse, BatchDeleteContactsResponse, BatchGetContactsResponse,
    BatchUpdateContactsResponse, CreateContactResponse, DeleteContactResponse,
    FindDuplicatesResponse, GetContactResponse, ListContactRevisionsResponse, ListContactsResponse,
    ListUpcomingBirthdaysResponse, MergeContactsResponse, RestoreContactResponse,
    SearchContactsResponse, SyncContactsResponse, UndeleteContactResponse, UnmergeContactsResponse,
    UpdateContactResponse, WatchContactsResponse,
};
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchDeleteContactsRequest, BatchGetContactsRequest,
    BatchUpdateContactsRequest, CreateContactRequest, DeleteContactRequest, FindDuplicatesRequest,
    GetContactRequest, GetContactStatsRequest, GetContactStatsResponse, IgnoreDuplicateRequest,
    IgnoreDuplicateResponse, ListContactRevisionsRequest, ListContactsRequest,
    ListUpcomingBirthdaysRequest, MergeContactsRequest, PurgeContactsRequest,
    PurgeContactsResponse, RestoreContactRequest, SearchContactsRequest, SyncContactsRequest,
    UndeleteContactRequest, UnmergeContactsRequest, UpdateContactRequest, WatchContactsRequest,
};
use tokio::sync::Semaphore;
use tokio::sync::watch::Receiver;
use tonic::{Request, Response, Status};

use crate::book::Book;
use crate::contact::ContactId;
use crate::contact::mask::ReadMask;
use crate::error::{Error, Result};
use crate::quota::Quota;
use crate::service::purges::Which;
use crate::store::duplicates as pairs;
use crate::store::point_reads::PointReads;
use crate::watch::hub::Hub;
use crate::watch::stream::Reader;

pub use duplicates::AT_A_TIME;

const READ: &str = "contacts.read";
const WRITE: &str = "contacts.write";

/// Serves `addressbook.contacts.v1.ContactsService` and, in `labels.rs`,
/// `LabelsService`.
pub struct ContactsService {
    /// Where contacts are kept.
    pub db: Pool,
    /// Where single contacts are read.
    pub reads: PointReads,
    /// Tells the time.
    pub clock: Clock,
    /// Seals page tokens.
    pub sealer: Arc<Sealer>,
    /// The most of one owner.
    pub quota: Quota,
    /// Places for searches for duplicates, of all threads.
    pub finds: Arc<Semaphore>,
    /// Who watches what.
    pub hub: Arc<Hub>,
    /// Knows which tokens are still good.
    pub guard: RequireCaller,
    /// True when streams shall end.
    pub stopping: Receiver<bool>,
}

impl ContactsService {
    fn book(&self, owner: UserId) -> Book<'_> {
        Book::of(&self.db, owner, self.clock.now(), self.quota, &self.hub)
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
        let terms = creations::terms(&request)?;
        let new = creations::new(request)?;

        let contact = self.book(caller.user_id).create(&new, &terms).await?;

        Ok(Response::new(CreateContactResponse { contact }))
    }

    async fn batch_create_contacts(
        &self,
        request: Request<BatchCreateContactsRequest>,
    ) -> Result<Response<BatchCreateContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.into_inner();
        let (terms, allow_partial) = (creations::batch_terms(&request)?, request.allow_partial);
        let batch = creations::batch(request).await?;

        let book = self.book(caller.user_id);
        let answer = book.create_all(batch, allow_partial, &terms).await?;

        Ok(Response::new(answer))
    }

    async fn get_contact(
        &self,
        request: Request<GetContactRequest>,
    ) -> Result<Response<GetContactResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let id = ContactId::parse("id", &request.get_ref().id)?;
        let mask = ReadMask::parse(request.get_ref().read_mask.as_ref())?;

        let stored = self.reads.get(caller.user_id, id).await?;
        let contact = mask.encoded(stored.ok_or(Error::NotFound(id))?)?;

        Ok(Response::new(GetContactResponse { contact }))
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
        let change = changes::change(request.into_inner())?;

        let contact = self.book(caller.user_id).update(change).await?;

        Ok(Response::new(UpdateContactResponse { contact }))
    }

    async fn batch_update_contacts(
        &self,
        request: Request<BatchUpdateContactsRequest>,
    ) -> Result<Response<BatchUpdateContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.into_inner();
        let allow_partial = request.allow_partial;
        let batch = changes::batch(request.requests, changes::change).await?;

        let book = self.book(caller.user_id);
        let results = book.update_all(batch, allow_partial).await?;

        Ok(Response::new(BatchUpdateContactsResponse { results }))
    }

    async fn delete_contact(
        &self,
        request: Request<DeleteContactRequest>,
    ) -> Result<Response<DeleteContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let deletion = changes::deletion(request.into_inner())?;

        let contact = self.book(caller.user_id).delete(&deletion).await?;

        Ok(Response::new(DeleteContactResponse {
            contact: contact.unwrap_or_default(),
        }))
    }

    async fn batch_delete_contacts(
        &self,
        request: Request<BatchDeleteContactsRequest>,
    ) -> Result<Response<BatchDeleteContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.into_inner();
        let allow_partial = request.allow_partial;
        let batch = changes::batch(request.requests, changes::deletion).await?;

        let book = self.book(caller.user_id);
        let results = book.delete_all(batch, allow_partial).await?;

        Ok(Response::new(BatchDeleteContactsResponse { results }))
    }

    async fn undelete_contact(
        &self,
        request: Request<UndeleteContactRequest>,
    ) -> Result<Response<UndeleteContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let id = ContactId::parse("id", &request.get_ref().id)?;

        let contact = self.book(caller.user_id).undelete(id).await?;

        Ok(Response::new(UndeleteContactResponse { contact }))
    }

    async fn list_contact_revisions(
        &self,
        request: Request<ListContactRevisionsRequest>,
    ) -> Result<Response<ListContactRevisionsResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;

        let answer =
            revisions::list(&self.db, &self.sealer, caller.user_id, request.into_inner()).await?;

        Ok(Response::new(answer))
    }

    async fn restore_contact(
        &self,
        request: Request<RestoreContactRequest>,
    ) -> Result<Response<RestoreContactResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let request = request.get_ref();
        let id = ContactId::parse("id", &request.id)?;
        let version = revisions::parse_id(&request.revision_id)?;

        let book = self.book(caller.user_id);
        let contact = book.restore(id, version, &request.etag).await?;

        Ok(Response::new(RestoreContactResponse { contact }))
    }

    async fn find_duplicates(
        &self,
        request: Request<FindDuplicatesRequest>,
    ) -> Result<Response<FindDuplicatesResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;

        let (owner, request) = (caller.user_id, request.into_inner());
        let answer = duplicates::find(&self.db, &self.sealer, &self.finds, owner, request).await?;

        Ok(Response::new(answer))
    }

    async fn ignore_duplicate(
        &self,
        request: Request<IgnoreDuplicateRequest>,
    ) -> Result<Response<IgnoreDuplicateResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let pair = duplicates::parse_pair(request.get_ref())?;

        pairs::ignore(&self.db, caller.user_id, pair).await?;

        Ok(Response::new(IgnoreDuplicateResponse {}))
    }

    async fn merge_contacts(
        &self,
        request: Request<MergeContactsRequest>,
    ) -> Result<Response<MergeContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let merge = merges::merge(request.into_inner())?;

        let answer = self.book(caller.user_id).merge(&merge).await?;

        Ok(Response::new(answer))
    }

    async fn unmerge_contacts(
        &self,
        request: Request<UnmergeContactsRequest>,
    ) -> Result<Response<UnmergeContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let merge = merges::parse_id(&request.get_ref().merge_id)?;

        let contacts = self.book(caller.user_id).unmerge(merge).await?;

        Ok(Response::new(UnmergeContactsResponse { contacts }))
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
    async fn purge_contacts(
        &self,
        request: Request<PurgeContactsRequest>,
    ) -> Result<Response<PurgeContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let which = purges::which(request.get_ref())?;

        let book = self.book(caller.user_id);
        let purged_count = match which {
            Which::Ids(ids) => book.purge(&ids).await?,
            Which::All => book.purge_deleted().await?,
        };

        Ok(Response::new(PurgeContactsResponse { purged_count }))
    }

    async fn sync_contacts(
        &self,
        request: Request<SyncContactsRequest>,
    ) -> Result<Response<SyncContactsResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;

        let answer = sync::sync(&self.db, &self.sealer, caller.user_id, request.get_ref()).await?;

        Ok(Response::new(answer))
    }

    type WatchContactsStream =
        Pin<Box<dyn Stream<Item = Result<WatchContactsResponse, Status>> + Send>>;

    async fn watch_contacts(
        &self,
        request: Request<WatchContactsRequest>,
    ) -> Result<Response<Self::WatchContactsStream>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let reader = Reader {
            db: self.db.clone(),
            watch: self.hub.watch(caller.user_id)?,
            guard: self.guard.clone(),
            caller,
            stopping: self.stopping.clone(),
        };

        let sealer = Arc::clone(&self.sealer);
        let events = sync::watch(sealer, reader, &request.get_ref().sync_token)?;

        let answers = events.map(|event| event.map_err(Into::into));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_contact_stats(
        &self,
        request: Request<GetContactStatsRequest>,
    ) -> Result<Response<GetContactStatsResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;

        let answer = stats::of(&self.db, caller.user_id, self.quota).await?;

        Ok(Response::new(answer))
    }
}
