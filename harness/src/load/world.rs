//! The users and contacts that a load works on.

use futures_util::{StreamExt, TryStreamExt, stream};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LogInRequest, SignUpRequest, TokenPair, log_in_response};
use proto::contacts::v1::CreateContactRequest;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::clock;
use crate::config::LoadConfig;
use crate::error::Result;
use crate::seed::contact;

const PASSWORD: &str = "the otter naps at noon";

/// Calls at a time while contacts are made.
const IN_FLIGHT: usize = 32;

/// One user with an address book.
pub(super) struct User {
    pub(super) email: String,
    pub(super) bearer: MetadataValue<Ascii>,
    /// Ids of its contacts.
    pub(super) contacts: Vec<String>,
}

/// All users, and where the services are.
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) auth_url: String,
    pub(super) contacts_url: String,
}

impl World {
    /// Makes the users and their contacts, through the API.
    pub(super) async fn fill(
        config: &LoadConfig,
        auth_url: String,
        contacts_url: String,
    ) -> Result<Self> {
        let mut world = Self {
            users: Vec::new(),
            auth_url,
            contacts_url,
        };
        let mut auth = AuthServiceClient::new(world.auth_channel().await?);
        for number in 0..config.owners {
            let email = format!("load-{number}@example.com");
            auth.sign_up(SignUpRequest {
                email: email.clone(),
                password: PASSWORD.into(),
                ..SignUpRequest::default()
            })
            .await?;
            let tokens = log_in(&mut auth, &email).await?;
            let bearer = bearer(&tokens.access_token)?;
            world.users.push(User {
                contacts: world.create(config.contacts, &bearer).await?,
                email,
                bearer,
            });
        }
        Ok(world)
    }

    pub(super) async fn auth_channel(&self) -> Result<Channel> {
        Ok(Endpoint::from_shared(self.auth_url.clone())?
            .connect()
            .await?)
    }

    pub(super) async fn contacts_channel(&self) -> Result<Channel> {
        Ok(Endpoint::from_shared(self.contacts_url.clone())?
            .connect()
            .await?)
    }

    async fn create(&self, count: u32, bearer: &MetadataValue<Ascii>) -> Result<Vec<String>> {
        let client = ContactsServiceClient::new(self.contacts_channel().await?);
        let today = clock::today();
        let created = stream::iter(0..count).map(|number| {
            let mut client = client.clone();
            let mut request = Request::new(CreateContactRequest {
                contact: Some(contact(number, today)),
                ..CreateContactRequest::default()
            });
            request
                .metadata_mut()
                .insert("authorization", Clone::clone(bearer));
            async move {
                let created = client.create_contact(request).await?.into_inner();
                Ok(created.contact.unwrap_or_default().id)
            }
        });
        created.buffer_unordered(IN_FLIGHT).try_collect().await
    }
}

/// Tokens for one of the world's users.
pub(super) async fn log_in(
    auth: &mut AuthServiceClient<Channel>,
    email: &str,
) -> Result<TokenPair, Status> {
    let request = LogInRequest {
        email: email.to_owned(),
        password: PASSWORD.into(),
        client_label: "load".into(),
    };
    match auth.log_in(request).await?.into_inner().result {
        Some(log_in_response::Result::Tokens(tokens)) => Ok(tokens),
        _ => Err(Status::failed_precondition("a second factor is asked for")),
    }
}

fn bearer(access_token: &str) -> Result<MetadataValue<Ascii>, Status> {
    let bearer = format!("Bearer {access_token}").parse();
    bearer.map_err(|_| Status::internal("the access token is no header"))
}
