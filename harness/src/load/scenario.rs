//! The calls of each scenario.

use std::sync::Arc;

use http::Uri;
use memchr::memmem;
use prost::Message;
use proto::auth::v1::{LogInRequest, RefreshTokenRequest, RefreshTokenResponse};
use proto::contacts::v1::{
    BatchCreateContactsResponse, FindDuplicatesRequest, GetContactRequest, GetContactStatsRequest,
    ListContactsRequest, ListLabelsRequest, ListUpcomingBirthdaysRequest, SearchContactsRequest,
    SyncContactsRequest,
};

use super::drive::{Caller, Load};
use super::grpc::{Connection, Failure};
use super::requests::{CHANGED, change, changes, created, creation, creations, deletions};
use super::world::{PASSWORD, World, bearer};
use crate::error::Result;
use crate::seed::plain_phone;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Scenario {
    /// A call that does nothing: the health check
    Empty,
    /// `GetContact` of a random contact
    Get,
    /// `ListContacts`, the first 50
    List50,
    /// `SearchContacts` by a part of a name
    Search,
    /// `SearchContacts` by the phone of one contact
    SearchOne,
    /// `ListUpcomingBirthdays` of a week
    Birthdays,
    /// `SyncContacts` of one change
    Sync,
    /// `FindDuplicates`, the first page
    Duplicates,
    /// `CreateContact`
    Create,
    /// `BatchCreateContacts` of 500
    BatchCreate,
    /// `UpdateContact` of a random contact
    Update,
    /// `BatchUpdateContacts` of 500 contacts, or of all if the user has fewer
    BatchUpdate,
    /// `BatchCreateContacts` of 500, and `BatchDeleteContacts` of the same
    BatchDelete,
    /// `GetContactStats`
    Stats,
    /// `ListLabels`
    Labels,
    /// Nine times `Get`, once `Update`
    Mixed,
    /// `LogIn`
    LogIn,
    /// `RefreshToken`, with a session per caller
    Refresh,
}

/// Typical search queries.
pub(super) const QUERIES: [&str; 8] = [
    "mar", "muller", "koval", "ann", "example", "lopez", "2025", "ann mar",
];

impl Scenario {
    /// The contacts of a batch.
    pub(super) const BATCH: u16 = 500;

    /// Its name on the command line.
    pub(super) fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self);
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it calls the auth service.
    pub(super) fn is_auth(self) -> bool {
        matches!(self, Self::LogIn | Self::Refresh)
    }
}

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const AUTH: &str = "/addressbook.auth.v1.AuthService/";
const CONTACTS: &str = "/addressbook.contacts.v1.ContactsService/";
const LABELS: &str = "/addressbook.contacts.v1.LabelsService/";

/// One caller of our services.
pub(super) struct Worker {
    world: Arc<World>,
    scenario: Scenario,
    connection: Connection,
    methods: [Uri; 2],
    random: fastrand::Rng,
    /// The user of the connection.
    user: usize,
    /// The e-mail of the user who logs in.
    email: String,
    refresh_token: String,
    /// A sync token that one change follows.
    sync_token: String,
}

/// The callers of a load, spread over its connections; each connection belongs to one
/// user, as with real devices.
pub(super) async fn workers(
    world: &Arc<World>,
    scenario: Scenario,
    load: Load,
) -> Result<Vec<Worker>> {
    let (mut workers, mut bearers) = (Vec::new(), Vec::new());
    let mut sync_tokens = Vec::new();
    if !scenario.is_auth() && scenario != Scenario::Empty {
        for user in world.users.iter().take(load.connections as usize) {
            let tokens = world.log_in(&user.email).await?;
            bearers.push(bearer(&tokens.access_token)?);
            if scenario == Scenario::Sync {
                sync_tokens.push(world.one_change_ago(user, &tokens.access_token).await?);
            }
        }
    }
    for connection in 0..load.connections {
        let user = connection as usize % world.users.len();
        let bearer = bearers.get(user).cloned();
        let opened = Connection::open(world.address(scenario), bearer).await?;
        for slot in 0..load.in_flight {
            let seed = u64::from(connection) << 32 | u64::from(slot);
            let mut worker = Worker::new(world, scenario, opened.clone(), user, seed).await?;
            if let Some(token) = sync_tokens.get(user) {
                worker.sync_token.clone_from(token);
            }
            if scenario == Scenario::LogIn {
                worker.email.clone_from(world.stranger(workers.len()));
            }
            workers.push(worker);
        }
    }
    Ok(workers)
}

impl Worker {
    async fn new(
        world: &Arc<World>,
        scenario: Scenario,
        connection: Connection,
        user: usize,
        seed: u64,
    ) -> Result<Self> {
        let refresh_token = if scenario == Scenario::Refresh {
            world.log_in(&world.users[user].email).await?.refresh_token
        } else {
            String::new()
        };
        let method = |service: &str, name: &str| {
            let path = format!("http://{}{service}{name}", world.address(scenario));
            path.parse::<Uri>().map_err(|_| Failure::Answer)
        };
        let second = match scenario {
            Scenario::BatchDelete => method(CONTACTS, "BatchDeleteContacts")?,
            _ => method(CONTACTS, "UpdateContact")?,
        };
        let first = match scenario {
            Scenario::Empty => method(HEALTH, "")?,
            Scenario::Get | Scenario::Mixed => method(CONTACTS, "GetContact")?,
            Scenario::List50 => method(CONTACTS, "ListContacts")?,
            Scenario::Search | Scenario::SearchOne => method(CONTACTS, "SearchContacts")?,
            Scenario::Birthdays => method(CONTACTS, "ListUpcomingBirthdays")?,
            Scenario::Sync => method(CONTACTS, "SyncContacts")?,
            Scenario::Duplicates => method(CONTACTS, "FindDuplicates")?,
            Scenario::Create => method(CONTACTS, "CreateContact")?,
            Scenario::BatchCreate | Scenario::BatchDelete => {
                method(CONTACTS, "BatchCreateContacts")?
            }
            Scenario::Update => second.clone(),
            Scenario::Stats => method(CONTACTS, "GetContactStats")?,
            Scenario::Labels => method(LABELS, "ListLabels")?,
            Scenario::BatchUpdate => method(CONTACTS, "BatchUpdateContacts")?,
            Scenario::LogIn => method(AUTH, "LogIn")?,
            Scenario::Refresh => method(AUTH, "RefreshToken")?,
        };
        Ok(Self {
            world: Arc::clone(world),
            scenario,
            connection,
            methods: [first, second],
            random: fastrand::Rng::with_seed(seed),
            user,
            email: String::new(),
            refresh_token,
            sync_token: String::new(),
        })
    }

    fn any_contact(&mut self) -> String {
        let contacts = &self.world.users[self.user].contacts;
        contacts[self.random.usize(..contacts.len())].clone()
    }

    /// Makes a call whose response must contain `expected`.
    async fn ask(
        &mut self,
        method: usize,
        message: &impl Message,
        expected: &str,
    ) -> Result<(), Failure> {
        let message = message.encode_to_vec();
        let answer = self
            .connection
            .call(&self.methods[method], &message)
            .await?;
        if memmem::find(&answer, expected.as_bytes()).is_some() {
            Ok(())
        } else {
            Err(Failure::Answer)
        }
    }

    async fn get(&mut self) -> Result<(), Failure> {
        let id = self.any_contact();
        let request = GetContactRequest {
            id: id.clone(),
            read_mask: None,
            ..GetContactRequest::default()
        };
        self.ask(0, &request, &id).await
    }

    async fn create(&mut self) -> Result<(), Failure> {
        let request = creation(&mut self.random);
        self.ask(0, &request, "urn:uuid:").await
    }

    async fn create_batch(&mut self) -> Result<(), Failure> {
        let request = creations(&mut self.random);
        self.ask(0, &request, "urn:uuid:").await
    }

    async fn delete_batch(&mut self) -> Result<(), Failure> {
        let request = creations(&mut self.random).encode_to_vec();
        let answer = self.connection.call(&self.methods[0], &request).await?;
        let made = BatchCreateContactsResponse::decode(answer).map_err(|_| Failure::Answer)?;
        let ids = made.results.into_iter().filter_map(created);
        self.ask(1, &deletions(ids), "urn:uuid:").await
    }

    async fn update(&mut self) -> Result<(), Failure> {
        let note = format!("note {}", self.random.u32(..));
        let request = change(self.any_contact(), &note);
        self.ask(1, &request, &note).await
    }

    async fn update_batch(&mut self) -> Result<(), Failure> {
        let note = format!("note {}", self.random.u32(..));
        let contacts = &self.world.users[self.user].contacts;
        let some = self
            .random
            .choose_multiple(contacts.iter(), Scenario::BATCH.into());
        let request = changes(some, &note);
        self.ask(0, &request, &note).await
    }

    async fn search(&mut self, query: &str, expected: &str) -> Result<(), Failure> {
        let request = SearchContactsRequest {
            query: query.to_owned(),
            ..SearchContactsRequest::default()
        };
        self.ask(0, &request, expected).await
    }

    async fn search_one(&mut self) -> Result<(), Failure> {
        let count = u32::try_from(self.world.users[self.user].contacts.len()).unwrap_or(u32::MAX);
        let phone = plain_phone(self.random.u32(..count));
        self.search(&phone, &phone).await
    }

    async fn sync(&mut self) -> Result<(), Failure> {
        let request = SyncContactsRequest {
            sync_token: self.sync_token.clone(),
            ..SyncContactsRequest::default()
        };
        self.ask(0, &request, CHANGED).await
    }

    async fn log_in(&mut self) -> Result<(), Failure> {
        let request = LogInRequest {
            email: self.email.clone(),
            password: PASSWORD.into(),
            client_label: "load".into(),
            ..LogInRequest::default()
        };
        self.ask(0, &request, "rt1_").await
    }

    async fn refresh(&mut self) -> Result<(), Failure> {
        let request = RefreshTokenRequest {
            refresh_token: std::mem::take(&mut self.refresh_token),
            ..RefreshTokenRequest::default()
        };
        let message = request.encode_to_vec();
        let answer = self.connection.call(&self.methods[0], &message).await?;
        let answer = RefreshTokenResponse::decode(answer).map_err(|_| Failure::Answer)?;
        self.refresh_token = answer.tokens.ok_or(Failure::Answer)?.refresh_token;
        Ok(())
    }
}

impl Caller for Worker {
    async fn call(&mut self) -> Result<(), Failure> {
        match self.scenario {
            Scenario::Empty => self.ask(0, &(), "").await,
            Scenario::Update => self.update().await,
            Scenario::Mixed if self.random.u8(..10) == 0 => self.update().await,
            Scenario::Get | Scenario::Mixed => self.get().await,
            Scenario::List50 => {
                let request = ListContactsRequest {
                    page_size: 50,
                    ..ListContactsRequest::default()
                };
                self.ask(0, &request, "urn:uuid:").await
            }
            Scenario::Search => {
                let query = QUERIES[self.random.usize(..QUERIES.len())];
                self.search(query, "").await
            }
            Scenario::SearchOne => self.search_one().await,
            Scenario::Sync => self.sync().await,
            Scenario::Duplicates => {
                let request = FindDuplicatesRequest::default();
                self.ask(0, &request, "").await
            }
            Scenario::Birthdays => {
                let request = ListUpcomingBirthdaysRequest::default();
                self.ask(0, &request, "").await
            }
            Scenario::Create => self.create().await,
            Scenario::BatchCreate => self.create_batch().await,
            Scenario::BatchUpdate => self.update_batch().await,
            Scenario::BatchDelete => self.delete_batch().await,
            Scenario::Stats => self.ask(0, &GetContactStatsRequest::default(), "").await,
            Scenario::Labels => self.ask(0, &ListLabelsRequest::default(), "").await,
            Scenario::LogIn => self.log_in().await,
            Scenario::Refresh => self.refresh().await,
        }
    }
}
