//! The RPCs: parse the request, call the rules, encode the response. No SQL, no rules.

mod account;
mod admin;
mod admin_answers;
mod audit_answers;
mod auth;
mod authenticated_admin;
mod authenticated_user;
mod jwks;
mod mfa;
mod service_tokens;

pub use account::AccountService;
pub use admin::AdminService;
pub use auth::{AuthService, ServerInfo};
pub use jwks::Jwks;
pub use service_tokens::ServiceTokenService;

use chassis::access::caller::{Caller, count_for};
use chassis::access::client_address::TrustedProxies;
use chassis::access::token::TokenError;
use chassis::text;
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::session::Client;
use crate::model::user::User;
use crate::sessions::TokenPair;

/// The client, from the connection, trusted proxies and the `user-agent` entry.
fn client<T>(request: &Request<T>, proxies: &TrustedProxies) -> Client {
    let ip = proxies.client_address(request).map(|ip| ip.to_string());
    let user_agent = request
        .metadata()
        .get("user-agent")
        .map(tonic::metadata::MetadataValue::as_encoded_bytes);
    let user_agent = String::from_utf8_lossy(user_agent.unwrap_or_default());
    Client::new(ip.unwrap_or_default(), &user_agent)
}

/// Counts a call for its user, unless `checked` says that its token is revoked: whoever
/// has such a token must not use up the user's limits.
fn count_checked<T, R>(caller: &Caller, request: &Request<T>, checked: Result<R>) -> Result<R> {
    if !matches!(checked, Err(Error::Token(TokenError::Revoked))) {
        count_for(caller.user_id, request)?;
    }
    checked
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

/// Parses the id in `field`.
fn uuid(field: &'static str, text: &str) -> Result<Uuid> {
    text::uuid(text).map_err(|problem| Error::invalid("ID_INVALID", field, problem))
}

impl From<User> for pb::User {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            etag: user.etag(),
            email: user.email,
            display_name: user.display_name,
            email_verified: user.email_verified,
            mfa_enabled: user.mfa_enabled,
            disabled: user.disabled,
            roles: user.roles,
            create_time: Some(timestamp(user.create_time)),
            update_time: Some(timestamp(user.update_time)),
            pending_email_expire_time: user.pending_email_expire_time.map(timestamp),
            pending_email: user.pending_email.unwrap_or_default(),
        }
    }
}

impl From<TokenPair> for pb::TokenPair {
    fn from(tokens: TokenPair) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer".to_owned(),
            access_expire_time: Some(timestamp(tokens.access_expire_time)),
            refresh_token: tokens.refresh_token.as_str().to_owned(),
            refresh_expire_time: Some(timestamp(tokens.refresh_expire_time)),
            session_id: tokens.refresh_token.session_id.to_string(),
        }
    }
}
