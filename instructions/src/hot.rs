//! The measured functions, each with a typical input.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use auth_service::model::refresh_token::Codec;
use auth_service::model::signing_key::Algorithm;
use auth_service::signing_keys::signer::{self, Signer};
use chassis::access::caller::RequireCaller;
use chassis::access::token::{Claims, KeySet, TokenRules, Verifier};
use chassis::clock::Clock;
use chassis::page_token::{Scope, Sealer};
use chassis::settings::keyring::{KeyRing, generate_line};
use chassis::user_id::UserId;
use chrono::DateTime;
use contacts_service::contact::ContactId;
use contacts_service::contact::body::Body;
use contacts_service::contact::fold::fold;
use contacts_service::contact::phone::DefaultRegion;
use contacts_service::contact::stored::Stored;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use proto::contacts::v1::{Contact, Date, Email, Phone};
use tonic::Request;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use uuid::Uuid;

use crate::Error;

/// One measured function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hot {
    /// Verifies an access token that was not seen before.
    Verify,
    /// Verifies a known one, with its header.
    VerifyKnown,
    /// Converts a row to the message that a client receives.
    RowToMessage,
    /// A page token sealed and opened.
    PageToken,
    /// A name folded for search.
    Fold,
    /// A refresh token parsed, and its successor derived.
    RefreshToken,
}

impl Hot {
    pub(crate) const ALL: [Self; 6] = [
        Self::Verify,
        Self::VerifyKnown,
        Self::RowToMessage,
        Self::PageToken,
        Self::Fold,
        Self::RefreshToken,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::VerifyKnown => "verify-known",
            Self::RowToMessage => "row-to-message",
            Self::PageToken => "page-token",
            Self::Fold => "fold",
            Self::RefreshToken => "refresh-token",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hot| hot.name() == name)
    }

    /// Prepares the input, and calls the function so many times.
    pub(crate) fn call(self, times: u64) -> Result<(), Error> {
        match self {
            Self::Verify => {
                let (verifier, token) = verifier()?;
                repeat(times, || verifier.verify(black_box(&token)));
            }
            Self::VerifyKnown => {
                let (verifier, token) = verifier()?;
                let header =
                    HeaderValue::try_from(format!("Bearer {token}")).map_err(unprepared)?;
                let mut guard = RequireCaller::new(Arc::new(verifier));
                repeat(times, || guard.call(signed(&header)));
            }
            Self::RowToMessage => {
                let row = row()?;
                repeat(times, || black_box(&row).clone().encoded());
            }
            Self::PageToken => {
                let sealer = Sealer::new(&ring()?);
                repeat(times, || reopened(&sealer));
            }
            Self::Fold => repeat(times, || fold(black_box("Jürgen Groß-Ångström, Łódź"))),
            Self::RefreshToken => {
                let tokens = Codec::new(&ring()?);
                let user = UserId(Uuid::from_u128(1));
                let token = tokens.first(user, Uuid::from_u128(2)).map_err(unprepared)?;
                let text = token.as_str();
                repeat(times, || {
                    let read = tokens.parse(black_box(text))?;
                    tokens.successor(&read, tokens.current_kid())
                });
            }
        }
        Ok(())
    }
}

/// One call more than requested, which is not counted: only the first call does some
/// work, such as collecting randomness, whose cost varies.
fn repeat<T>(times: u64, mut function: impl FnMut() -> T) {
    black_box(function());
    counted(times, function);
}

/// Callgrind counts this function, which it finds by its name.
#[inline(never)]
fn counted<T>(times: u64, mut function: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(function());
    }
}

fn unprepared(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unprepared(error.into())
}

fn ring() -> Result<KeyRing, Error> {
    let line = generate_line(1).map_err(unprepared)?;
    KeyRing::parse(&line).map_err(unprepared)
}

fn verifier() -> Result<(Verifier, String), Error> {
    let ring = ring()?;
    let key = signer::generate(Algorithm::EdDsa, &ring).map_err(unprepared)?;
    let signer = Signer::open(&key, &ring).map_err(unprepared)?;
    let now = Clock::System.now().timestamp();
    let claims = Claims {
        iss: "addressbook".to_owned(),
        aud: "addressbook".to_owned(),
        sub: UserId(Uuid::from_u128(1)),
        client_id: "addressbook".to_owned(),
        jti: Uuid::from_u128(2),
        sid: Some(Uuid::from_u128(3)),
        iat: now,
        exp: now + 3600,
        nbf: None,
        scope: "contacts.read contacts.write".to_owned(),
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        roles: Vec::new(),
    };
    let token = signer.sign(&claims).map_err(unprepared)?;
    let keys = KeySet::default();
    keys.replace(&[serde_json::from_str(&key.public_jwk).map_err(unprepared)?]);
    let rules = TokenRules {
        issuer: claims.iss,
        audiences: vec![claims.aud],
        leeway: Duration::from_secs(30),
    };
    Ok((Verifier::new(&rules, keys, Clock::System), token))
}

fn signed(header: &HeaderValue) -> Request<()> {
    let mut request = Request::new(());
    let headers = std::iter::once((AUTHORIZATION, header.clone())).collect();
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    request
}

fn row() -> Result<Stored, Error> {
    let contact = Contact {
        given_name: "Robin".to_owned(),
        family_name: "Example".to_owned(),
        emails: vec![Email {
            address: "robin@example.com".to_owned(),
            ..Email::default()
        }],
        phones: vec![Phone {
            number: "+49 30 123456".to_owned(),
            ..Phone::default()
        }],
        birthday: Some(Date {
            year: 1980,
            month: 2,
            day: 29,
        }),
        ..Contact::default()
    };
    let body =
        Body::parse(contact, DefaultRegion::parse("").map_err(unprepared)?).map_err(unprepared)?;
    let id = Uuid::from_u128(4);
    let time = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
    Ok(Stored {
        id: ContactId(id),
        uid: format!("urn:uuid:{id}"),
        version: 7,
        create_time: time,
        update_time: time,
        delete_time: None,
        delete_version: None,
        merged_into: None,
        body: body.encode(),
    })
}

fn reopened(sealer: &Sealer) -> Option<(String, Uuid)> {
    let scope = Scope {
        method: "ListContacts",
        owner: Uuid::from_u128(1),
        request_hash: [7; 32],
    };
    let token = sealer.seal(scope, &("example robin", Uuid::from_u128(2)));
    sealer.open(scope, &token)
}
