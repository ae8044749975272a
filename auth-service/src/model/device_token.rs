//! Device tokens (OWASP's device cookies), with which a device that has logged in before
//! is not locked out by strangers' guesses. They are not stored.
//!
//! `"dt1_" + base64url(kid:1 | issue time:8 | device:32 | mac:32)`. The device is 32
//! random bytes; the MAC also covers the user and the version of the password, so that a
//! token is valid for one account, until its password or its e-mail changes. It does not
//! replace the password: whoever steals one can only guess passwords, in a bucket of its
//! own.

use std::collections::BTreeMap;

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::settings::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Result;

const PREFIX: &str = "dt1_";
const KEY_PURPOSE: &str = "device-token";
const DEVICE_AT: usize = 1 + 8;
const MAC_AT: usize = DEVICE_AT + 32;
const TOKEN_BYTES: usize = MAC_AT + 32;
/// How long a device is known after its last log-in.
const LIFE: TimeDelta = TimeDelta::days(180);

/// Identifies a device of an account.
pub type Device = [u8; 32];

/// The password of an account for which a token is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user_id: UserId,
    /// The version of the password.
    pub password_version: i64,
}

impl Owner {
    /// Used for a missing account, so that checking a token takes as long as for an
    /// existing one.
    pub const NOBODY: Self = Self {
        user_id: UserId(Uuid::nil()),
        password_version: 0,
    };
}

/// Creates and verifies tokens with the keys of the ring.
pub struct DeviceTokens {
    keys: BTreeMap<u8, hmac::Key>,
    current: u8,
}

impl DeviceTokens {
    /// Uses the keys of the ring; new tokens get the newest one.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        let key = |key: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, key);
        let keys = ring.all(KEY_PURPOSE);
        Self {
            keys: keys
                .iter()
                .map(|(kid, bytes)| (*kid, key(&**bytes)))
                .collect(),
            current: ring.current_kid(),
        }
    }

    /// Creates the token of a device that has logged in, with an empty bucket.
    pub fn issue(&self, owner: Owner, now: DateTime<Utc>) -> Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        bytes[0] = self.current;
        bytes[1..DEVICE_AT].copy_from_slice(&now.timestamp().to_be_bytes());
        rand::fill(&mut bytes[DEVICE_AT..MAC_AT])?;
        let signed = signed(&bytes[..MAC_AT], owner);
        let mac = hmac::sign(&self.keys[&self.current], &signed);
        bytes[MAC_AT..].copy_from_slice(mac.as_ref());
        let mut text = Zeroizing::new(PREFIX.to_owned());
        BASE64_URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        Ok(text)
    }

    /// The device of the token, if it has logged in with this password of this account;
    /// any other token is ignored.
    #[must_use]
    pub fn device(&self, token: &str, owner: Owner, now: DateTime<Utc>) -> Option<Device> {
        let encoded = token.strip_prefix(PREFIX)?;
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes);
        if length.ok()? != TOKEN_BYTES {
            return None;
        }
        let key = self.keys.get(&bytes[0])?;
        hmac::verify(key, &signed(&bytes[..MAC_AT], owner), &bytes[MAC_AT..]).ok()?;
        let issued = i64::from_be_bytes(*bytes[1..].first_chunk()?);
        let issued = DateTime::from_timestamp(issued, 0)?;
        (now - issued <= LIFE).then_some(*bytes[DEVICE_AT..].first_chunk()?)
    }
}

fn signed(head: &[u8], owner: Owner) -> Vec<u8> {
    let (user, version) = (owner.user_id.0, owner.password_version);
    [head, user.as_bytes(), &version.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::settings::keyring::generate_line;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn owner() -> Owner {
        Owner {
            user_id: UserId::generate(),
            password_version: 7,
        }
    }

    fn lines(count: u8) -> Vec<String> {
        let line = |kid| generate_line(kid).unwrap().to_string();
        (1..=count).map(line).collect()
    }

    fn tokens(lines: &[String]) -> DeviceTokens {
        DeviceTokens::new(&KeyRing::parse(&lines.join("\n")).unwrap())
    }

    #[test]
    fn a_token_names_its_device_for_its_owner_alone_and_for_180_days() {
        let (tokens, owner) = (tokens(&lines(1)), owner());
        let token = tokens.issue(owner, at(1000)).unwrap();
        let other = tokens.issue(owner, at(1000)).unwrap();
        let device = |token: &str, owner, now| tokens.device(token, owner, at(now));
        let end = 1000 + 180 * 86_400;

        assert!(device(&token, owner, 1000).is_some());
        assert_eq!(device(&token, owner, end), device(&token, owner, 1000));
        assert_ne!(device(&token, owner, 1000), device(&other, owner, 1000));
        assert_eq!(device(&token, owner, end + 1), None);
        let stranger = Owner {
            user_id: UserId::generate(),
            ..owner
        };
        let new_password = Owner {
            password_version: 8,
            ..owner
        };
        for wrong in [stranger, new_password, Owner::NOBODY] {
            assert_eq!(device(&token, wrong, 1000), None);
        }
    }

    #[test]
    fn text_that_was_not_issued_names_no_device() {
        let (tokens, owner) = (tokens(&lines(1)), owner());
        let token = tokens.issue(owner, at(1000)).unwrap();
        for place in PREFIX.len()..token.len() - 1 {
            let mut forged = token.to_string().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(tokens.device(&forged, owner, at(1000)), None, "{place}");
        }
        for wrong in [
            "",
            PREFIX,
            &token[4..],
            &format!("{}A", *token),
            "dt1_\u{e9}",
        ] {
            assert_eq!(tokens.device(wrong, owner, at(1000)), None, "{wrong}");
        }
    }

    #[test]
    fn tokens_stay_valid_after_a_rotation_but_not_under_a_foreign_key() {
        let (lines, owner) = (lines(2), owner());
        let token = tokens(&lines[..1]).issue(owner, at(0)).unwrap();

        assert!(tokens(&lines).device(&token, owner, at(0)).is_some());
        assert!(tokens(&lines[1..]).device(&token, owner, at(0)).is_none());
        let foreign = tokens(&self::lines(1));
        assert!(foreign.device(&token, owner, at(0)).is_none());
    }
}
