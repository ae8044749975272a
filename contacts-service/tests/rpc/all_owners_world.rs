//! A user who reads the address books of several owners together.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

use fastrand::Rng;
use futures_util::future::BoxFuture;
use proto::contacts::v1::{
    Contact, ListContactsRequest, SearchContactsRequest, ShareRole, UpdateContactRequest,
};
use tonic::Status;
use uuid::Uuid;

use crate::app::App;
use crate::list_order::NAMES;
use crate::owner::Owner;
use crate::sample::{email, named};

/// Ids that contacts of several owners have.
const COMMON: [Uuid; 2] = [Uuid::from_u128(1 << 77), Uuid::max()];

/// A list of all owners' contacts.
pub fn of_all(order_by: &str) -> ListContactsRequest {
    ListContactsRequest {
        order_by: order_by.into(),
        all_owners: true,
        ..ListContactsRequest::default()
    }
}

/// A search of all owners' contacts.
pub fn in_all(query: &str) -> SearchContactsRequest {
    SearchContactsRequest {
        query: query.into(),
        all_owners: true,
        ..SearchContactsRequest::default()
    }
}

/// A contact of an owner, as it is when all are listed.
pub fn owned(contact: &Contact, owner: &Owner) -> Contact {
    Contact {
        owner_id: owner.user.to_string(),
        ..contact.clone()
    }
}

pub struct World {
    _app: App,
    pub clock: Arc<AtomicI64>,
    /// Reads the contacts, through each of two replicas.
    pub readers: [Owner; 2],
    /// The reader itself; who shares all contacts, one of them for editing; and who shares
    /// the label "Friends".
    pub owners: [Owner; 4],
    /// What the reader sees, deleted ones included.
    pub contacts: Vec<Contact>,
}

impl World {
    /// Four address books with few names, so that there are many ties. The clock is set
    /// back now and then.
    pub fn new(seed: u64) -> BoxFuture<'static, Self> {
        Box::pin(Self::of(seed))
    }

    async fn of(seed: u64) -> Self {
        let (app, clock) = App::at(1_700_000_000).await;
        let owners = [(); 4].map(|()| app.plain_owner());
        let reader = &owners[0];
        let other = app.owner_on(app.another_instance().await, reader.user);
        let mut world = Self {
            readers: [reader.clone(), other],
            _app: app,
            clock,
            owners,
            contacts: Vec::new(),
        };
        let mut random = Rng::with_seed(seed);
        for owner in &world.owners {
            owner.create_label("Friends").await.unwrap();
            let before = owner.has_deleted(contact(&mut random)).await;
            assert!(!before.id.is_empty());
        }
        world.share().await;
        for number in 0..120 {
            world.write(number, &mut random).await;
        }
        world
    }

    async fn share(&self) {
        let [reader, whole, edited, of_label] = &self.owners;
        whole.shares_with(reader, None, ShareRole::Reader).await;
        edited.shares_with(reader, None, ShareRole::Editor).await;
        let label = of_label.label("Friends").await;
        of_label
            .shares_with(reader, Some(&label), ShareRole::Editor)
            .await;
        // One contact has been seen by everybody who is asked.
        let label = edited.label("Friends").await;
        edited
            .shares_with(reader, Some(&label), ShareRole::Reader)
            .await;
    }

    async fn write(&mut self, number: usize, random: &mut Rng) {
        self.clock.fetch_add(random.i64(-2..4), SeqCst);
        let owner = &self.owners[number % 4];
        let id = COMMON.get(number / 8).map(Uuid::to_string);
        let mut contact = contact(random);
        let mut stored = match id.filter(|_| number % 8 < 4) {
            Some(id) => {
                let same = Contact {
                    id,
                    labels: vec!["Friends".into()],
                    ..named("Same", "Person")
                };
                let request = UpdateContactRequest {
                    contact: Some(same),
                    allow_missing: true,
                    ..UpdateContactRequest::default()
                };
                owner.update_with(request).await.unwrap()
            }
            None => owner.has(contact.clone()).await,
        };
        self.clock.fetch_add(random.i64(-2..4), SeqCst);
        match random.u8(..8) {
            0 | 1 => {
                contact.id.clone_from(&stored.id);
                contact.notes = "written again".into();
                stored = owner.update(contact, &["notes"]).await.unwrap();
            }
            2 => stored = owner.delete(&stored.id).await.unwrap(),
            _ => {}
        }
        self.contacts.extend(self.seen(stored, number % 4));
    }

    /// A contact of the number-th owner as the reader sees it, if it does.
    fn seen(&self, mut contact: Contact, number: usize) -> Option<Contact> {
        if number == 3 {
            contact.labels.retain(|label| label == "Friends");
            if contact.labels.is_empty() {
                return None;
            }
        }
        Some(owned(&contact, &self.owners[number]))
    }

    /// Every page of a list, each through another replica.
    pub async fn list_all(&self, mut request: ListContactsRequest) -> Result<Vec<Contact>, Status> {
        let mut contacts = Vec::new();
        for number in 0.. {
            let page = self.readers[number % 2].list(request.clone()).await?;
            assert!(!page.contacts.is_empty() || number == 0);
            contacts.extend(page.contacts);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        Ok(contacts)
    }
}

fn contact(random: &mut Rng) -> Contact {
    let mut name = || *random.choice(&NAMES).unwrap();
    let (given, family) = (name(), name());
    let labels = ["Friends", "Work"].into_iter();
    Contact {
        emails: vec![email(&format!("{}@example.com", random.u32(..9)))],
        labels: labels
            .filter(|_| random.bool())
            .map(str::to_owned)
            .collect(),
        starred: random.bool(),
        ..named(given, family)
    }
}
