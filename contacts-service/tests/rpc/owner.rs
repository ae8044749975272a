//! A client that calls as one user.

use prost_types::FieldMask;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchGetContactsRequest, BatchGetContactsResponse, Contact,
    CreateContactRequest, DeleteContactRequest, GetContactRequest, ListContactsRequest,
    ListContactsResponse, ListUpcomingBirthdaysRequest, ListUpcomingBirthdaysResponse, MatchTier,
    SearchContactsRequest, SearchContactsResponse, SearchResult, UndeleteContactRequest,
    UpcomingBirthday, UpdateContactRequest,
};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::owner_changes::each;

pub type Client = ContactsServiceClient<InterceptedService<Channel, Bearer>>;

#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    pub fn of(token: &str) -> Self {
        Self(format!("Bearer {token}").parse().unwrap())
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// More than any test stores: a longer list means an endless loop.
pub const ENDLESS: usize = 1000;

/// A user and its client.
#[derive(Clone)]
pub struct Owner {
    pub user: Uuid,
    /// In `owner_id` of each call: empty for the user's own contacts.
    pub book: String,
    pub token: String,
    /// For what only owners may do: the caller may be an editor.
    pub own_token: String,
    pub channel: Channel,
    pub client: Client,
}

impl Owner {
    pub fn new(channel: Channel, user: Uuid, token: &str) -> Self {
        Self {
            user,
            book: String::new(),
            token: token.to_owned(),
            own_token: token.to_owned(),
            channel: channel.clone(),
            client: ContactsServiceClient::with_interceptor(channel, Bearer::of(token))
                .max_decoding_message_size(64 << 20)
                .max_encoding_message_size(64 << 20),
        }
    }

    /// Names the owner in a request that does not.
    pub fn fill(&self, owner_id: &mut String) {
        if owner_id.is_empty() {
            owner_id.clone_from(&self.book);
        }
    }

    /// A contact of this owner, as a test's starting point.
    pub async fn has(&self, contact: Contact) -> Contact {
        self.create(contact).await.unwrap()
    }

    /// Such contacts, created one after the other.
    pub fn has_all(
        &self,
        contacts: impl IntoIterator<Item = Contact>,
    ) -> impl Future<Output = Vec<Contact>> {
        let contacts: Vec<_> = contacts.into_iter().collect();
        async move {
            let mut stored = Vec::new();
            for contact in contacts {
                stored.push(self.has(contact).await);
            }
            stored
        }
    }

    pub async fn create(&self, contact: Contact) -> Result<Contact, Status> {
        self.create_with(CreateContactRequest {
            contact: Some(contact),
            ..CreateContactRequest::default()
        })
        .await
    }

    pub async fn create_with(&self, mut request: CreateContactRequest) -> Result<Contact, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().create_contact(request).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    /// The result of each contact of a batch.
    pub async fn batch_create(
        &self,
        mut request: BatchCreateContactsRequest,
    ) -> Result<Vec<Result<Contact, tonic_types::Status>>, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().batch_create_contacts(request).await?;
        Ok(each(answer.into_inner().results))
    }

    pub async fn get(&self, id: &str) -> Result<Contact, Status> {
        self.get_masked(id, None).await
    }

    pub async fn get_masked(&self, id: &str, mask: Option<&[&str]>) -> Result<Contact, Status> {
        let request = GetContactRequest {
            id: id.into(),
            read_mask: mask.map(field_mask),
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().get_contact(request).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    /// The contacts found, and the ids missing.
    pub async fn batch_get(
        &self,
        ids: &[&str],
        allow_missing: bool,
    ) -> Result<(Vec<Contact>, Vec<String>), Status> {
        let request = BatchGetContactsRequest {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            allow_missing,
            ..BatchGetContactsRequest::default()
        };
        let answer = self.batch_get_with(request).await?;
        Ok((answer.contacts, answer.missing_ids))
    }

    pub async fn batch_get_with(
        &self,
        mut request: BatchGetContactsRequest,
    ) -> Result<BatchGetContactsResponse, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().batch_get_contacts(request).await?;
        Ok(answer.into_inner())
    }

    pub async fn update(&self, contact: Contact, mask: &[&str]) -> Result<Contact, Status> {
        self.update_with(UpdateContactRequest {
            contact: Some(contact),
            update_mask: (!mask.is_empty()).then(|| field_mask(mask)),
            ..UpdateContactRequest::default()
        })
        .await
    }

    pub async fn update_with(&self, mut request: UpdateContactRequest) -> Result<Contact, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().update_contact(request).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    pub async fn delete(&self, id: &str) -> Result<Contact, Status> {
        let deleted = self.delete_with(id, "", false).await?;
        Ok(deleted.unwrap())
    }

    pub async fn delete_with(
        &self,
        id: &str,
        etag: &str,
        allow_missing: bool,
    ) -> Result<Option<Contact>, Status> {
        let request = DeleteContactRequest {
            id: id.into(),
            etag: etag.into(),
            allow_missing,
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().delete_contact(request).await?;
        Ok(answer.into_inner().contact)
    }

    pub async fn undelete(&self, id: &str) -> Result<Contact, Status> {
        let request = UndeleteContactRequest {
            id: id.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().undelete_contact(request).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    pub async fn list(
        &self,
        mut request: ListContactsRequest,
    ) -> Result<ListContactsResponse, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().list_contacts(request).await?;
        Ok(answer.into_inner())
    }

    /// Every page of a list.
    pub async fn list_all(&self, mut request: ListContactsRequest) -> Vec<Contact> {
        let mut contacts = Vec::new();
        loop {
            let page = self.list(request.clone()).await.unwrap();
            contacts.extend(page.contacts);
            assert!(contacts.len() < ENDLESS, "the list does not end");
            if page.next_page_token.is_empty() {
                return contacts;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// The `total_size` of a list.
    pub async fn total_size(&self) -> i64 {
        let page = self.list(ListContactsRequest::default()).await.unwrap();
        page.total_size.unwrap()
    }

    pub async fn search(
        &self,
        mut request: SearchContactsRequest,
    ) -> Result<SearchContactsResponse, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().search_contacts(request).await?;
        Ok(answer.into_inner())
    }

    /// Every page of a search.
    pub async fn search_all(&self, mut request: SearchContactsRequest) -> Vec<SearchResult> {
        let mut results = Vec::new();
        loop {
            let page = self.search(request.clone()).await.unwrap();
            results.extend(page.results);
            assert!(results.len() < ENDLESS, "the search does not end");
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return results;
            }
        }
    }

    /// The first page of a search.
    pub async fn found(&self, query: &str) -> Vec<SearchResult> {
        let request = SearchContactsRequest {
            query: query.into(),
            page_size: 100,
            owner_id: self.book.clone(),
            ..SearchContactsRequest::default()
        };
        self.search(request).await.unwrap().results
    }

    /// The display names of a search's results.
    pub async fn found_names(&self, query: &str) -> Vec<String> {
        let found = self.found(query).await.into_iter();
        found
            .map(|result| result.contact.unwrap().display_name)
            .collect()
    }

    /// The display names of a search's exact results.
    pub async fn exact_names(&self, query: &str) -> Vec<String> {
        let found = self.found(query).await.into_iter();
        found
            .filter(|result| result.match_tier() <= MatchTier::Substring)
            .map(|result| result.contact.unwrap().display_name)
            .collect()
    }

    pub async fn birthdays(
        &self,
        mut request: ListUpcomingBirthdaysRequest,
    ) -> Result<ListUpcomingBirthdaysResponse, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().list_upcoming_birthdays(request).await?;
        Ok(answer.into_inner())
    }

    /// Every page of the birthdays.
    pub async fn birthdays_all(
        &self,
        mut request: ListUpcomingBirthdaysRequest,
    ) -> Vec<UpcomingBirthday> {
        let mut birthdays = Vec::new();
        loop {
            let page = self.birthdays(request.clone()).await.unwrap();
            birthdays.extend(page.birthdays);
            assert!(birthdays.len() < ENDLESS, "the list does not end");
            if page.next_page_token.is_empty() {
                return birthdays;
            }
            request.page_token = page.next_page_token;
        }
    }
}

pub fn field_mask(paths: &[&str]) -> FieldMask {
    FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    }
}
