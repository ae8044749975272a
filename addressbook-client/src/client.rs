//! The clients of both services.

use std::sync::Arc;

use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::labels_service_client::LabelsServiceClient;
use proto::contacts::v1::shares_service_client::SharesServiceClient;

use crate::error::Error;
use crate::retry::Policy;
use crate::servers::Servers;
use crate::session::{AccessToken, Session};
use crate::store::Store;
use crate::transport::Transport;

/// The clients of both services for one profile. Clones share its connections and tokens.
///
/// A call through one of the generated clients gets the access token, which is refreshed
/// before it expires or when a server refuses it as expired: by one task, which all calls
/// wait for, and by one program at a time if the profile is in a file.
///
/// A call that fails because a server is unreachable, or that a server asks to repeat, is
/// repeated as [`Policy`] says if that cannot do harm: the protos call it idempotent, or its
/// message has a `request_id`. Each attempt of a call with one response has a deadline of 30
/// seconds, unless the request sets another.
///
/// If the program records traces with OpenTelemetry and has set a propagator, each call
/// names the span of the current context as its parent.
///
/// The errors of the clients become an [`Error`] by `?`.
#[derive(Clone)]
pub struct Client {
    auth: Transport,
    contacts: Transport,
    session: Arc<Session>,
    policy: Policy,
}

impl Client {
    /// A client of these servers with the credentials of a store. It connects when it makes
    /// the first call.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::Kind::Invalid) if a URL is invalid, or would send secrets in
    /// clear; [`Kind::Local`](crate::Kind::Local) if the CA file cannot be read.
    pub fn new(servers: &Servers, store: Store) -> Result<Self, Error> {
        Self::with_policy(servers, store, Policy::default())
    }

    /// The same, with another policy for repetitions.
    ///
    /// # Errors
    ///
    /// Those of [`Client::new`].
    pub fn with_policy(servers: &Servers, store: Store, policy: Policy) -> Result<Self, Error> {
        let [auth, contacts] = servers.channels()?;
        let auth = Transport::new(auth, &servers.auth, policy);
        let client = AuthServiceClient::new(auth.clone());
        let session = Session::new(servers.clone(), client, store);
        Ok(Self {
            contacts: Transport::new(contacts, &servers.contacts, policy).with(&session),
            auth,
            session,
            policy,
        })
    }

    /// An access token for calls that this client does not make.
    ///
    /// # Errors
    ///
    /// [`Kind::Unauthenticated`](crate::Kind::Unauthenticated) if nobody is logged in, or
    /// the session has ended.
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        self.session.token().await
    }

    /// Sign-up and mailed tokens, without an access token. [`Client::log_in`] stores what
    /// a log-in returns.
    #[must_use]
    pub fn auth(&self) -> AuthServiceClient<Transport> {
        AuthServiceClient::new(self.auth.clone())
    }

    /// The same methods, called with an access token. `VerifyEmail` then keeps the password;
    /// without one, the account goes to whoever reads the mail.
    #[must_use]
    pub fn auth_as_user(&self) -> AuthServiceClient<Transport> {
        AuthServiceClient::new(self.auth.with(&self.session))
    }

    /// The user's account and sessions.
    #[must_use]
    pub fn account(&self) -> AccountServiceClient<Transport> {
        AccountServiceClient::new(self.auth.with(&self.session))
    }

    /// Contacts.
    #[must_use]
    pub fn contacts(&self) -> ContactsServiceClient<Transport> {
        ContactsServiceClient::new(self.contacts.clone())
    }

    /// Labels of contacts.
    #[must_use]
    pub fn labels(&self) -> LabelsServiceClient<Transport> {
        LabelsServiceClient::new(self.contacts.clone())
    }

    /// Address books that are shared.
    #[must_use]
    pub fn shares(&self) -> SharesServiceClient<Transport> {
        SharesServiceClient::new(self.contacts.clone())
    }

    pub(crate) fn account_without_token(&self) -> AccountServiceClient<Transport> {
        AccountServiceClient::new(self.auth.clone())
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// When calls are repeated, those of streams included.
    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }
}
