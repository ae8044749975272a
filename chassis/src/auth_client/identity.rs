//! Asks the auth service for a caller's e-mail, and to tell others what the caller shares
//! with them, with the caller's own token: so this service needs no right to look up other
//! users. If the auth service knows this service,
//! it counts the call for the caller's address instead of ours.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::{GetMeRequest, SendShareNoticeRequest};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};

use crate::access::caller::Caller;
use crate::access::client_address::TrustedProxies;
use crate::access::passed_on::{CLIENT, PROGRAM};
use crate::auth_client::program::{Credentials, Program, ProgramToken, in_time};
use crate::auth_client::upstream::Upstream;
use crate::email::Email;
use crate::trace::channel::TracedChannel;

type AsciiValue = MetadataValue<Ascii>;

/// Why a caller's e-mail is not known.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The auth service refuses the call: the token is no longer valid, the account is
    /// disabled, or a limit is exceeded. Its error is passed on.
    #[error("the auth service refuses the call")]
    Refused(Status),
    /// The auth service does not respond, or not correctly.
    #[error("the auth service did not return the caller")]
    Unavailable(#[source] Status),
}

/// The client of `AccountService`.
#[derive(Clone)]
pub struct Identities {
    account: AccountServiceClient<TracedChannel>,
    program: Option<Arc<ProgramToken>>,
    proxies: TrustedProxies,
}

/// The data of a user's call that the auth service needs.
#[derive(Clone, Debug)]
pub struct UserCall {
    authorization: Option<AsciiValue>,
    address: Option<IpAddr>,
}

impl Identities {
    /// Calls `auth`, optionally with these credentials. Clients may come through these
    /// proxies.
    #[must_use]
    pub fn new(auth: &Upstream, credentials: Option<Credentials>, proxies: TrustedProxies) -> Self {
        let channel = auth.channel(|endpoint| endpoint.connect_timeout(Duration::from_secs(2)));
        let token = |credentials| Arc::new(ProgramToken::new(Program::new(auth, credentials)));
        Self {
            account: AccountServiceClient::new(TracedChannel(channel)),
            program: credentials.map(token),
            proxies,
        }
    }

    /// Reads the token and the client address of a call.
    pub fn call<T>(&self, request: Request<T>) -> (UserCall, T) {
        let call = UserCall {
            authorization: request.metadata().get("authorization").cloned(),
            address: self.proxies.client_address(&request),
        };
        (call, request.into_inner())
    }

    /// The e-mail of the caller, if it is verified. Programs have none.
    pub async fn verified_email(
        &self,
        caller: &Caller,
        call: &UserCall,
    ) -> Result<Option<Email>, IdentityError> {
        if caller.session_id.is_none() {
            return Ok(None);
        }
        let request = self.of_caller(call, GetMeRequest {}).await;
        let mut account = self.account.clone();
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

    /// Has an address told that the caller offers it contacts. An error is logged only: the
    /// recipient finds the offer without the mail, too.
    pub async fn announce_share(&self, call: &UserCall, recipient: &Email) {
        let notice = SendShareNoticeRequest {
            recipient_email: recipient.as_str().to_owned(),
        };
        let request = self.of_caller(call, notice).await;
        let mut account = self.account.clone();
        if let Err(status) = in_time(account.send_share_notice(request)).await {
            let error = &status as &dyn std::error::Error;
            tracing::warn!(error, "the recipient of a share is not told of it");
        }
    }

    /// A request that counts as the caller's.
    async fn of_caller<T>(&self, call: &UserCall, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Some(token) = &call.authorization {
            metadata.insert("authorization", token.clone());
        }
        let Some(program) = &self.program else {
            return request;
        };
        // Without this service's token the call is counted for this machine's address.
        if let Some(token) = program.bearer().await {
            metadata.insert(PROGRAM, token);
            let address = call.address.map(|address| address.to_string());
            if let Some(Ok(address)) = address.map(AsciiValue::try_from) {
                metadata.insert(CLIENT, address);
            }
        }
        request
    }
}
