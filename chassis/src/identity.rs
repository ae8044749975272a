//! Asks the auth service who a caller is, with the caller's own token: a service
//! that may do so for anyone else is not needed.

use std::time::Duration;

use proto::auth::v1::GetMeRequest;
use proto::auth::v1::account_service_client::AccountServiceClient;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::caller::Caller;
use crate::email::Email;
use crate::program::in_time;
use crate::upstream::Upstream;

/// Why it is not known who a caller is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It refuses the call: the token is not good any more, the account is disabled,
    /// or too many ask. The answer says it.
    #[error("the auth service refuses the call")]
    Refused(Status),
    /// It does not answer, or not as it should.
    #[error("the auth service does not say who calls")]
    Unavailable(#[source] Status),
}

/// The accounts, as users see their own.
#[derive(Clone)]
pub struct Identities(AccountServiceClient<Channel>);

impl Identities {
    /// Asks `auth`.
    #[must_use]
    pub fn new(auth: &Upstream) -> Self {
        let channel = auth.channel(|endpoint| endpoint.connect_timeout(Duration::from_secs(2)));
        Self(AccountServiceClient::new(channel))
    }

    /// The address of the caller, whose call has this metadata, where it has one that
    /// is verified. Programs have none.
    pub async fn verified_email(
        &self,
        caller: &Caller,
        metadata: &MetadataMap,
    ) -> Result<Option<Email>, IdentityError> {
        if caller.session_id.is_none() {
            return Ok(None);
        }
        let mut request = Request::new(GetMeRequest {});
        if let Some(token) = metadata.get("authorization") {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        let mut account = self.0.clone();
        let user = match in_time(account.get_me(request)).await {
            Ok(answer) => answer.into_inner().user.unwrap_or_default(),
            Err(status) => match status.code() {
                Code::Unauthenticated | Code::PermissionDenied | Code::ResourceExhausted => {
                    return Err(IdentityError::Refused(status));
                }
                _ => return Err(IdentityError::Unavailable(status)),
            },
        };
        if !user.email_verified {
            return Ok(None);
        }
        let email = Email::parse(&user.email).map_err(|problem| {
            IdentityError::Unavailable(Status::internal(format!("the address {problem}")))
        })?;
        Ok(Some(email))
    }
}
