//! Who is calling: put there by the interceptor, read by the handlers.

use std::sync::Arc;

use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::status::Refusal;
use crate::token::{Claims, TokenError, Verifier};
use crate::user_id::UserId;
use crate::verified::VerifiedTokens;

/// The signed-in user of one request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Owns everything this request may touch.
    pub user_id: UserId,
    /// The session of its token; programs have none.
    pub session_id: Option<Uuid>,
    scope: String,
}

impl Caller {
    /// Returns the caller that the interceptor found.
    pub fn of<T>(request: &Request<T>) -> Result<Arc<Self>, TokenError> {
        // A service mounted without the interceptor must refuse, not panic.
        let caller = request.extensions().get::<Arc<Self>>();
        caller.cloned().ok_or(TokenError::Missing)
    }

    /// Returns the caller where its token allows `scope`.
    pub fn with_scope<T>(request: &Request<T>, scope: &str) -> Result<Arc<Self>, TokenError> {
        let caller = Self::of(request)?;
        if caller.scope.split(' ').any(|allowed| allowed == scope) {
            Ok(caller)
        } else {
            Err(TokenError::InsufficientScope)
        }
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Self {
            user_id: claims.sub,
            session_id: claims.sid,
            scope: claims.scope,
        }
    }
}

/// Refuses requests without a valid access token.
#[derive(Clone)]
pub struct RequireCaller {
    tokens: Arc<VerifiedTokens>,
}

impl RequireCaller {
    /// Guards with this verifier.
    #[must_use]
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            tokens: Arc::new(VerifiedTokens::new(verifier)),
        }
    }
}

impl Interceptor for RequireCaller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = bearer(request.metadata())
            .and_then(|token| self.tokens.caller(token))
            .map_err(refuse)?;
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

/// The token of the only `authorization` entry; the scheme's case is free
/// (RFC 9110 section 11.1).
fn bearer(metadata: &MetadataMap) -> Result<&str, TokenError> {
    let mut entries = metadata.get_all("authorization").iter();
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
