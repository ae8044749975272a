//! Batches, revisions and restorations of a user.

use proto::contacts::v1::{
    BatchContactResult, BatchCreateContactsRequest, BatchDeleteContactsRequest,
    BatchUpdateContactsRequest, Contact, ContactRevision, DeleteContactRequest,
    ListContactRevisionsRequest, ListContactRevisionsResponse, RestoreContactRequest,
    UpdateContactRequest, batch_contact_result,
};
use tonic::Status;

use crate::batch_create::batch;
use crate::owner::{ENDLESS, Owner};
use crate::sample::named;

/// The result of each request of a batch, if it has one.
pub fn each(results: Vec<BatchContactResult>) -> Vec<Result<Contact, tonic_types::Status>> {
    let each = results.into_iter().map(|result| match result.result {
        Some(batch_contact_result::Result::Contact(contact)) => Ok(contact),
        Some(batch_contact_result::Result::Status(status)) => Err(status),
        None => Ok(Contact::default()),
    });
    each.collect()
}

/// The change of a contact to the fields that are not empty.
pub fn change(contact: Contact) -> UpdateContactRequest {
    UpdateContactRequest {
        contact: Some(contact),
        ..UpdateContactRequest::default()
    }
}

impl Owner {
    /// Creates contacts in one batch.
    pub async fn create_all(
        &self,
        contacts: impl IntoIterator<Item = Contact>,
        allow_partial: bool,
    ) -> Result<Vec<Result<Contact, tonic_types::Status>>, Status> {
        let request = BatchCreateContactsRequest {
            allow_partial,
            ..batch(contacts)
        };
        self.batch_create(request).await
    }

    /// Contacts "Ada Number00000" and so on, in one batch.
    pub async fn has_numbered(&self, count: usize) -> Vec<Contact> {
        let contacts = (0..count).map(|number| named("Ada", &format!("Number{number:05}")));
        let stored = self.create_all(contacts, false).await.unwrap();
        stored.into_iter().map(Result::unwrap).collect()
    }

    pub async fn batch_update(
        &self,
        patches: impl IntoIterator<Item = Contact>,
        allow_partial: bool,
    ) -> Result<Vec<Result<Contact, tonic_types::Status>>, Status> {
        let requests: Vec<_> = patches.into_iter().map(change).collect();
        self.batch_update_with(requests, allow_partial).await
    }

    pub async fn batch_update_with(
        &self,
        requests: Vec<UpdateContactRequest>,
        allow_partial: bool,
    ) -> Result<Vec<Result<Contact, tonic_types::Status>>, Status> {
        let request = BatchUpdateContactsRequest {
            requests,
            allow_partial,
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().batch_update_contacts(request).await?;
        Ok(each(answer.into_inner().results))
    }

    pub async fn batch_delete(
        &self,
        ids: &[&str],
        allow_partial: bool,
    ) -> Result<Vec<Result<Contact, tonic_types::Status>>, Status> {
        let requests = ids.iter().map(|id| DeleteContactRequest {
            id: (*id).into(),
            ..DeleteContactRequest::default()
        });
        self.batch_delete_with(requests.collect(), allow_partial)
            .await
    }

    pub async fn batch_delete_with(
        &self,
        requests: Vec<DeleteContactRequest>,
        allow_partial: bool,
    ) -> Result<Vec<Result<Contact, tonic_types::Status>>, Status> {
        let request = BatchDeleteContactsRequest {
            requests,
            allow_partial,
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().batch_delete_contacts(request).await?;
        Ok(each(answer.into_inner().results))
    }

    pub async fn revisions_page(
        &self,
        id: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListContactRevisionsResponse, Status> {
        let request = ListContactRevisionsRequest {
            id: id.into(),
            page_size,
            page_token: page_token.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().list_contact_revisions(request).await?;
        Ok(answer.into_inner())
    }

    /// Every page of a contact's revisions.
    pub async fn revisions(&self, id: &str, page_size: i32) -> Vec<ContactRevision> {
        let (mut revisions, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.revisions_page(id, page_size, &token).await.unwrap();
            revisions.extend(page.revisions);
            assert!(revisions.len() < ENDLESS, "the list does not end");
            if page.next_page_token.is_empty() {
                return revisions;
            }
            token = page.next_page_token;
        }
    }

    /// The ids of a contact's revisions.
    pub async fn revision_ids(&self, id: &str) -> Vec<String> {
        let revisions = self.revisions(id, 0).await.into_iter();
        revisions.map(|revision| revision.revision_id).collect()
    }

    pub async fn restore(
        &self,
        id: &str,
        revision_id: &str,
        etag: &str,
    ) -> Result<Contact, Status> {
        let request = RestoreContactRequest {
            id: id.into(),
            revision_id: revision_id.into(),
            etag: etag.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().restore_contact(request).await?;
        Ok(answer.into_inner().contact.unwrap())
    }
}
