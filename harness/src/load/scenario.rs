//! What a load does, call by call.

use std::sync::Arc;

use proto::auth::v1::RefreshTokenRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{
    Contact, CreateContactRequest, GetContactRequest, ListContactsRequest,
    ListUpcomingBirthdaysRequest, SearchContactsRequest, UpdateContactRequest,
};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::world::{User, World, log_in};
use crate::error::Result;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// `GetContact` of a random contact
    Get,
    /// `ListContacts`, the first 50
    List50,
    /// `SearchContacts` by a part of a name
    Search,
    /// `ListUpcomingBirthdays` of a week
    Birthdays,
    /// `CreateContact`
    Create,
    /// `UpdateContact` of a random contact
    Update,
    /// Nine times `Get`, once `Update`
    Mixed,
    /// `LogIn`
    LogIn,
    /// `RefreshToken`, each worker its own session
    Refresh,
}

/// What people type into a search.
const QUERIES: [&str; 8] = [
    "mar", "muller", "koval", "ann", "example", "lopez", "2025", "an ma",
];

/// One caller: works through calls one after the other.
pub(super) struct Worker {
    world: Arc<World>,
    scenario: Scenario,
    auth: AuthServiceClient<Channel>,
    contacts: ContactsServiceClient<Channel>,
    random: fastrand::Rng,
    refresh_token: String,
}

impl Worker {
    /// A caller on the given connections; `seed` tells it from the others.
    pub(super) async fn new(
        world: Arc<World>,
        scenario: Scenario,
        (auth, contacts): (Channel, Channel),
        seed: u64,
    ) -> Result<Self> {
        let mut auth = AuthServiceClient::new(auth);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut refresh_token = String::new();
        if scenario == Scenario::Refresh {
            let user = random.usize(..world.users.len());
            refresh_token = log_in(&mut auth, &world.users[user].email)
                .await?
                .refresh_token;
        }
        Ok(Self {
            scenario,
            auth,
            contacts: ContactsServiceClient::new(contacts),
            random,
            refresh_token,
            world,
        })
    }

    /// Makes one call.
    pub(super) async fn call(&mut self) -> Result<(), Status> {
        let world = Arc::clone(&self.world);
        let user = &world.users[self.random.usize(..world.users.len())];
        match self.scenario {
            Scenario::Update => self.update(user).await,
            Scenario::Mixed if self.random.u8(..10) == 0 => self.update(user).await,
            Scenario::Get | Scenario::Mixed => self.get(user).await,
            Scenario::List50 => self.list(user).await,
            Scenario::Search => self.search(user).await,
            Scenario::Birthdays => self.birthdays(user).await,
            Scenario::Create => self.create(user).await,
            Scenario::LogIn => log_in(&mut self.auth, &user.email).await.map(drop),
            Scenario::Refresh => self.refresh().await,
        }
    }

    async fn get(&mut self, user: &User) -> Result<(), Status> {
        let request = GetContactRequest {
            id: self.any_contact(user),
            read_mask: None,
        };
        self.contacts
            .get_contact(signed(user, request))
            .await
            .map(drop)
    }

    async fn list(&mut self, user: &User) -> Result<(), Status> {
        let request = ListContactsRequest {
            page_size: 50,
            ..ListContactsRequest::default()
        };
        self.contacts
            .list_contacts(signed(user, request))
            .await
            .map(drop)
    }

    async fn search(&mut self, user: &User) -> Result<(), Status> {
        let request = SearchContactsRequest {
            query: QUERIES[self.random.usize(..QUERIES.len())].to_owned(),
            ..SearchContactsRequest::default()
        };
        self.contacts
            .search_contacts(signed(user, request))
            .await
            .map(drop)
    }

    async fn birthdays(&mut self, user: &User) -> Result<(), Status> {
        let request = ListUpcomingBirthdaysRequest::default();
        self.contacts
            .list_upcoming_birthdays(signed(user, request))
            .await
            .map(drop)
    }

    async fn create(&mut self, user: &User) -> Result<(), Status> {
        let request = CreateContactRequest {
            contact: Some(Contact {
                given_name: format!("Given {}", self.random.u32(..)),
                family_name: format!("Family {}", self.random.u32(..)),
                ..Contact::default()
            }),
            ..CreateContactRequest::default()
        };
        self.contacts
            .create_contact(signed(user, request))
            .await
            .map(drop)
    }

    async fn update(&mut self, user: &User) -> Result<(), Status> {
        let request = UpdateContactRequest {
            contact: Some(Contact {
                id: self.any_contact(user),
                notes: format!("note {}", self.random.u32(..)),
                ..Contact::default()
            }),
            ..UpdateContactRequest::default()
        };
        self.contacts
            .update_contact(signed(user, request))
            .await
            .map(drop)
    }

    async fn refresh(&mut self) -> Result<(), Status> {
        let request = RefreshTokenRequest {
            refresh_token: self.refresh_token.clone(),
            request_id: String::new(),
        };
        let answer = self.auth.refresh_token(request).await?.into_inner();
        self.refresh_token = answer
            .tokens
            .map(|tokens| tokens.refresh_token)
            .unwrap_or_default();
        Ok(())
    }

    fn any_contact(&mut self, user: &User) -> String {
        user.contacts[self.random.usize(..user.contacts.len())].clone()
    }
}

fn signed<T>(user: &User, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", user.bearer.clone());
    request
}
