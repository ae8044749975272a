//! Asks the auth service who a caller is, with the caller's own token: a service
//! that may do so for anyone else is not needed. Where the auth service knows this
//! one, it counts the call for the caller's address in place of ours.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::auth::v1::GetMeRequest;
use proto::auth::v1::account_service_client::AccountServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::access::caller::Caller;
use crate::access::client_address::TrustedProxies;
use crate::access::passed_on::{CLIENT, PROGRAM};
use crate::auth_client::program::{Credentials, Program, ProgramToken, in_time};
use crate::auth_client::upstream::Upstream;
use crate::email::Email;

type AsciiValue = MetadataValue<Ascii>;

/// Why it is not known who a caller is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It refuses the call: the token is not good any more, the account is disabled,
    /// or too many ask. The answer says it.
    #[error("the auth service refuses the call")]
    Refused(Status),
    /// It does not answer, or not as it should.
    #[error("the auth service did not return the caller")]
    Unavailable(#[source] Status),
}

/// The accounts, as users see their own.
#[derive(Clone)]
pub struct Identities {
    account: AccountServiceClient<Channel>,
    program: Option<Arc<ProgramToken>>,
    proxies: TrustedProxies,
}

/// A user's call, as far as the auth service has to know of it.
#[derive(Clone, Debug)]
pub struct UserCall {
    authorization: Option<AsciiValue>,
    address: Option<IpAddr>,
}

impl Identities {
    /// Asks `auth`, which knows this service by these credentials, if at all. Callers come
    /// by these proxies.
    #[must_use]
    pub fn new(auth: &Upstream, credentials: Option<Credentials>, proxies: TrustedProxies) -> Self {
        let channel = auth.channel(|endpoint| endpoint.connect_timeout(Duration::from_secs(2)));
        let token = |credentials| Arc::new(ProgramToken::new(Program::new(auth, credentials)));
        Self {
            account: AccountServiceClient::new(channel),
            program: credentials.map(token),
            proxies,
        }
    }

    /// What is asked in this call, and whose call it is.
    pub fn call<T>(&self, request: Request<T>) -> (UserCall, T) {
        let call = UserCall {
            authorization: request.metadata().get("authorization").cloned(),
            address: self.proxies.client_address(&request),
        };
        (call, request.into_inner())
    }

    /// The e-mail of the caller, where it has one that is verified. Programs have none.
    pub async fn verified_email(
        &self,
        caller: &Caller,
        call: &UserCall,
    ) -> Result<Option<Email>, IdentityError> {
        if caller.session_id.is_none() {
            return Ok(None);
        }
        let request = self.ask(call).await;
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

    async fn ask(&self, call: &UserCall) -> Request<GetMeRequest> {
        let mut request = Request::new(GetMeRequest {});
        let metadata = request.metadata_mut();
        if let Some(token) = &call.authorization {
            metadata.insert("authorization", token.clone());
        }
        let Some(program) = &self.program else {
            return request;
        };
        // Without its token the call is counted for this machine's address.
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
