//! A copy of an owner's contacts, as a client keeps one. It panics if changes arrive out
//! of order.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{
    Contact, GetContactStatsRequest, GetContactStatsResponse, Label, PurgeContactsRequest,
    SyncContactsRequest, SyncContactsResponse, WatchContactsRequest, WatchContactsResponse,
};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use crate::owner::{Bearer, Owner};
use crate::refusal::reason;

/// What a client stores.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    pub contacts: BTreeMap<String, Contact>,
    pub labels: BTreeMap<String, Label>,
    pub token: String,
    /// The latest version received.
    version: i64,
}

impl Mirror {
    /// Applies a page; returns whether there are more.
    pub fn page(&mut self, page: SyncContactsResponse) -> bool {
        for id in page.deleted_ids {
            self.contacts.remove(&id);
        }
        for id in page.deleted_label_ids {
            self.labels.remove(&id);
        }
        for label in page.changed_labels {
            self.labels.insert(label.id.clone(), label);
        }
        for contact in page.changed {
            self.changed(contact);
        }
        let more = !page.next_page_token.is_empty();
        assert_ne!(more, !page.next_sync_token.is_empty(), "one of both tokens");
        self.token = if more {
            page.next_page_token
        } else {
            page.next_sync_token
        };
        more
    }

    /// Applies an event; returns whether it has caught up.
    pub fn event(&mut self, answer: WatchContactsResponse) -> bool {
        let event = answer.event.unwrap();
        let caught_up = matches!(event, Event::CaughtUp(_));
        match event {
            Event::Changed(contact) => self.changed(contact),
            Event::Deleted(id) => drop(self.contacts.remove(&id)),
            Event::LabelChanged(label) => drop(self.labels.insert(label.id.clone(), label)),
            Event::LabelDeleted(id) => drop(self.labels.remove(&id)),
            Event::CaughtUp(_) | Event::Heartbeat(_) => {}
        }
        self.token = answer.sync_token;
        caught_up
    }

    fn changed(&mut self, contact: Contact) {
        assert!(contact.version >= self.version, "told out of order");
        assert_eq!(contact.delete_time, None);
        self.version = contact.version;
        self.contacts.insert(contact.id.clone(), contact);
    }

    /// Syncs one page; returns whether there are more.
    pub async fn sync_page(&mut self, owner: &Owner, size: i32) -> bool {
        let page = owner.sync(&self.token, size).await;
        self.page(page.unwrap())
    }

    /// Syncs pages until there are no more.
    pub async fn sync(&mut self, owner: &Owner, size: i32) {
        while self.sync_page(owner, size).await {}
    }

    /// Reads a stream until it has caught up.
    pub async fn catch_up(&mut self, events: &mut Streaming<WatchContactsResponse>) {
        while !self.event(heard(events).await) {}
    }

    /// The contacts of the owner, as they are now.
    pub async fn of(owner: &Owner) -> Self {
        let mut mirror = Self::default();
        mirror.sync(owner, 0).await;
        mirror
    }

    /// Panics unless the copy equals the owner's lists of contacts and labels.
    pub async fn assert_same(&self, owner: &Owner) {
        let mut listed = BTreeMap::new();
        let mut request = proto::contacts::v1::ListContactsRequest {
            page_size: 500,
            ..Default::default()
        };
        loop {
            let page = owner.list(request.clone()).await.unwrap();
            let contacts = page.contacts.into_iter();
            listed.extend(contacts.map(|contact| (contact.id.clone(), contact)));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let of = |map: &BTreeMap<String, Contact>, other: &BTreeMap<String, Contact>| {
            let mut only = map.clone();
            only.retain(|id, contact| other.get(id) != Some(contact));
            only.into_keys().collect::<Vec<_>>()
        };
        let (stale, missing) = (of(&self.contacts, &listed), of(&listed, &self.contacts));
        assert_eq!((stale, missing), (vec![], vec![]));
        let labels = owner.labels(0).await.into_iter().map(|label| Label {
            contact_count: 0,
            ..label
        });
        let labels = labels.map(|label| (label.id.clone(), label));
        assert_eq!(self.labels, labels.collect());
    }
}

impl Owner {
    pub async fn sync(&self, token: &str, size: i32) -> Result<SyncContactsResponse, Status> {
        let request = SyncContactsRequest {
            sync_token: token.into(),
            page_size: size,
            owner_id: self.book.clone(),
            ..SyncContactsRequest::default()
        };
        self.sync_with(request).await
    }

    pub async fn sync_with(
        &self,
        mut request: SyncContactsRequest,
    ) -> Result<SyncContactsResponse, Status> {
        self.fill(&mut request.owner_id);
        Ok(self
            .client
            .clone()
            .sync_contacts(request)
            .await?
            .into_inner())
    }

    pub async fn watch(&self, token: &str) -> Result<Streaming<WatchContactsResponse>, Status> {
        let request = WatchContactsRequest {
            sync_token: token.into(),
            owner_id: self.book.clone(),
            ..WatchContactsRequest::default()
        };
        Ok(self
            .client
            .clone()
            .watch_contacts(request)
            .await?
            .into_inner())
    }

    pub async fn purge(&self, ids: &[&str]) -> Result<i64, Status> {
        let request = PurgeContactsRequest {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            all_deleted: false,
            owner_id: self.book.clone(),
        };
        self.purge_with(request).await
    }

    pub async fn purge_with(&self, mut request: PurgeContactsRequest) -> Result<i64, Status> {
        self.fill(&mut request.owner_id);
        let bearer = Bearer::of(&self.own_token);
        let mut client = ContactsServiceClient::with_interceptor(self.channel.clone(), bearer);
        let answer = client.purge_contacts(request).await?;
        Ok(answer.into_inner().purged_count)
    }

    pub async fn stats(&self) -> GetContactStatsResponse {
        let request = GetContactStatsRequest {
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().get_contact_stats(request).await;
        answer.unwrap().into_inner()
    }

    /// A contact of this owner that is deleted.
    pub async fn has_deleted(&self, contact: Contact) -> Contact {
        let id = self.has(contact).await.id;
        self.delete(&id).await.unwrap()
    }
}

/// The next event, within half a minute.
pub async fn heard(events: &mut Streaming<WatchContactsResponse>) -> WatchContactsResponse {
    let event = timeout(Duration::from_secs(30), events.message()).await;
    event.expect("an event in time").unwrap().expect("an event")
}

/// Panics unless the token is refused as expired.
pub async fn assert_expired(owner: &Owner, token: &str) {
    let refused = owner.sync(token, 0).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "SYNC_TOKEN_EXPIRED");
    let mut events = owner.watch(token).await.unwrap();
    let refused = events.message().await.unwrap_err();
    assert_eq!(reason(&refused), "SYNC_TOKEN_EXPIRED");
}
