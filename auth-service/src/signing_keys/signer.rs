//! The only holder of a private signing key. The private part is stored as sealed PKCS
//! #8, bound to the key's id.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::access::token::Claims;
use chassis::settings::keyring::KeyRing;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{EncodingKey, jwk};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::model::signing_key::{Algorithm, SealedKey};
use crate::sealed::{self, OpenError};

const KEY_PURPOSE: &str = "signing-key-encryption";

/// Why a key cannot be used. Never contains key material.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The ring lacks the key that sealed it.
    #[error("signing key {kid} is sealed with key {ring_kid}, which is missing in the key file")]
    KeyMissing {
        /// The signing key.
        kid: String,
        /// The number of the key in the key file.
        ring_kid: u8,
    },
    /// It cannot be opened, or is malformed.
    #[error("signing key {kid} cannot be decrypted with the key file")]
    Broken {
        /// The signing key.
        kid: String,
    },
    /// The active key cannot be opened here, and the previous one was revoked.
    #[error("no signing key can be used here")]
    None,
    /// The library failed.
    #[error("cannot create or use a signing key")]
    Crypto,
    /// The public part cannot be encoded.
    #[error("cannot describe a signing key")]
    Jwk(#[from] jsonwebtoken::errors::Error),
    /// It cannot be written as JSON.
    #[error("cannot write a signing key or claims as JSON")]
    Json(#[from] serde_json::Error),
}

impl From<aws_lc_rs::error::Unspecified> for SignerError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

impl From<SignerError> for Error {
    fn from(error: SignerError) -> Self {
        Self::internal("cannot create or use a signing key")(error)
    }
}

/// Generates a new key.
pub fn generate(algorithm: Algorithm, ring: &KeyRing) -> Result<SealedKey, SignerError> {
    let private = match algorithm {
        Algorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?,
        Algorithm::Es256 => {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?
        }
    };
    let jwk = public_jwk(algorithm, private.as_ref())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
    Ok(SealedKey {
        algorithm,
        public_jwk: serde_json::to_string(&jwk)?,
        private_key_sealed: sealed::seal(ring, KEY_PURPOSE, kid.as_bytes(), private.as_ref())?,
        kid,
    })
}

/// Signs access tokens with one key.
pub struct Signer {
    kid: String,
    algorithm: Algorithm,
    /// The JWT header with its dot: the same for every token.
    header: String,
    key: PrivateKey,
}

enum PrivateKey {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl Signer {
    /// Opens a sealed key.
    pub fn open(sealed: &SealedKey, ring: &KeyRing) -> Result<Self, SignerError> {
        let broken = || SignerError::Broken {
            kid: sealed.kid.clone(),
        };
        let private = open(ring, &sealed.kid, &sealed.private_key_sealed)?;
        let jwk = public_jwk(sealed.algorithm, &private).map_err(|_| broken())?;
        if jwk.common.key_id.as_deref() != Some(&*sealed.kid) {
            return Err(broken());
        }
        let key = match sealed.algorithm {
            Algorithm::EdDsa => {
                PrivateKey::EdDsa(Ed25519KeyPair::from_pkcs8(&private).map_err(|_| broken())?)
            }
            Algorithm::Es256 => PrivateKey::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private)
                    .map_err(|_| broken())?,
            ),
        };
        let header = serde_json::json!({
            "alg": sealed.algorithm.name(), "kid": sealed.kid, "typ": "at+jwt",
        });
        Ok(Self {
            kid: sealed.kid.clone(),
            algorithm: sealed.algorithm,
            header: format!("{}.", BASE64_URL_SAFE_NO_PAD.encode(header.to_string())),
            key,
        })
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the claims as a signed access token (RFC 9068).
    pub fn sign(&self, claims: &Claims) -> Result<String, SignerError> {
        let mut token = self.header.clone();
        BASE64_URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
        let signature = match &self.key {
            PrivateKey::EdDsa(key) => key.try_sign(token.as_bytes())?,
            PrivateKey::Es256(key) => key.sign(&SystemRandom::new(), token.as_bytes())?,
        };
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn public_jwk(algorithm: Algorithm, private: &[u8]) -> Result<Jwk, SignerError> {
    let (key, algorithm) = match algorithm {
        Algorithm::EdDsa => (
            EncodingKey::from_ed_der(private),
            jsonwebtoken::Algorithm::EdDSA,
        ),
        Algorithm::Es256 => (
            EncodingKey::from_ec_der(private),
            jsonwebtoken::Algorithm::ES256,
        ),
    };
    let mut jwk = Jwk::from_encoding_key(&key, algorithm)?;
    jwk.common = jwk::CommonParameters {
        public_key_use: Some(PublicKeyUse::Signature),
        key_algorithm: jwk.common.key_algorithm,
        key_id: Some(jwk.thumbprint(ThumbprintHash::SHA256)?),
        ..Default::default()
    };
    Ok(jwk)
}

fn open(ring: &KeyRing, kid: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignerError> {
    let private = sealed::open(ring, KEY_PURPOSE, kid.as_bytes(), sealed);
    private.map_err(|error| match error {
        OpenError::KeyMissing { ring_kid } => SignerError::KeyMissing {
            kid: kid.to_owned(),
            ring_kid,
        },
        OpenError::Broken => SignerError::Broken {
            kid: kid.to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use chassis::access::token::{KeySet, TokenRules, Verifier};
    use chassis::clock::Clock;
    use chassis::settings::keyring::generate_line;
    use chassis::user_id::UserId;
    use uuid::Uuid;

    fn fresh_ring() -> KeyRing {
        KeyRing::parse(&generate_line(1).unwrap()).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            iss: "issuer".into(),
            aud: "audience".into(),
            sub: UserId::generate(),
            client_id: "addressbook".into(),
            jti: Uuid::new_v4(),
            sid: Some(Uuid::now_v7()),
            iat: 1000,
            exp: 1600,
            nbf: None,
            scope: "contacts.read contacts.write".into(),
            auth_time: 1000,
            amr: vec!["pwd".into()],
            roles: vec!["admin".into()],
        }
    }

    fn verifier(sealed: &SealedKey) -> Verifier {
        let keys = KeySet::default();
        keys.replace(&[serde_json::from_str(&sealed.public_jwk).unwrap()]);
        let rules = TokenRules {
            issuer: "issuer".into(),
            audiences: vec!["audience".into()],
            leeway: Duration::ZERO,
        };
        let seconds = std::sync::atomic::AtomicI64::new(1000);
        Verifier::new(&rules, keys, Clock::Manual(Arc::new(seconds)))
    }

    #[test]
    fn the_verifier_accepts_what_is_signed_with_either_algorithm() {
        let ring = fresh_ring();
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            let sealed = generate(algorithm, &ring).unwrap();
            let signer = Signer::open(&sealed, &ring).unwrap();
            let claims = claims();

            let token = signer.sign(&claims).unwrap();

            assert_eq!(verifier(&sealed).verify(&token).unwrap().claims, claims);
            assert!(token.len() < 1024, "{}", token.len());
            let header = jsonwebtoken::decode_header(&token).unwrap();
            assert_eq!(header.kid.as_deref(), Some(signer.kid()));
            assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        }
    }

    #[test]
    fn another_keys_signature_is_refused() {
        let ring = fresh_ring();
        let ours = generate(Algorithm::EdDsa, &ring).unwrap();
        let theirs = generate(Algorithm::EdDsa, &ring).unwrap();
        let token = Signer::open(&theirs, &ring)
            .unwrap()
            .sign(&claims())
            .unwrap();
        assert!(verifier(&ours).verify(&token).is_err());
    }

    #[test]
    fn the_public_part_holds_nothing_private() {
        let sealed = generate(Algorithm::Es256, &fresh_ring()).unwrap();
        let jwk: serde_json::Value = serde_json::from_str(&sealed.public_jwk).unwrap();
        let mut names: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }

    #[test]
    fn a_sealed_key_opens_only_with_its_ring_and_under_its_own_name() {
        let ring = fresh_ring();
        let sealed = generate(Algorithm::EdDsa, &ring).unwrap();
        assert!(matches!(
            Signer::open(&sealed, &fresh_ring()),
            Err(SignerError::Broken { .. })
        ));
        let other_ring = KeyRing::parse(&generate_line(2).unwrap()).unwrap();
        assert!(matches!(
            Signer::open(&sealed, &other_ring),
            Err(SignerError::KeyMissing { ring_kid: 1, .. })
        ));
        let renamed = SealedKey {
            kid: "other".into(),
            ..sealed.clone()
        };
        assert!(Signer::open(&renamed, &ring).is_err());
        for length in 0..sealed.private_key_sealed.len() {
            let cut = SealedKey {
                private_key_sealed: sealed.private_key_sealed[..length].to_vec(),
                ..sealed.clone()
            };
            assert!(Signer::open(&cut, &ring).is_err());
        }
    }

    #[test]
    fn nothing_of_the_private_key_is_stored_in_the_clear() {
        let ring = fresh_ring();
        let sealed = generate(Algorithm::EdDsa, &ring).unwrap();
        let private = open(&ring, &sealed.kid, &sealed.private_key_sealed).unwrap();
        let seed = &private[private.len() - 32..];
        assert!(
            !sealed
                .private_key_sealed
                .windows(8)
                .any(|window| window == &seed[..8])
        );
    }
}
