//! The users and contacts that a load works on, and where the services are.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use http::HeaderValue;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{
    LogInRequest, RequestPasswordResetRequest, SendEmailVerificationRequest, SignUpRequest,
    SignUpResponse, TokenPair, log_in_response,
};
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::import_contacts_response::Event;
use proto::contacts::v1::{
    BatchCreateContactsRequest, CreateContactRequest, ExportContactsRequest, SearchContactsRequest,
    SyncContactsRequest,
};
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::files;
use super::requests::{created, telling};
use super::scenario::{QUERIES, Scenario};
use crate::clock;
use crate::error::{Error, Result};
use crate::seed::plain;

pub(super) const PASSWORD: &str = "the otter naps at noon";

/// How often a log-in is tried.
const TRIES: u32 = 500;

/// Users who only log in: twice the default number of callers.
const STRANGERS: usize = 64;

/// The number of concurrent sign-ups.
const IN_FLIGHT: usize = 8;

/// Where a pair of services listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) auth: SocketAddr,
    pub(super) contacts: SocketAddr,
}

/// One user with an address book.
#[derive(Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: String,
    /// Ids of its contacts.
    pub(super) contacts: Vec<String>,
}

/// A mail that anybody can request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Reset,
    Verification,
}

/// All users, and the services that serve them.
#[derive(Clone)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    /// E-mails of users who only log in; for the same e-mail only a few log-ins may run
    /// at a time.
    strangers: Vec<String>,
    pub(super) at: Addresses,
}

impl World {
    /// Creates users with so many contacts each, through the API.
    pub(super) async fn fill(at: Addresses, owners: u32, contacts: u32) -> Result<Self> {
        let mut world = Self {
            users: Vec::new(),
            strangers: Vec::new(),
            at,
        };
        world.meet_strangers(STRANGERS).await?;
        for _ in 0..owners {
            world.users.push(world.sign_up(contacts).await?);
        }
        Ok(world)
    }

    /// The same services with other users.
    pub(super) fn of(&self, users: Vec<User>) -> Self {
        Self {
            users,
            ..self.clone()
        }
    }

    /// The same users with other services on the same database.
    pub(super) fn behind(&self, at: Addresses) -> Self {
        Self { at, ..self.clone() }
    }

    pub(super) fn address(&self, scenario: Scenario) -> SocketAddr {
        if scenario.is_auth() {
            self.at.auth
        } else {
            self.at.contacts
        }
    }

    /// Creates users who only log in, until there are so many.
    pub(super) async fn meet_strangers(&mut self, count: usize) -> Result<()> {
        let auth = AuthServiceClient::new(channel(self.at.auth).await?);
        let missing = count.saturating_sub(self.strangers.len());
        let made = stream::iter(0..missing).map(|_| {
            let (mut auth, email) = (auth.clone(), new_email());
            async move {
                sign_up(&mut auth, &email).await?;
                Ok::<_, Error>(email)
            }
        });
        let made: Vec<_> = made.buffer_unordered(IN_FLIGHT).try_collect().await?;
        self.strangers.extend(made);
        Ok(())
    }

    /// The e-mail of one of them.
    pub(super) fn stranger(&self, number: usize) -> &String {
        &self.strangers[number % self.strangers.len()]
    }

    /// Creates a new user.
    pub(super) async fn sign_up(&self, contacts: u32) -> Result<User> {
        let email = new_email();
        let mut auth = AuthServiceClient::new(channel(self.at.auth).await?);
        let answer = sign_up(&mut auth, &email).await?;
        let tokens = self.log_in(&email).await?;
        Ok(User {
            id: answer.user.unwrap_or_default().id,
            contacts: self.create(contacts, &tokens.access_token).await?,
            email,
        })
    }

    /// Tries a wrong password; returns how long the refusal took.
    pub(super) async fn guess(&self, email: &str) -> Result<Duration> {
        let mut auth = AuthServiceClient::new(channel(self.at.auth).await?);
        let request = LogInRequest {
            email: email.to_owned(),
            password: "not-the-password".into(),
            ..LogInRequest::default()
        };
        let began = Instant::now();
        match auth.log_in(request).await {
            Err(status) if status.code() == Code::Unauthenticated => Ok(began.elapsed()),
            Err(status) => Err(status.into()),
            Ok(_) => Err(Status::internal("a wrong password was right").into()),
        }
    }

    /// Searches the address book of a user; returns how long the response took.
    pub(super) async fn search(&self, access_token: &str) -> Result<Duration> {
        let mut contacts = ContactsServiceClient::new(channel(self.at.contacts).await?);
        let mut request = Request::new(SearchContactsRequest {
            query: QUERIES[0].to_owned(),
            ..SearchContactsRequest::default()
        });
        sign(&mut request, &bearer(access_token)?);
        let began = Instant::now();
        contacts.search_contacts(request).await?;
        Ok(began.elapsed())
    }

    /// Imports a file into the address book of a user; returns how long that took.
    pub(super) async fn import(&self, access_token: &str, file: Vec<u8>) -> Result<Duration> {
        let mut contacts = ContactsServiceClient::new(channel(self.at.contacts).await?);
        let mut request = Request::new(stream::iter(files::import(&file)));
        sign(&mut request, &bearer(access_token)?);
        let began = Instant::now();
        let mut answers = contacts.import_contacts(request).await?.into_inner();
        while let Some(answer) = answers.message().await? {
            if let Some(Event::Summary(summary)) = answer.event
                && summary.failed > 0
            {
                return Err(Status::internal("a card was refused").into());
            }
        }
        Ok(began.elapsed())
    }

    /// Exports the address book of a user as vCards; returns how long that took.
    pub(super) async fn export(&self, access_token: &str) -> Result<Duration> {
        let mut contacts = ContactsServiceClient::new(channel(self.at.contacts).await?);
        let mut request = Request::new(ExportContactsRequest::default());
        sign(&mut request, &bearer(access_token)?);
        let began = Instant::now();
        let mut pieces = contacts.export_contacts(request).await?.into_inner();
        while pieces.message().await?.is_some() {}
        Ok(began.elapsed())
    }

    /// Requests a mail from an address of this machine; returns how long the response
    /// took.
    pub(super) async fn ask_for_mail(
        &self,
        asked: Asked,
        email: &str,
        from: IpAddr,
    ) -> Result<Duration> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.at.auth))?;
        let channel = endpoint.local_address(Some(from)).connect().await?;
        let (mut auth, email) = (AuthServiceClient::new(channel), email.to_owned());
        let began = Instant::now();
        match asked {
            Asked::Reset => {
                let request = RequestPasswordResetRequest { email };
                auth.request_password_reset(request).await?;
            }
            Asked::Verification => {
                let request = SendEmailVerificationRequest { email };
                auth.send_email_verification(request).await?;
            }
        }
        Ok(began.elapsed())
    }

    /// Tokens for one of the users.
    pub(super) async fn log_in(&self, email: &str) -> Result<TokenPair> {
        let request = LogInRequest {
            email: email.to_owned(),
            password: PASSWORD.into(),
            client_label: "load".into(),
            ..LogInRequest::default()
        };
        let mut auth = AuthServiceClient::new(channel(self.at.auth).await?);
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            match auth.log_in(request.clone()).await {
                // Retried, because others log in at the same time, which may be what is
                // measured.
                Err(status) if status.code() == Code::ResourceExhausted && tries < TRIES => {
                    sleep(Duration::from_millis(20)).await;
                }
                answer => break answer?.into_inner(),
            }
        };
        match answer.result {
            Some(log_in_response::Result::Tokens(tokens)) => Ok(tokens),
            _ => Err(Status::failed_precondition("the user has a second factor").into()),
        }
    }

    /// Changes one contact of a user; returns a sync token from before the change.
    pub(super) async fn one_change_ago(&self, user: &User, access_token: &str) -> Result<String> {
        let mut contacts = ContactsServiceClient::new(channel(self.at.contacts).await?);
        let bearer = bearer(access_token)?;
        let mut sync = SyncContactsRequest {
            page_size: 500,
            ..SyncContactsRequest::default()
        };
        let token = loop {
            let mut request = Request::new(sync.clone());
            sign(&mut request, &bearer);
            let page = contacts.sync_contacts(request).await?.into_inner();
            if page.next_page_token.is_empty() {
                break page.next_sync_token;
            }
            sync.page_token = page.next_page_token;
        };
        let mut request = Request::new(telling(&user.contacts[0]));
        sign(&mut request, &bearer);
        contacts.update_contact(request).await?;
        Ok(token)
    }

    async fn create(&self, count: u32, access_token: &str) -> Result<Vec<String>> {
        let mut contacts = ContactsServiceClient::new(channel(self.at.contacts).await?);
        let (bearer, today) = (bearer(access_token)?, clock::today());
        let mut requests = (0..count).map(|number| CreateContactRequest {
            contact: Some(plain(number, today)),
            ..CreateContactRequest::default()
        });
        let mut ids = Vec::new();
        loop {
            let batch: Vec<_> = requests.by_ref().take(Scenario::BATCH.into()).collect();
            if batch.is_empty() {
                return Ok(ids);
            }
            let mut request = Request::new(BatchCreateContactsRequest {
                requests: batch,
                ..BatchCreateContactsRequest::default()
            });
            sign(&mut request, &bearer);
            let answer = contacts.batch_create_contacts(request).await?.into_inner();
            ids.extend(answer.results.into_iter().filter_map(created));
        }
    }
}

pub(super) fn new_email() -> String {
    format!("load-{:016x}@example.com", fastrand::u64(..))
}

/// Retried, because the machine may be too busy to hash so many passwords.
async fn sign_up(auth: &mut AuthServiceClient<Channel>, email: &str) -> Result<SignUpResponse> {
    let mut tries = 0;
    loop {
        tries += 1;
        let request = SignUpRequest {
            email: email.to_owned(),
            password: PASSWORD.into(),
            ..SignUpRequest::default()
        };
        match auth.sign_up(request).await {
            Err(status) if status.code() == Code::ResourceExhausted && tries < TRIES => {
                sleep(Duration::from_millis(20)).await;
            }
            answer => return Ok(answer?.into_inner()),
        }
    }
}

async fn channel(address: SocketAddr) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    Ok(endpoint.connect().await?)
}

/// The `authorization` entry for an access token.
pub(super) fn bearer(access_token: &str) -> Result<HeaderValue> {
    let bearer = HeaderValue::try_from(format!("Bearer {access_token}"));
    Ok(bearer.map_err(|_| Status::internal("the access token cannot be sent as a header"))?)
}

fn sign<T>(request: &mut Request<T>, bearer: &HeaderValue) {
    let mut headers = std::mem::take(request.metadata_mut()).into_headers();
    headers.insert("authorization", bearer.clone());
    *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
}
