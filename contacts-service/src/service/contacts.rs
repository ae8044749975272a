//! `ContactsService`.

use std::pin::Pin;

use futures_util::Stream;
use prost::Message;
use proto::contacts::server::contacts_service_server as server;
use proto::contacts::server::{
    BatchCreateContactsResponse, BatchDeleteContactsResponse, BatchGetContactsResponse,
    BatchUpdateContactsResponse, CreateContactResponse, DeleteContactResponse, DeletePhotoResponse,
    FindDuplicatesResponse, GetContactResponse, ListContactRevisionsResponse, ListContactsResponse,
    ListDeletedContactsResponse, ListUpcomingBirthdaysResponse, MergeContactsResponse,
    RestoreContactResponse, SearchContactsResponse, SetPhotoResponse, SyncContactsResponse,
    UndeleteContactResponse, UnmergeContactsResponse, UpdateContactResponse, WatchContactsResponse,
};
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchDeleteContactsRequest, BatchGetContactsRequest,
    BatchUpdateContactsRequest, CreateContactRequest, DeleteContactRequest, DeletePhotoRequest,
    ExportContactsRequest, FindDuplicatesRequest, GetContactRequest, GetContactStatsRequest,
    GetContactStatsResponse, GetPhotoRequest, GetPhotoResponse, GetSettingsRequest,
    GetSettingsResponse, IgnoreDuplicateRequest, IgnoreDuplicateResponse, ImportContactsRequest,
    ListContactRevisionsRequest, ListContactsRequest, ListDeletedContactsRequest,
    ListIgnoredDuplicatesRequest, ListIgnoredDuplicatesResponse, ListUpcomingBirthdaysRequest,
    MergeContactsRequest, PurgeContactsRequest, PurgeContactsResponse, RestoreContactRequest,
    SearchContactsRequest, SetPhotoRequest, SyncContactsRequest, UndeleteContactRequest,
    UnignoreDuplicateRequest, UnignoreDuplicateResponse, UnmergeContactsRequest,
    UpdateContactRequest, UpdateSettingsRequest, UpdateSettingsResponse, WatchContactsRequest,
};
use tonic::{Request, Response, Status, Streaming};

use crate::contact::ContactId;
use crate::error::{Error, Result};

use super::{
    ContactsService, birthdays, changes, creations, duplicates, exports, imports, lists, merges,
    revisions, searches, stats, sync,
};

#[tonic::async_trait]
impl server::ContactsService for ContactsService {
    async fn create_contact(
        &self,
        request: Request<CreateContactRequest>,
    ) -> Result<Response<CreateContactResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let options = creations::options(&request)?;
        let region = creations::region(&book, std::slice::from_ref(&request)).await?;
        let new = creations::new(request, region)?;

        let contact = book.create(&new, &options).await?;

        Ok(Response::new(CreateContactResponse { contact }))
    }

    async fn batch_create_contacts(
        &self,
        request: Request<BatchCreateContactsRequest>,
    ) -> Result<Response<BatchCreateContactsResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let (options, allow_partial) = (creations::batch_options(&request)?, request.allow_partial);
        let region = creations::region(&book, &request.requests).await?;
        let batch = creations::batch(request, region).await?;

        let answer = book
            .create_all(batch, allow_partial, &options, creations::encode_batch)
            .await?;

        let answer = BatchCreateContactsResponse::decode(answer).map_err(Error::from)?;
        Ok(Response::new(answer))
    }

    async fn get_contact(
        &self,
        request: Request<GetContactRequest>,
    ) -> Result<Response<GetContactResponse>, Status> {
        let contact = self
            .read(request, async |view, request| {
                lists::get(&self.reads, view, &request).await
            })
            .await?;

        Ok(Response::new(GetContactResponse { contact }))
    }

    async fn batch_get_contacts(
        &self,
        request: Request<BatchGetContactsRequest>,
    ) -> Result<Response<BatchGetContactsResponse>, Status> {
        self.answer(request, async |view, request| {
            lists::batch_get(&self.share_of(view.reader), view, &request).await
        })
        .await
    }

    async fn list_contacts(
        &self,
        request: Request<ListContactsRequest>,
    ) -> Result<Response<ListContactsResponse>, Status> {
        if request.get_ref().all_owners {
            return self.list_of_all(request).await;
        }
        self.answer(request, async |view, request| {
            let db = self.share_of(view.reader);
            lists::list(&db, &self.sealer, view, request).await
        })
        .await
    }

    async fn list_deleted_contacts(
        &self,
        request: Request<ListDeletedContactsRequest>,
    ) -> Result<Response<ListDeletedContactsResponse>, Status> {
        self.answer(request, async |view, request| {
            let db = self.share_of(view.reader);
            lists::list_deleted(&db, &self.sealer, view, request).await
        })
        .await
    }

    async fn update_contact(
        &self,
        request: Request<UpdateContactRequest>,
    ) -> Result<Response<UpdateContactResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let region = changes::region(&book, std::slice::from_ref(&request)).await?;

        let contact = book.update(changes::change(request, region)?).await?;

        Ok(Response::new(UpdateContactResponse { contact }))
    }

    async fn batch_update_contacts(
        &self,
        request: Request<BatchUpdateContactsRequest>,
    ) -> Result<Response<BatchUpdateContactsResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let allow_partial = request.allow_partial;
        let region = changes::region(&book, &request.requests).await?;
        let change = |request| changes::change_of_many(request, region);
        let batch = changes::batch(request.requests, change).await?;

        let outcomes = book.update_all(batch, allow_partial, false).await?;

        let results = changes::results(outcomes);
        Ok(Response::new(BatchUpdateContactsResponse { results }))
    }

    async fn delete_contact(
        &self,
        request: Request<DeleteContactRequest>,
    ) -> Result<Response<DeleteContactResponse>, Status> {
        let book = self.book(&request).await?;
        let deletion = changes::deletion(request.into_inner())?;

        let contact = book.delete(&deletion).await?;

        Ok(Response::new(DeleteContactResponse {
            contact: contact.unwrap_or_default(),
        }))
    }

    async fn batch_delete_contacts(
        &self,
        request: Request<BatchDeleteContactsRequest>,
    ) -> Result<Response<BatchDeleteContactsResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let allow_partial = request.allow_partial;
        let batch = changes::batch(request.requests, changes::deletion_of_many).await?;

        let outcomes = book.delete_all(batch, allow_partial).await?;

        let results = changes::results(outcomes);
        Ok(Response::new(BatchDeleteContactsResponse { results }))
    }

    async fn undelete_contact(
        &self,
        request: Request<UndeleteContactRequest>,
    ) -> Result<Response<UndeleteContactResponse>, Status> {
        let book = self.book(&request).await?;
        let id = ContactId::parse("id", &request.get_ref().id)?;

        let contact = book.undelete(id).await?;

        Ok(Response::new(UndeleteContactResponse { contact }))
    }

    async fn set_photo(
        &self,
        request: Request<Streaming<SetPhotoRequest>>,
    ) -> Result<Response<SetPhotoResponse>, Status> {
        self.receive_photo(request).await
    }

    type GetPhotoStream = Pin<Box<dyn Stream<Item = Result<GetPhotoResponse, Status>> + Send>>;

    async fn get_photo(
        &self,
        request: Request<GetPhotoRequest>,
    ) -> Result<Response<Self::GetPhotoStream>, Status> {
        Ok(Response::new(Box::pin(self.send_photo(request).await?)))
    }

    async fn delete_photo(
        &self,
        request: Request<DeletePhotoRequest>,
    ) -> Result<Response<DeletePhotoResponse>, Status> {
        self.remove_photo(request).await
    }

    async fn list_contact_revisions(
        &self,
        request: Request<ListContactRevisionsRequest>,
    ) -> Result<Response<ListContactRevisionsResponse>, Status> {
        self.answer(request, async |view, request| {
            let db = self.share_of(view.reader);
            revisions::list(&db, &self.sealer, view, request).await
        })
        .await
    }

    async fn restore_contact(
        &self,
        request: Request<RestoreContactRequest>,
    ) -> Result<Response<RestoreContactResponse>, Status> {
        self.restore(&request).await
    }

    async fn find_duplicates(
        &self,
        request: Request<FindDuplicatesRequest>,
    ) -> Result<Response<FindDuplicatesResponse>, Status> {
        self.answer(request, async |view, request| {
            let db = self.share_of(view.reader);
            duplicates::page(&db, &self.sealer, &self.finds, view, request).await
        })
        .await
    }

    async fn ignore_duplicate(
        &self,
        request: Request<IgnoreDuplicateRequest>,
    ) -> Result<Response<IgnoreDuplicateResponse>, Status> {
        let book = self.book(&request).await?;
        let group = duplicates::parse_group(request.get_ref())?;

        book.ignore(&group).await?;

        Ok(Response::new(IgnoreDuplicateResponse {}))
    }

    async fn list_ignored_duplicates(
        &self,
        request: Request<ListIgnoredDuplicatesRequest>,
    ) -> Result<Response<ListIgnoredDuplicatesResponse>, Status> {
        self.answer(request, async |view, request| {
            view.ensure_all()?;
            let db = self.share_of(view.reader);
            duplicates::ignored_page(&db, &self.sealer, view.owner, request).await
        })
        .await
    }

    async fn unignore_duplicate(
        &self,
        request: Request<UnignoreDuplicateRequest>,
    ) -> Result<Response<UnignoreDuplicateResponse>, Status> {
        let book = self.book(&request).await?;
        let pair = duplicates::parse_pair(request.get_ref())?;

        book.unignore(pair).await?;

        Ok(Response::new(UnignoreDuplicateResponse {}))
    }

    async fn merge_contacts(
        &self,
        request: Request<MergeContactsRequest>,
    ) -> Result<Response<MergeContactsResponse>, Status> {
        let book = self.book(&request).await?;
        let merge = merges::merge(request.into_inner())?;

        let answer = book.merge(&merge, merges::encode).await?;

        let answer = MergeContactsResponse::decode(answer).map_err(Error::from)?;
        Ok(Response::new(answer))
    }

    async fn unmerge_contacts(
        &self,
        request: Request<UnmergeContactsRequest>,
    ) -> Result<Response<UnmergeContactsResponse>, Status> {
        self.unmerge(&request).await
    }

    async fn search_contacts(
        &self,
        request: Request<SearchContactsRequest>,
    ) -> Result<Response<SearchContactsResponse>, Status> {
        if request.get_ref().all_owners {
            return self.search_of_all(request).await;
        }
        self.answer(request, async |view, request| {
            let db = self.share_of(view.reader);
            let views = std::slice::from_ref(view);
            searches::page(&db, &self.copies, &self.sealer, view, views, request).await
        })
        .await
    }

    async fn list_upcoming_birthdays(
        &self,
        request: Request<ListUpcomingBirthdaysRequest>,
    ) -> Result<Response<ListUpcomingBirthdaysResponse>, Status> {
        self.answer(request, async |view, request| {
            let (db, now) = (self.share_of(view.reader), self.clock.now());
            birthdays::page(&db, &self.sealer, view, now, request).await
        })
        .await
    }

    async fn purge_contacts(
        &self,
        request: Request<PurgeContactsRequest>,
    ) -> Result<Response<PurgeContactsResponse>, Status> {
        self.purge(&request).await
    }

    async fn sync_contacts(
        &self,
        request: Request<SyncContactsRequest>,
    ) -> Result<Response<SyncContactsResponse>, Status> {
        let mask = request.get_ref().read_mask.as_ref();
        let mut feed = self.feed(&request, mask).await?;

        let answer = sync::sync(&self.sealer, &mut feed, request.get_ref()).await?;

        Ok(Response::new(answer))
    }

    type WatchContactsStream =
        Pin<Box<dyn Stream<Item = Result<WatchContactsResponse, Status>> + Send>>;

    async fn watch_contacts(
        &self,
        request: Request<WatchContactsRequest>,
    ) -> Result<Response<Self::WatchContactsStream>, Status> {
        let answers = self.watch(&request).await?;

        Ok(Response::new(Box::pin(answers)))
    }

    type ImportContactsStream = imports::Answers;

    async fn import_contacts(
        &self,
        request: Request<Streaming<ImportContactsRequest>>,
    ) -> Result<Response<imports::Answers>, Status> {
        Ok(Response::new(self.import(request).await?))
    }

    type ExportContactsStream = exports::Answers;

    async fn export_contacts(
        &self,
        request: Request<ExportContactsRequest>,
    ) -> Result<Response<exports::Answers>, Status> {
        Ok(Response::new(self.export(request).await?))
    }

    async fn get_settings(
        &self,
        request: Request<GetSettingsRequest>,
    ) -> Result<Response<GetSettingsResponse>, Status> {
        self.settings(&request).await
    }

    async fn update_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> Result<Response<UpdateSettingsResponse>, Status> {
        self.change_settings(request).await
    }

    async fn get_contact_stats(
        &self,
        request: Request<GetContactStatsRequest>,
    ) -> Result<Response<GetContactStatsResponse>, Status> {
        self.answer(request, async |view, _| {
            stats::of(&self.share_of(view.reader), view, self.quota).await
        })
        .await
    }
}
