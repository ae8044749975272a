//! The public keys, over gRPC and as plain JSON.

use std::time::Duration;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use proto::auth::v1 as pb;

/// How long clients may keep the keys.
const CACHE: Duration = Duration::from_mins(5);

/// The keys in the forms that clients read.
#[derive(Clone)]
pub struct Jwks {
    keys: Vec<pb::JsonWebKey>,
    json: String,
}

impl Jwks {
    /// Prepares the keys for reading.
    pub fn new(keys: &[Jwk]) -> serde_json::Result<Self> {
        let set = JwkSet {
            keys: keys.to_vec(),
        };
        Ok(Self {
            keys: keys.iter().filter_map(message).collect(),
            json: serde_json::to_string(&set)?,
        })
    }

    /// The answer over gRPC.
    #[must_use]
    pub fn response(&self) -> pb::GetJwksResponse {
        pb::GetJwksResponse {
            keys: self.keys.clone(),
            cache_duration: CACHE.try_into().ok(),
        }
    }

    /// `GET /.well-known/jwks.json`.
    pub fn routes(&self) -> Router {
        let json = self.json.clone();
        let headers = [
            (CONTENT_TYPE, "application/json".to_owned()),
            (
                CACHE_CONTROL,
                format!("public, max-age={}", CACHE.as_secs()),
            ),
        ];
        Router::new().route("/.well-known/jwks.json", get(async move || (headers, json)))
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
