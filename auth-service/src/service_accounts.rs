//! Service accounts: programs with an identity of their own, and their tokens.

use std::sync::Arc;

use chassis::access::caller::Caller;
use chassis::access::token::{Claims, TokenError, Verifier};
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::sessions::grant::{ADMIN_SCOPE, own_audience};
use crate::sessions::{TokenSettings, issue_time};
use crate::signing_keys::KeysInForce;
use crate::store;
use chassis::sha256::sha256;

/// The service account of the contacts service.
pub const CONTACTS: &str = "contacts-service";

/// The scope that allows introspecting tokens.
pub const INTROSPECT: &str = "auth.introspect";
/// The scope that allows subscribing to revocations.
pub const REVOCATIONS: &str = "auth.revocations";

/// Every scope that a service account can have.
pub const SCOPES: [&str; 5] = [
    INTROSPECT,
    REVOCATIONS,
    ADMIN_SCOPE,
    "contacts.read",
    "contacts.write",
];

/// The maximum length of a name or secret, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// A service account's request for a token.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// Its name.
    pub client_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The requested scopes; if empty, all that the program has, except `auth.admin` if
    /// it has others.
    pub scopes: Vec<String>,
    /// The audience; if empty, that of the scopes.
    pub audience: &'a str,
}

/// An access token of a service account.
#[derive(Debug)]
pub struct ServiceToken {
    /// A JWT.
    pub access_token: String,
    /// When it expires.
    pub expire_time: DateTime<Utc>,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// The service accounts.
pub struct ServiceAccounts {
    db: Pool,
    keys: KeysInForce,
    verifier: Arc<Verifier>,
    settings: TokenSettings,
}

impl ServiceAccounts {
    /// Stores service accounts in this database.
    #[must_use]
    pub fn new(
        db: Pool,
        keys: KeysInForce,
        verifier: Arc<Verifier>,
        settings: TokenSettings,
    ) -> Self {
        Self {
            db,
            keys,
            verifier,
            settings,
        }
    }

    /// Issues a token to a service account with its secret. The secret has 256 bits, so
    /// that its SHA-256 is a sufficient hash and it cannot be guessed.
    pub async fn issue(
        &self,
        request: TokenRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<ServiceToken> {
        let TokenRequest {
            client_id, secret, ..
        } = request;
        // Text that the database would refuse cannot be a name either.
        let is_name = client_id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name || client_id.len() > TEXT_BYTES_MAX || secret.len() > TEXT_BYTES_MAX {
            return Err(Error::ClientInvalid);
        }
        let hash = sha256(secret.as_bytes());
        let account = store::service_accounts::get_by_secret(&self.db, client_id, &hash)
            .await?
            .ok_or(Error::ClientInvalid)?;
        let scopes = granted(&account.scopes, &request.scopes)?;
        let now = issue_time(now, account.revoke_time);
        let settings = &self.settings;
        let claims = Claims {
            aud: audience(&settings.audience, request.audience, &scopes)?,
            ..settings.claims(account.id, client_id, scopes.join(" "), now)
        };
        Ok(ServiceToken {
            access_token: self.keys.load().sign(&claims)?,
            expire_time: DateTime::from_timestamp(claims.exp, 0).unwrap_or_default(),
            scopes,
        })
    }

    /// Returns the claims of a token, if it, its session and its account are valid now.
    pub async fn introspect(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Claims>> {
        let Ok(verified) = self.verifier.verify(token) else {
            return Ok(None);
        };
        let claims = verified.claims.clone();
        let caller = Caller::from(verified);
        let is_alive = if let Some(session_id) = claims.sid {
            store::users::of_caller(&self.db, &caller, session_id, now)
                .await?
                .is_some_and(|user| !user.disabled)
        } else {
            scopes_of(&self.db, &caller).await?.is_some()
        };
        Ok(is_alive.then_some(claims))
    }

    /// Refuses the token of a service account that was deleted, or lacks this scope now.
    pub async fn ensure_allowed(&self, caller: &Caller, scope: &str) -> Result<()> {
        ensure_allowed(&self.db, caller, scope).await
    }
}

/// Like [`ServiceAccounts::ensure_allowed`], with a connection of this pool.
pub async fn ensure_allowed(db: &Pool, caller: &Caller, scope: &str) -> Result<()> {
    caller.ensure(scope)?;
    ensure_scope(scopes_of(db, caller).await?, scope)
}

/// The current scopes of the calling service account; `None` if its token is revoked.
pub(crate) async fn scopes_of(db: &Pool, caller: &Caller) -> Result<Option<Vec<String>>> {
    let (name, id) = (&caller.client_id, caller.user_id);
    store::service_accounts::scopes(db, name, id, caller.issue_time()).await
}

/// Refuses a service account whose token is revoked, or that lacks this scope.
pub(crate) fn ensure_scope(scopes: Option<Vec<String>>, scope: &str) -> Result<()> {
    let scopes = scopes.ok_or(TokenError::Revoked)?;
    if scopes.iter().any(|known| known == scope) {
        Ok(())
    } else {
        Err(TokenError::InsufficientScope.into())
    }
}

/// The scopes of a service account's token.
fn granted(may: &[String], asked: &[String]) -> Result<Vec<String>> {
    if let Some(scope) = asked.iter().find(|scope| !may.contains(scope)) {
        return Err(Error::ScopeNotAllowed {
            scope: scope.clone(),
        });
    }
    // A program with other scopes, too, gets `auth.admin` only if it asks for it by name.
    let is_meant = |scope: &String| {
        if asked.is_empty() {
            may.len() == 1 || scope != ADMIN_SCOPE
        } else {
            asked.contains(scope)
        }
    };
    let scopes: Vec<_> = may
        .iter()
        .filter(|scope| is_meant(scope))
        .cloned()
        .collect();
    if administers(&scopes) && scopes.iter().any(|scope| scope.starts_with("contacts.")) {
        let problem = "auth.admin is valid at the auth service only, and cannot be combined \
                       with scopes of contacts";
        return Err(Error::invalid("SCOPES_MIXED", "scopes", problem));
    }
    Ok(scopes)
}

/// The audience of a token with these scopes. A token with `auth.admin` is for the auth
/// service alone, because another service that receives a token could use it.
fn audience(all: &str, asked: &str, scopes: &[String]) -> Result<String> {
    let own = own_audience(all);
    if asked == own || asked.is_empty() && administers(scopes) {
        return Ok(own);
    }
    if !administers(scopes) && (asked.is_empty() || asked == all) {
        return Ok(all.to_owned());
    }
    let problem = "is not the audience of this system, or not that of these scopes";
    Err(Error::invalid("AUDIENCE_UNKNOWN", "audience", problem))
}

fn administers(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == ADMIN_SCOPE)
}

/// Ensures that the contacts service can subscribe to revocations with this secret. Two
/// replicas may do so at once. When an older secret is removed, its tokens are revoked.
pub async fn ensure_contacts(db: &Pool, secret: &SecretString, clock: &Clock) -> Result<()> {
    let now = clock.now();
    let (id, scopes) = (UserId(Uuid::now_v7()), [REVOCATIONS.to_owned()]);
    let hash = sha256(secret.expose_secret().as_bytes());
    let mut tx = db.begin().await?;
    store::service_accounts::upsert(&mut *tx, CONTACTS, id, &scopes, now).await?;
    let ended = store::service_accounts::add_secret(&mut tx, CONTACTS, &hash, now).await?;
    let known = store::service_accounts::lock(&mut *tx, CONTACTS).await?;
    if let Some(id) = known.filter(|_| ended > 0) {
        store::revocations::insert_user(&mut *tx, id, clock.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}
