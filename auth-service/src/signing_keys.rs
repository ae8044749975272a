//! Which key signs, and which are published.

use chassis::keyring::KeyRing;
use chassis::pool::Pool;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;

use crate::error::Error;
use crate::signer::{Algorithm, SealedKey, Signer, SignerError};
use crate::store;

/// Why there are no signing keys.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    /// The database failed.
    #[error("cannot read the signing keys")]
    Store(#[from] Error),
    /// A key is of no use.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// None signs, although one was just made.
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
}

/// The key that signs, and all that are published.
pub struct SigningKeys {
    /// Signs.
    pub signer: Signer,
    /// Every key that a good token can name.
    pub published: Vec<Jwk>,
}

impl SigningKeys {
    /// Reads the keys, and makes the first one. Of replicas that do so at the
    /// same time, one wins and all use its key.
    pub async fn load(
        db: &Pool,
        ring: &KeyRing,
        algorithm: Algorithm,
        now: DateTime<Utc>,
    ) -> Result<Self, SigningKeysError> {
        let mut rows = store::signing_keys::published(db).await?;
        if !rows.iter().any(|row| row.active) {
            let key = SealedKey::generate(algorithm, ring)?;
            store::signing_keys::insert_active(db, &key, now).await?;
            rows = store::signing_keys::published(db).await?;
        }
        let mut published = Vec::new();
        let mut signer = None;
        for row in rows {
            let jwk = serde_json::from_str(&row.public_jwk).map_err(|source| {
                SigningKeysError::Public {
                    kid: row.kid.clone(),
                    source,
                }
            })?;
            published.push(jwk);
            if row.active {
                signer = Some(open(row, ring)?);
            }
        }
        let signer = signer.ok_or(SigningKeysError::NoneActive)?;
        if signer.algorithm() != algorithm {
            tracing::warn!(
                kid = signer.kid(),
                algorithm = signer.algorithm().name(),
                configured = algorithm.name(),
                "the signing key keeps its algorithm until it is replaced",
            );
        }
        Ok(Self { signer, published })
    }
}

fn open(row: store::signing_keys::KeyRow, ring: &KeyRing) -> Result<Signer, SignerError> {
    let algorithm = Algorithm::named(&row.algorithm).ok_or_else(|| SignerError::Broken {
        kid: row.kid.clone(),
    })?;
    let sealed = SealedKey {
        kid: row.kid,
        algorithm,
        public_jwk: row.public_jwk,
        private_key_sealed: row.private_key_sealed,
    };
    Signer::open(&sealed, ring)
}
