//! Makes a demo user with a full address book, through the public API.

mod contact;
mod names;
mod phones;
mod plain;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LogInRequest, SignUpRequest, log_in_response};
use proto::contacts::v1::CreateContactRequest;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

pub use self::contact::contact;
pub use self::plain::{plain, plain_phone};
use crate::clock;
use crate::error::{Error, Result};
use crate::keys;

const EMAIL: &str = "demo@example.com";

/// Concurrent calls.
const IN_FLIGHT: usize = 16;

/// The number of attempts, for a service that is being restarted.
const TRIES: u32 = 6;

/// Where to put the data.
#[derive(Debug)]
pub struct Target {
    /// The auth service.
    pub auth_url: String,
    /// The contacts service.
    pub contacts_url: String,
    /// The file with the demo user's password.
    pub password_file: PathBuf,
}

/// The created data.
#[derive(Debug)]
pub struct Demo {
    /// The user.
    pub email: &'static str,
    /// Its password.
    pub password: String,
    /// The number of contacts that exist at least.
    pub contacts: u32,
}

/// Creates the demo user unless it exists, and those of its first `count` contacts that
/// are missing.
pub async fn run(target: &Target, count: u32) -> Result<Demo> {
    let password = keys::ensure_password(&target.password_file)?;
    let token = access_token(target, &password).await?;
    let client = ContactsServiceClient::connect(target.contacts_url.clone()).await?;
    let today = clock::today();

    stream::iter(0..count)
        .map(|number| {
            let request = CreateContactRequest {
                contact: Some(contact(number, today)),
                // Upcoming birthdays depend on the day.
                request_id: format!("demo-{today}-{number}"),
                ..CreateContactRequest::default()
            };
            create(client.clone(), token.clone(), request)
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    Ok(Demo {
        email: EMAIL,
        password,
        contacts: count,
    })
}

async fn access_token(target: &Target, password: &str) -> Result<String> {
    let mut client = AuthServiceClient::connect(target.auth_url.clone()).await?;
    let sign_up = SignUpRequest {
        email: EMAIL.to_owned(),
        password: password.to_owned(),
        display_name: "Demo".to_owned(),
        request_id: String::new(),
    };
    let log_in_anyway = [Code::AlreadyExists, Code::FailedPrecondition];
    match client.sign_up(sign_up).await {
        Err(status) if !log_in_anyway.contains(&status.code()) => return Err(status.into()),
        _ => {}
    }
    let log_in = LogInRequest {
        email: EMAIL.to_owned(),
        password: password.to_owned(),
        client_label: "cargo dev --seed".to_owned(),
        ..LogInRequest::default()
    };
    let answer = match client.log_in(log_in).await {
        Err(status) if status.code() == Code::Unauthenticated => {
            return Err(Error::DemoPassword(target.password_file.clone()));
        }
        answer => answer?.into_inner(),
    };
    match answer.result {
        Some(log_in_response::Result::Tokens(tokens)) => Ok(tokens.access_token),
        _ => Err(Status::failed_precondition("the demo user has a second factor").into()),
    }
}

/// Creates the contact unless it exists.
async fn create(
    mut client: ContactsServiceClient<Channel>,
    token: String,
    message: CreateContactRequest,
) -> Result<()> {
    let bearer = format!("Bearer {token}")
        .parse()
        .map_err(|_| Status::internal("the access token cannot be sent as a header"))?;
    let mut tries = 0;
    loop {
        let mut request = Request::new(message.clone());
        request
            .metadata_mut()
            .insert("authorization", Clone::clone(&bearer));
        tries += 1;
        match client.create_contact(request).await {
            Ok(_) => return Ok(()),
            // A run on another day created it with the same uid.
            Err(status) if status.code() == Code::AlreadyExists => return Ok(()),
            Err(status) if status.code() == Code::Unavailable && tries < TRIES => {
                sleep(Duration::from_millis(100) * 2u32.pow(tries)).await;
            }
            Err(status) => return Err(status.into()),
        }
    }
}
