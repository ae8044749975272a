//! The caller of a request: set by the interceptor, read by the handlers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::access::client::Client;
use crate::access::rate_limits::{PendingLimits, RateLimited};
use crate::access::revocations::Revocations;
use crate::access::token::{TokenError, Verified, Verifier};
use crate::access::verified::VerifiedTokens;
use crate::status::Refusal;
use crate::user_id::UserId;

/// The signed-in user of one request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// The session of its token; `None` for programs.
    pub session_id: Option<Uuid>,
    /// The client that its token was issued to.
    pub client_id: String,
    /// The audience of its token.
    pub audience: String,
    /// When its token was issued, in seconds since the epoch.
    pub issued_at: i64,
    /// When its token expires, in seconds since the epoch.
    pub expires_at: i64,
    /// The key that signed its token.
    pub(crate) key_id: String,
    scope: String,
}

impl Caller {
    /// Returns the caller that the interceptor found.
    pub fn of<T>(request: &Request<T>) -> Result<Arc<Self>, TokenError> {
        // A service without the interceptor must refuse, not panic.
        let caller = request.extensions().get::<Arc<Self>>();
        caller.cloned().ok_or(TokenError::Missing)
    }

    /// Returns the caller if its token has `scope`.
    pub fn with_scope<T>(request: &Request<T>, scope: &str) -> Result<Arc<Self>, TokenError> {
        let caller = Self::of(request)?;
        caller.ensure(scope)?;
        Ok(caller)
    }

    /// When its token was issued.
    #[must_use]
    pub fn issue_time(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.issued_at, 0).unwrap_or_default()
    }

    /// Refuses a caller whose token lacks `scope`.
    pub fn ensure(&self, scope: &str) -> Result<(), TokenError> {
        if self.scope.split(' ').any(|allowed| allowed == scope) {
            Ok(())
        } else {
            Err(TokenError::InsufficientScope)
        }
    }
}

impl From<Verified> for Caller {
    fn from(token: Verified) -> Self {
        let Verified { claims, key_id } = token;
        Self {
            user_id: claims.sub,
            session_id: claims.sid,
            client_id: claims.client_id,
            audience: claims.aud,
            issued_at: claims.iat,
            expires_at: claims.exp,
            key_id,
            scope: claims.scope,
        }
    }
}

/// Refuses requests without a valid access token.
#[derive(Clone)]
pub struct RequireCaller {
    tokens: Arc<VerifiedTokens>,
    revocations: Option<Arc<Revocations>>,
}

impl RequireCaller {
    /// Creates a guard with this verifier.
    #[must_use]
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            tokens: Arc::new(VerifiedTokens::new(verifier)),
            revocations: None,
        }
    }

    /// Refuses revoked tokens, too.
    #[must_use]
    pub fn without(mut self, revocations: Arc<Revocations>) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// The caller of a request. Counts the call for its user, after every check of the
    /// token.
    pub fn caller<T>(&self, request: &Request<T>) -> Result<Arc<Caller>, Status> {
        let caller = self.identify(request)?;
        count_for(caller.user_id, request).map_err(Refusal::from)?;
        Ok(caller)
    }

    /// The caller that the token names, for services whose handlers check in the database
    /// whether the token was revoked. They count the call with [`count_for`] after that.
    pub fn identify<T>(&self, request: &Request<T>) -> Result<Arc<Caller>, Status> {
        let caller = self.bearer_of(request.metadata(), "authorization");
        caller.map_err(refuse)
    }
}

/// Counts a call for its user.
pub fn count_for<T>(user: UserId, request: &Request<T>) -> Result<(), RateLimited> {
    if let Some(client) = request.extensions().get::<Arc<Client>>() {
        client.identify(user);
    }
    match request.extensions().get::<PendingLimits>() {
        Some(limits) => limits.count_user(user),
        None => Ok(()),
    }
}

impl RequireCaller {
    /// The caller that the token in the metadata entry of this name names.
    pub(crate) fn bearer_of(
        &self,
        metadata: &MetadataMap,
        name: &str,
    ) -> Result<Arc<Caller>, TokenError> {
        let caller = self.tokens.caller(bearer(metadata, name)?)?;
        if let Some(revocations) = &self.revocations {
            revocations.check(&caller)?;
        }
        Ok(caller)
    }

    /// Refuses a caller whose token is no longer valid, for streams, which can outlive
    /// it. Without leeway, because the expiry is compared with our own clock.
    pub fn check(&self, caller: &Caller) -> Result<(), TokenError> {
        self.tokens.check(caller)?;
        match &self.revocations {
            Some(revocations) => revocations.check(caller),
            None => Ok(()),
        }
    }
}

impl Interceptor for RequireCaller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = self.caller(&request)?;
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

/// Refuses requests without an access token. The handler counts the others for their
/// users.
#[derive(Clone)]
pub struct Identify(pub RequireCaller);

impl Interceptor for Identify {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = self.0.identify(&request)?;
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

fn refuse(error: TokenError) -> Status {
    let mut status = Status::from(Refusal::from(error));
    if status.code() == tonic::Code::Unauthenticated {
        // RFC 6750 section 3.
        let challenge = match error {
            TokenError::Missing => "Bearer",
            _ => "Bearer error=\"invalid_token\"",
        };
        let challenge = tonic::metadata::MetadataValue::from_static(challenge);
        status.metadata_mut().insert("www-authenticate", challenge);
    }
    status
}

/// The token of the only entry of this name; the scheme is case-insensitive (RFC 9110
/// section 11.1).
fn bearer<'a>(metadata: &'a MetadataMap, name: &str) -> Result<&'a str, TokenError> {
    let mut entries = metadata.get_all(name).iter();
    let entry = entries.next().ok_or(TokenError::Missing)?;
    if entries.next().is_some() {
        return Err(TokenError::Invalid);
    }
    let text = entry.to_str().map_err(|_| TokenError::Invalid)?;
    let (scheme, token) = text.split_once(' ').ok_or(TokenError::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token)
    } else {
        Err(TokenError::Invalid)
    }
}
