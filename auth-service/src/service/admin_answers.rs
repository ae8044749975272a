//! The responses of `AdminService`, and the times in its requests.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use proto::auth::v1 as pb;

use super::timestamp;
use crate::administration::is_built_in;
use crate::error::{Error, Result};
use crate::model::signing_key::KeyState;
use crate::store::service_accounts::ServiceAccount;
use crate::store::signing_keys::KeyInfo;

/// The last second of the year 9999, and of a `Timestamp`.
const LAST_SECOND: i64 = 253_402_300_799;

/// Parses the time in `field`.
pub(super) fn time_in(
    field: &'static str,
    time: Option<Timestamp>,
) -> Result<Option<DateTime<Utc>>> {
    let Some(time) = time else { return Ok(None) };
    let nanos = u32::try_from(time.nanos).ok();
    let read = nanos
        .filter(|_| (0..=LAST_SECOND).contains(&time.seconds))
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
    let problem = "must be between the years 1970 and 9999";
    read.map(Some)
        .ok_or_else(|| Error::invalid("TIME_INVALID", field, problem))
}

/// A time in a page token.
pub(super) fn micros(time: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time)
}

impl From<ServiceAccount> for pb::ServiceAccount {
    fn from(account: ServiceAccount) -> Self {
        let secrets = account.secret_create_times.into_iter();
        Self {
            built_in: is_built_in(&account.client_id),
            client_id: account.client_id,
            id: account.id.to_string(),
            scopes: account.scopes,
            create_time: Some(timestamp(account.create_time)),
            secret_create_times: secrets.map(timestamp).collect(),
        }
    }
}

impl From<KeyInfo> for pb::SigningKey {
    fn from(key: KeyInfo) -> Self {
        Self {
            state: state(&key.state).into(),
            signing_algorithm: algorithm(&key.algorithm).into(),
            kid: key.kid,
            algorithm: key.algorithm,
            create_time: Some(timestamp(key.create_time)),
            state_time: Some(timestamp(key.state_time)),
        }
    }
}

fn state(name: &str) -> pb::SigningKeyState {
    [
        (KeyState::Staged, pb::SigningKeyState::Staged),
        (KeyState::Active, pb::SigningKeyState::Active),
        (KeyState::Retiring, pb::SigningKeyState::Retiring),
        (KeyState::Revoked, pb::SigningKeyState::Revoked),
    ]
    .into_iter()
    .find(|(state, _)| state.name() == name)
    .map_or(pb::SigningKeyState::Unspecified, |(_, state)| state)
}

/// An algorithm by its name in JOSE.
pub(super) fn algorithm(name: &str) -> pb::SigningAlgorithm {
    match name {
        "EdDSA" => pb::SigningAlgorithm::Eddsa,
        "ES256" => pb::SigningAlgorithm::Es256,
        _ => pb::SigningAlgorithm::Unspecified,
    }
}
