//! Builds tokens by hand, so that they can be wrong in every way, and passes them to the
//! interceptor.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::access::caller::{Caller, RequireCaller};
use chassis::access::token::{KeySet, TokenError, TokenRules, Verifier};
use chassis::clock::Clock;
use proto::auth::v1::JsonWebKey;
use serde_json::{Value, json};
use tonic::service::Interceptor;
use tonic::{Code, Request, Status};

use crate::wire::reason;

/// The time of these tests.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Encoded as in a token.
pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The first two parts of a token.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers make both on the spot"
)]
pub(crate) fn encode(header: impl ToString, claims: impl ToString) -> String {
    format!(
        "{}.{}",
        base64(header.to_string()),
        base64(claims.to_string())
    )
}

enum Key {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

/// A signing key.
pub(crate) struct Mint {
    /// Its id.
    pub(crate) kid: &'static str,
    key: Key,
}

impl Mint {
    /// A new Ed25519 key.
    pub(crate) fn ed_dsa(kid: &'static str) -> Self {
        let key = Key::EdDsa(Ed25519KeyPair::generate().unwrap());
        Self { kid, key }
    }

    /// A new P-256 key.
    pub(crate) fn es256(kid: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = Key::Es256(key);
        Self { kid, key }
    }

    /// The name of its algorithm.
    pub(crate) fn alg(&self) -> &'static str {
        match &self.key {
            Key::EdDsa(_) => "EdDSA",
            Key::Es256(_) => "ES256",
        }
    }

    /// Its public part: 32 bytes, or a point with its format byte.
    pub(crate) fn public(&self) -> &[u8] {
        match &self.key {
            Key::EdDsa(key) => key.public_key().as_ref(),
            Key::Es256(key) => key.public_key().as_ref(),
        }
    }

    /// Its public part, as the auth service publishes it.
    pub(crate) fn jwk(&self) -> JsonWebKey {
        let public = self.public();
        let (kty, crv, x, y) = match &self.key {
            Key::EdDsa(_) => ("OKP", "Ed25519", public, &[][..]),
            Key::Es256(_) => ("EC", "P-256", &public[1..33], &public[33..]),
        };
        JsonWebKey {
            kty: kty.to_owned(),
            crv: crv.to_owned(),
            x: base64(x),
            y: base64(y),
            alg: self.alg().to_owned(),
            r#use: "sig".to_owned(),
            kid: self.kid.to_owned(),
        }
    }

    /// As JSON.
    pub(crate) fn jwk_json(&self) -> Value {
        let key = self.jwk();
        let mut jwk = json!({
            "kty": key.kty, "crv": key.crv, "x": key.x,
            "alg": key.alg, "use": key.r#use, "kid": key.kid,
        });
        if !key.y.is_empty() {
            jwk["y"] = key.y.into();
        }
        jwk
    }

    /// The signature of these bytes.
    pub(crate) fn sign(&self, input: &str) -> Vec<u8> {
        match &self.key {
            Key::EdDsa(key) => key.sign(input.as_bytes()).as_ref().to_vec(),
            Key::Es256(key) => key
                .sign(&SystemRandom::new(), input.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
        }
    }

    /// The header of a valid token.
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.alg(), "kid": self.kid, "typ": "at+jwt" })
    }

    /// The claims of a valid token at NOW.
    pub(crate) fn claims() -> Value {
        json!({
            "iss": "https://auth.test",
            "aud": "addressbook",
            "sub": "0198c0de-0000-7000-8000-000000000001",
            "client_id": "test",
            "jti": "0198c0de-0000-7000-8000-000000000002",
            "sid": "0198c0de-0000-7000-8000-000000000003",
            "iat": NOW,
            "exp": NOW + 600,
            "scope": "contacts",
            "auth_time": NOW,
            "amr": ["pwd"],
            "roles": [],
        })
    }

    /// A signed token with any header and claims.
    pub(crate) fn token(&self, header: impl ToString, claims: impl ToString) -> String {
        let input = encode(header, claims);
        let signature = base64(self.sign(&input));
        format!("{input}.{signature}")
    }

    /// A valid token.
    pub(crate) fn good(&self) -> String {
        self.token(self.header(), Self::claims())
    }

    /// A token that is valid except for one claim; `None` removes it.
    pub(crate) fn with_claim(&self, name: &str, value: Option<Value>) -> String {
        let mut claims = Self::claims();
        let fields = claims.as_object_mut().unwrap();
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => assert!(fields.remove(name).is_some(), "{name}"),
        }
        self.token(self.header(), claims)
    }

    /// A token that is valid except for one entry of its header.
    pub(crate) fn with_header(&self, name: &str, value: Option<Value>) -> String {
        let mut header = self.header();
        let fields = header.as_object_mut().unwrap();
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => assert!(fields.remove(name).is_some(), "{name}"),
        }
        self.token(header, Self::claims())
    }
}

/// The verifier of tokens.
pub(crate) struct Desk {
    /// The current keys.
    pub(crate) keys: KeySet,
    now: Arc<AtomicI64>,
    guard: RequireCaller,
}

impl Desk {
    /// Knows these keys.
    pub(crate) fn knowing(mints: &[&Mint]) -> Self {
        let jwks: Vec<Value> = mints.iter().map(|mint| mint.jwk_json()).collect();
        Self::with_jwks(&jwks)
    }

    /// Knows the valid ones of these keys.
    pub(crate) fn with_jwks(jwks: &[Value]) -> Self {
        let keys = KeySet::default();
        let jwks: Vec<_> = jwks
            .iter()
            .map(|jwk| serde_json::from_value(jwk.clone()).unwrap())
            .collect();
        keys.replace(&jwks);
        Self::on(keys)
    }

    /// Uses this key set.
    pub(crate) fn on(keys: KeySet) -> Self {
        let rules = TokenRules {
            issuer: "https://auth.test".to_owned(),
            audiences: vec!["addressbook".to_owned()],
            leeway: Duration::from_secs(30),
        };
        let now = Arc::new(AtomicI64::new(NOW));
        let verifier = Verifier::new(&rules, keys.clone(), Clock::Manual(Arc::clone(&now)));
        Self {
            keys,
            now,
            guard: RequireCaller::new(Arc::new(verifier)),
        }
    }

    /// Moves the clock.
    pub(crate) fn set_now(&self, seconds: i64) {
        self.now.store(seconds, Ordering::SeqCst);
    }

    /// Presents these `authorization` entries.
    pub(crate) fn show_entries(&self, entries: &[&str]) -> Result<Arc<Caller>, Status> {
        let mut request = Request::new(());
        for entry in entries {
            let entry = entry.parse().unwrap();
            request.metadata_mut().append("authorization", entry);
        }
        let request = self.guard.clone().call(request)?;
        Ok(Caller::of(&request).unwrap())
    }

    /// Presents a token.
    pub(crate) fn show(&self, token: &str) -> Result<Arc<Caller>, Status> {
        self.show_entries(&[&format!("Bearer {token}")])
    }

    /// Checks a caller again who passed.
    pub(crate) fn look_again(&self, caller: &Caller) -> Result<(), TokenError> {
        self.guard.check(caller)
    }

    /// Whether a token is accepted.
    pub(crate) fn passes(&self, token: &str) -> bool {
        self.show(token).is_ok()
    }

    /// Presents a token that must be refused with a well-formed error; returns the
    /// reason.
    #[track_caller]
    pub(crate) fn refuses(&self, token: &str) -> String {
        let Err(status) = self.show(token) else {
            panic!("passed: {token}")
        };
        assert_eq!(status.code(), Code::Unauthenticated, "{token}");
        let challenge = status.metadata().get("www-authenticate").unwrap();
        assert_eq!(challenge, "Bearer error=\"invalid_token\"");
        assert!(!status.message().contains(token) || token.is_empty());
        reason(&status)
    }
}
