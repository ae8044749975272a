//! The public keys, over gRPC and as plain JSON.

use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{MethodRouter, get};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use proto::auth::v1 as pb;

use crate::signing_keys::KeysInForce;

/// The keys in the formats for clients.
#[derive(Clone)]
pub struct Jwks {
    /// The keys.
    pub keys: KeysInForce,
    /// How long clients may cache them.
    pub cache: Duration,
}

impl Jwks {
    /// The gRPC response.
    #[must_use]
    pub fn response(&self) -> pb::GetJwksResponse {
        let keys = self.keys.load();
        pb::GetJwksResponse {
            keys: keys.published.keys.iter().filter_map(message).collect(),
            cache_duration: self.cache.try_into().ok(),
        }
    }

    /// The algorithms that tokens can be signed with.
    #[must_use]
    pub fn algorithms(&self) -> Vec<String> {
        self.keys.load().algorithms.clone()
    }

    /// The path of the keys as plain JSON.
    pub const PATH: &str = "/.well-known/jwks.json";

    /// The page at [`Self::PATH`].
    pub fn page(&self) -> MethodRouter {
        let keys = self.keys.clone();
        let headers = [
            (CONTENT_TYPE, "application/json".to_owned()),
            (
                CACHE_CONTROL,
                format!("public, max-age={}", self.cache.as_secs()),
            ),
        ];
        let answer = async move || (headers, keys.load().json.clone());
        get(answer)
    }
}

fn message(jwk: &Jwk) -> Option<pb::JsonWebKey> {
    let (kty, crv, x, y) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) => ("OKP", "Ed25519", key.x.clone(), String::new()),
        AlgorithmParameters::EllipticCurve(key) => ("EC", "P-256", key.x.clone(), key.y.clone()),
        _ => return None,
    };
    Some(pb::JsonWebKey {
        kty: kty.to_owned(),
        crv: crv.to_owned(),
        x,
        y,
        alg: jwk.common.key_algorithm?.to_string(),
        r#use: "sig".to_owned(),
        kid: jwk.common.key_id.clone()?,
    })
}
