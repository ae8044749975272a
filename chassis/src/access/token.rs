//! Verifies access tokens (RFC 9068). Only the auth service signs them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use tokio::sync::{Notify, watch};
use tonic::Code;
use uuid::Uuid;

use crate::clock::Clock;
use crate::metrics::{Metrics, count};
use crate::status::Refusal;
use crate::user_id::UserId;

/// The maximum length of a token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The subject.
    pub sub: UserId,
    /// The client that it was issued to.
    pub client_id: String,
    /// The token's own id.
    pub jti: Uuid,
    /// The session that it belongs to; `None` for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// When it expires, in seconds since the epoch.
    pub exp: i64,
    /// When it becomes valid, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// When the user authenticated, in seconds since the epoch.
    pub auth_time: i64,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// The user's roles.
    pub roles: Vec<String>,
}

/// A token whose signature, issuer, audience and times are valid.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The claims of the token.
    pub claims: Claims,
    /// The `kid` of the key that signed it.
    pub key_id: String,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No token was sent.
    #[error("no access token was sent")]
    Missing,
    /// It has expired.
    #[error("the access token has expired")]
    Expired,
    /// It is for another service.
    #[error("the access token is for another audience")]
    WrongAudience,
    /// Its session has ended.
    #[error("the session of the access token has ended")]
    Revoked,
    /// It is invalid for another reason, which is not revealed.
    #[error("the access token is invalid")]
    Invalid,
    /// No key set was read yet.
    #[error("the service cannot verify access tokens yet; retry")]
    KeysUnavailable,
    /// No revocations are received, and tokens are not accepted without them.
    #[error("the service does not know which access tokens are revoked; retry")]
    RevocationsUnavailable,
    /// It is valid, but lacks the scope for the call.
    #[error("the access token does not have the scope for this call")]
    InsufficientScope,
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        let (code, reason) = match error {
            TokenError::Missing => (Code::Unauthenticated, "TOKEN_MISSING"),
            TokenError::Expired => (Code::Unauthenticated, "TOKEN_EXPIRED"),
            TokenError::WrongAudience => (Code::Unauthenticated, "TOKEN_WRONG_AUDIENCE"),
            TokenError::Revoked => (Code::Unauthenticated, "TOKEN_REVOKED"),
            TokenError::Invalid => (Code::Unauthenticated, "TOKEN_INVALID"),
            TokenError::KeysUnavailable => (Code::Unavailable, "KEYS_UNAVAILABLE"),
            TokenError::RevocationsUnavailable => (Code::Unavailable, "REVOCATIONS_UNAVAILABLE"),
            TokenError::InsufficientScope => (Code::PermissionDenied, "INSUFFICIENT_SCOPE"),
        };
        Self::new(code, reason, error.to_string())
    }
}

struct Key {
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The current public keys, shared by all clones.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<ArcSwap<HashMap<String, Arc<Key>>>>,
    /// Incremented whenever the keys change.
    generation: Arc<AtomicU64>,
    /// Revoked for good, even if a slow replica still publishes them.
    removed: Arc<Mutex<HashSet<String>>>,
    loaded: Arc<watch::Sender<bool>>,
    wanted: Arc<Notify>,
    revoked: Arc<Notify>,
    read_at: Arc<Mutex<Option<Instant>>>,
}

impl Default for KeySet {
    fn default() -> Self {
        Self {
            keys: Arc::default(),
            generation: Arc::default(),
            removed: Arc::default(),
            loaded: Arc::new(watch::Sender::new(false)),
            wanted: Arc::default(),
            revoked: Arc::default(),
            read_at: Arc::default(),
        }
    }
}

impl KeySet {
    /// Replaces all keys. Keys of an unknown kind, or not for signatures, are skipped.
    pub fn replace(&self, jwks: &[Jwk]) {
        let signing = |jwk: &&Jwk| jwk.common.public_key_use == Some(PublicKeyUse::Signature);
        let keys = jwks.iter().filter(signing).filter_map(|jwk| {
            let algorithm = match jwk.common.key_algorithm? {
                jsonwebtoken::jwk::KeyAlgorithm::EdDSA => Algorithm::EdDSA,
                jsonwebtoken::jwk::KeyAlgorithm::ES256 => Algorithm::ES256,
                _ => return None,
            };
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((jwk.common.key_id.clone()?, Arc::new(Key { algorithm, key })))
        });
        let removed = self.removed();
        let keys = keys.filter(|(kid, _)| !removed.contains(kid)).collect();
        self.swap(keys);
        drop(removed);
        // The keys are replaced by an empty set when they are given up; that is not a
        // read.
        if !jwks.is_empty() {
            let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
            *read_at = Some(Instant::now());
        }
    }

    /// Removes a revoked key for good, and makes the others be read again: the key that
    /// signs now may be unknown here, or there may be no key left.
    pub fn remove(&self, kid: &str) {
        let mut removed = self.removed();
        if removed.insert(kid.to_owned()) {
            let mut keys = HashMap::clone(&self.keys.load());
            keys.remove(kid);
            self.swap(keys);
            self.revoked.notify_one();
        }
    }

    /// Whether these keys, as read, can be used for a while: there is at least one, and
    /// no revoked one, which a slow replica could still publish.
    #[must_use]
    pub fn is_current(&self, jwks: &[Jwk]) -> bool {
        let removed = self.removed();
        let is_removed = |jwk: &Jwk| {
            let kid = jwk.common.key_id.as_ref();
            kid.is_some_and(|kid| removed.contains(kid))
        };
        !self.is_empty() && !jwks.iter().any(is_removed)
    }

    /// Whether there is no key, so that no token is valid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.load().is_empty()
    }

    fn removed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, keys: HashMap<String, Arc<Key>>) {
        let any = !keys.is_empty();
        let before = self.keys.swap(Arc::new(keys));
        // A kid is the key's hash: equal kids mean equal keys.
        let now = self.keys.load();
        if before.len() != now.len() || !before.keys().all(|kid| now.contains_key(kid)) {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        self.loaded.send_replace(any);
    }

    /// Whether there is any key.
    #[must_use]
    pub fn loaded(&self) -> watch::Receiver<bool> {
        self.loaded.subscribe()
    }

    /// Registers metrics: the number of keys, and the time since they were read.
    pub fn publish(&self, metrics: &Metrics) {
        let keys = self.clone();
        metrics.gauge(
            "public_keys",
            "Public keys that verify access tokens",
            move || count(keys.keys.load().len()),
        );
        let read_at = Arc::clone(&self.read_at);
        let help = "Time since the public keys were read; infinite before the first time";
        metrics.gauge("public_keys_read_seconds", help, move || {
            let read_at = *read_at.lock().unwrap_or_else(PoisonError::into_inner);
            read_at.map_or(f64::INFINITY, |at| at.elapsed().as_secs_f64())
        });
    }

    /// Completes when a token named an unknown key.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Completes when a key was revoked since it last completed; for one waiter.
    pub async fn one_revoked(&self) {
        self.revoked.notified().await;
    }
}

/// The required claims of a token.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The `iss` claim.
    pub issuer: String,
    /// The accepted `aud` claims.
    pub audiences: Vec<String>,
    /// The tolerated difference between clocks.
    pub leeway: Duration,
}

/// Verifies tokens.
pub struct Verifier {
    keys: KeySet,
    clock: Clock,
    leeway_seconds: i64,
    eddsa: Validation,
    es256: Validation,
}

/// The allowed header fields: `jwk`, `jku`, `x5c`, `x5u`, `crit`, `zip` and anything else
/// with which a token could choose how it is verified are refused.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl Verifier {
    /// Verifies with these rules and keys.
    #[must_use]
    pub fn new(rules: &TokenRules, keys: KeySet, clock: Clock) -> Self {
        let validation = |algorithm| {
            let mut validation = Validation::new(algorithm);
            validation.set_issuer(&[&rules.issuer]);
            validation.set_audience(&rules.audiences);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            // Times are checked below, with our clock.
            validation.validate_exp = false;
            validation.validate_nbf = false;
            validation
        };
        Self {
            keys,
            clock,
            leeway_seconds: i64::try_from(rules.leeway.as_secs()).unwrap_or(i64::MAX),
            eddsa: validation(Algorithm::EdDSA),
            es256: validation(Algorithm::ES256),
        }
    }

    /// Returns the claims of a valid token, and the key that signed it.
    pub fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        if token.len() > TOKEN_BYTES_MAX || token.split('.').count() != 3 {
            return Err(TokenError::Invalid);
        }
        let header = header(token).ok_or(TokenError::Invalid)?;
        if header.typ != "at+jwt" {
            return Err(TokenError::Invalid);
        }
        let keys = self.keys.keys.load();
        let Some(key) = keys.get(&header.kid) else {
            self.keys.wanted.notify_one();
            return Err(if keys.is_empty() {
                TokenError::KeysUnavailable
            } else {
                TokenError::Invalid
            });
        };
        // The key determines the algorithm; the token must name the same.
        let (name, validation) = match key.algorithm {
            Algorithm::ES256 => ("ES256", &self.es256),
            _ => ("EdDSA", &self.eddsa),
        };
        if header.alg != name {
            return Err(TokenError::Invalid);
        }
        let claims = decode::<Claims>(token, &key.key, validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidAudience => TokenError::WrongAudience,
                _ => TokenError::Invalid,
            })?
            .claims;
        self.check_times(&claims)?;
        Ok(Verified {
            claims,
            key_id: header.kid,
        })
    }

    /// A number that changes when the keys change.
    pub(crate) fn key_generation(&self) -> u64 {
        self.keys.generation.load(Ordering::SeqCst)
    }

    /// Refuses an expired token, given its `exp`.
    pub(crate) fn check_expiry(&self, exp: i64) -> Result<(), TokenError> {
        let now = self.clock.now().timestamp();
        if exp.saturating_add(self.leeway_seconds) <= now {
            return Err(TokenError::Expired);
        }
        Ok(())
    }

    /// Refuses a token that has expired by our own clock, given its `exp`, or whose key
    /// was removed.
    pub(crate) fn check_still(&self, exp: i64, key_id: &str) -> Result<(), TokenError> {
        if exp <= self.clock.now().timestamp() {
            return Err(TokenError::Expired);
        }
        let keys = self.keys.keys.load();
        if keys.contains_key(key_id) {
            Ok(())
        } else if keys.is_empty() {
            Err(TokenError::KeysUnavailable)
        } else {
            Err(TokenError::Invalid)
        }
    }

    fn check_times(&self, claims: &Claims) -> Result<(), TokenError> {
        self.check_expiry(claims.exp)?;
        let now = self.clock.now().timestamp();
        let latest = now.saturating_add(self.leeway_seconds);
        if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(TokenError::Invalid);
        }
        Ok(())
    }
}

fn header(token: &str) -> Option<Header> {
    let (header, _) = token.split_once('.')?;
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
    serde_json::from_slice(&header).ok()
}
