//! The secrets of service accounts. A call with a `request_id` derives its secret, so
//! that a repeat returns the same one although only a hash is stored.

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::settings::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::model::request_id::RequestId;
use crate::store::service_accounts::LiveSecret;
use chassis::sha256::sha256;

/// The prefix of secrets, so that people and scanners recognize them.
const PREFIX: &str = "abs1_";
const KEY_PURPOSE: &str = "service-secret";
/// How long a call can be repeated.
const REPEATABLE_FOR: TimeDelta = TimeDelta::days(1);

/// Generates secrets, with the keys of the ring.
pub(super) struct Secrets {
    /// The key for new secrets first.
    keys: Vec<hmac::Key>,
}

/// The parts of a call that must be the same in a repeat.
pub(super) struct Making<'a> {
    /// The caller.
    pub(super) caller: UserId,
    /// The operation.
    pub(super) act: &'static str,
    /// The name of the service account.
    pub(super) client_id: &'a str,
    /// The scopes.
    pub(super) scopes: &'a [String],
    /// The request id.
    pub(super) request_id: Option<RequestId>,
}

impl Secrets {
    pub(super) fn new(ring: &KeyRing) -> Self {
        let keys = ring.all(KEY_PURPOSE);
        let mut keys: Vec<_> = keys.iter().collect();
        keys.sort_by_key(|(kid, _)| (**kid != ring.current_kid(), **kid));
        let key = |key: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, key);
        Self {
            keys: keys.iter().map(|(_, bytes)| key(&***bytes)).collect(),
        }
    }

    /// Generates a secret of 256 bits, for which SHA-256 is a sufficient hash.
    pub(super) fn make(&self, making: &Making<'_>, now: DateTime<Utc>) -> Result<SecretString> {
        if let (Some(id), Some(key)) = (making.request_id, self.keys.first()) {
            return Ok(making.derive(key, id, now));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(&mut *bytes)?;
        Ok(text(bytes.as_slice()))
    }

    /// The secret of the earlier call that this one repeats, while it is valid. A revoked
    /// secret is never derived again, because its creation time is part of the
    /// derivation.
    pub(super) fn made_before(
        &self,
        making: &Making<'_>,
        live: &[LiveSecret],
        now: DateTime<Utc>,
    ) -> Option<SecretString> {
        let id = making.request_id?;
        let recent = live
            .iter()
            .filter(|secret| secret.create_time >= now - REPEATABLE_FOR);
        recent
            .flat_map(|secret| self.keys.iter().map(move |key| (secret, key)))
            .find_map(|(secret, key)| {
                let derived = making.derive(key, id, secret.create_time);
                let hash = sha256(derived.expose_secret().as_bytes());
                (secret.hash == hash).then_some(derived)
            })
    }
}

impl Making<'_> {
    fn derive(&self, key: &hmac::Key, id: RequestId, made_at: DateTime<Utc>) -> SecretString {
        let mut context = hmac::Context::with_key(key);
        let scopes = self.scopes.join(" ");
        let texts = [self.act, self.client_id, &scopes];
        for text in texts {
            // Lengths are included, so that different lists of texts have different
            // encodings.
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        context.update(self.caller.0.as_bytes());
        context.update(&made_at.timestamp_micros().to_be_bytes());
        context.update(&id.0);
        text(context.sign().as_ref())
    }
}

fn text(bytes: &[u8]) -> SecretString {
    let mut text = PREFIX.to_owned();
    BASE64_URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    text.into()
}

#[cfg(test)]
mod tests {
    use chassis::settings::keyring::generate_line;
    use uuid::Uuid;

    use super::*;

    const FIRST: &str = "5f0c2a1b-e4d7-498f-a36b-1c9d8e2f7041";
    const SECOND: &str = "9b3e71d0-2c58-4f6a-8d14-e0a7c5b2936f";

    fn making(caller: u128, request_id: &str) -> Making<'static> {
        Making {
            caller: UserId(Uuid::from_u128(caller)),
            act: "rotate",
            client_id: "mailer",
            scopes: &[],
            request_id: RequestId::parse(request_id).unwrap(),
        }
    }

    fn live(secret: &SecretString, create_time: DateTime<Utc>) -> LiveSecret {
        LiveSecret {
            hash: sha256(secret.expose_secret().as_bytes()).to_vec(),
            create_time,
        }
    }

    #[test]
    fn a_secret_is_long_and_never_the_same() {
        let ring = KeyRing::parse(&generate_line(1).unwrap()).unwrap();
        let (secrets, now) = (Secrets::new(&ring), DateTime::UNIX_EPOCH);
        for making in [making(1, ""), making(1, FIRST)] {
            let one = secrets.make(&making, now).unwrap();
            let later = now + TimeDelta::microseconds(1);
            let other = secrets.make(&making, later).unwrap();
            assert_eq!(one.expose_secret().len(), 5 + 43);
            assert!(one.expose_secret().starts_with("abs1_"));
            assert_ne!(one.expose_secret(), other.expose_secret());
        }
    }

    #[test]
    fn a_repeat_gets_the_same_secret_for_a_day_also_by_an_older_key() {
        let old = generate_line(1).unwrap();
        let ring = KeyRing::parse(&old).unwrap();
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let made = Secrets::new(&ring).make(&making(1, FIRST), now).unwrap();
        let live = [live(&made, now)];

        let lines = format!("{}\n{}", &*old, &*generate_line(2).unwrap());
        let secrets = Secrets::new(&KeyRing::parse(&lines).unwrap());
        let again = |making: &Making<'_>, at| secrets.made_before(making, &live, at);

        let repeat = again(&making(1, FIRST), now + TimeDelta::hours(23));
        assert_eq!(repeat.unwrap().expose_secret(), made.expose_secret());
        assert!(again(&making(1, FIRST), now + TimeDelta::hours(25)).is_none());
        for other in [making(2, FIRST), making(1, SECOND), making(1, "")] {
            assert!(again(&other, now).is_none());
        }
    }
}
