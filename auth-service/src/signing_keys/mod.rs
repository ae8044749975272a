//! The signing keys: the active one, the published ones, and their rotation.

mod keeper;
mod life;
mod rotation;
pub mod signer;

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use chassis::access::token::Claims;
use chassis::clock::Clock;
use chassis::metrics::{Metrics, count};
use chassis::settings::keyring::KeyRing;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::JwkSet;

pub use self::keeper::Keeper;
pub use self::life::Schedule;
pub use self::rotation::{KeyChange, NextKey, advance, request_rotation, revoke};
use crate::error::Error;
use crate::model::signing_key::{Algorithm, KeyState, SealedKey};
use crate::signing_keys::signer::{Signer, SignerError};
use crate::store::signing_keys::KeyRow;

/// Why there are no signing keys.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    /// The database failed, or no key can be created.
    #[error("cannot read or replace the signing keys")]
    Store(#[from] Error),
    /// A key cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// None is active, although one was just created.
    #[error("the database has no active signing key")]
    NoneActive,
    /// A stored public key is not readable.
    #[error("signing key {kid} has no readable public part")]
    Public {
        /// The key.
        kid: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The public keys cannot be written as JSON.
    #[error("cannot publish the signing keys")]
    Json(#[source] serde_json::Error),
}

impl From<SigningKeysError> for Error {
    fn from(error: SigningKeysError) -> Self {
        match error {
            SigningKeysError::Store(error) => error,
            other => Self::internal("cannot use the signing keys")(other),
        }
    }
}

/// The key that signs, and all that are published.
pub struct SigningKeys {
    /// The active key; `None` if it cannot be opened here.
    signer: Option<Arc<Signer>>,
    /// Every key that may have signed a valid token, and those that will sign next.
    pub published: JwkSet,
    /// The same as JSON (RFC 7517 section 5).
    pub json: String,
    /// The algorithms of the published keys, the active one's first.
    pub algorithms: Vec<String>,
    /// When the active key started to sign.
    pub active_since: DateTime<Utc>,
}

impl SigningKeys {
    /// Reads stored keys. If the active one cannot be opened, the key of `before`
    /// continues to sign while it is published, so that the key file can be fixed
    /// meanwhile. If that key was revoked, the service signs nothing.
    fn read(
        rows: &[KeyRow],
        ring: &KeyRing,
        before: Option<&Self>,
    ) -> Result<Self, SigningKeysError> {
        let active = rows.iter().find(|row| row.is(KeyState::Active));
        let active = active.ok_or(SigningKeysError::NoneActive)?;
        let mut published = JwkSet { keys: Vec::new() };
        let mut algorithms = vec![active.algorithm.clone()];
        for row in rows {
            let jwk = serde_json::from_str(&row.public_jwk);
            published
                .keys
                .push(jwk.map_err(|source| SigningKeysError::Public {
                    kid: row.kid.clone(),
                    source,
                })?);
            if !algorithms.contains(&row.algorithm) {
                algorithms.push(row.algorithm.clone());
            }
        }
        let signer = match before.and_then(|before| before.signer.as_ref()) {
            Some(signer) if signer.kid() == active.kid => Some(Arc::clone(signer)),
            signer => match open(active, ring) {
                Ok(signer) => Some(Arc::new(signer)),
                Err(error) if before.is_none() => return Err(error.into()),
                Err(error) => {
                    tracing::error!(%error, "the active signing key cannot be used here");
                    let published = |signer: &&Arc<Signer>| is_among(rows, signer.kid());
                    signer.filter(published).cloned()
                }
            },
        };
        let json = serde_json::to_string(&published).map_err(SigningKeysError::Json)?;
        Ok(Self {
            signer,
            published,
            json,
            algorithms,
            active_since: active.state_time,
        })
    }

    /// Returns the claims as an access token, signed with the active key.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignerError> {
        self.signer.as_ref().ok_or(SignerError::None)?.sign(claims)
    }
}

fn is_among(rows: &[KeyRow], kid: &str) -> bool {
    rows.iter().any(|row| row.kid == kid)
}

/// The current keys of a service, shared by all clones. Reading takes no lock.
#[derive(Clone)]
pub struct KeysInForce(Arc<ArcSwap<SigningKeys>>);

impl KeysInForce {
    fn new(keys: SigningKeys) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }

    /// The current keys.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<SigningKeys>> {
        self.0.load()
    }

    /// Registers metrics of the keys.
    pub fn publish(&self, metrics: &Metrics, clock: &Clock) {
        let (keys, clock) = (self.clone(), clock.clone());
        let help = "Age of the active signing key";
        metrics.gauge("signing_key_seconds", help, move || {
            (clock.now() - keys.load().active_since).as_seconds_f64()
        });
        let keys = self.clone();
        let help = "Signing keys that are published";
        metrics.gauge("signing_keys_published", help, move || {
            count(keys.load().published.keys.len())
        });
    }

    fn replace(&self, keys: SigningKeys) {
        self.0.store(Arc::new(keys));
    }
}

fn open(row: &KeyRow, ring: &KeyRing) -> Result<Signer, SignerError> {
    let algorithm = Algorithm::from_name(&row.algorithm).ok_or_else(|| SignerError::Broken {
        kid: row.kid.clone(),
    })?;
    let sealed = SealedKey {
        kid: row.kid.clone(),
        algorithm,
        public_jwk: row.public_jwk.clone(),
        private_key_sealed: row.private_key_sealed.clone(),
    };
    Signer::open(&sealed, ring)
}
