//! Refresh tokens: their format, MAC and derivation. No I/O.
//!
//! `"rt1_" + base64url(kid:1 | user:16 | session:16 | generation:4 | secret:32 |
//! mac:16)`. The first secret of a session is random; each further one is a MAC of the
//! whole previous token, so that the same token and key always result in the same
//! successor.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::{constant_time, hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::settings::keyring::KeyRing;
use chassis::sha256::sha256;
use chassis::user_id::UserId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Result;

const PREFIX: &str = "rt1_";
const KEY_PURPOSE: &str = "refresh-token";
const SECRET_BYTES: usize = 32;
const MAC_BYTES: usize = 16;
const SECRET_AT: usize = 1 + 16 + 16 + 4;
const MAC_AT: usize = SECRET_AT + SECRET_BYTES;
const TOKEN_BYTES: usize = MAC_AT + MAC_BYTES;
/// The length of every token.
const TEXT_CHARS: usize = PREFIX.len() + (TOKEN_BYTES * 4).div_ceil(3);

/// An authentic token, wiped on drop.
pub struct RefreshToken {
    text: Zeroizing<String>,
    /// The number of its key.
    pub kid: u8,
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: Uuid,
    /// The number of earlier tokens of the session.
    pub generation: u32,
}

impl RefreshToken {
    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The stored hash: SHA-256 of the text.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RefreshToken");
        debug.field("session_id", &self.session_id);
        debug.field("generation", &self.generation);
        debug.finish_non_exhaustive()
    }
}

/// Creates and verifies tokens with the keys of the ring.
pub struct Codec {
    keys: BTreeMap<u8, hmac::Key>,
    current: u8,
}

impl Codec {
    /// Uses the keys of the ring; new tokens get the newest one.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        let keys = ring.all(KEY_PURPOSE);
        let keys = keys
            .iter()
            .map(|(kid, key)| (*kid, hmac::Key::new(hmac::HMAC_SHA256, &**key)));
        Self {
            keys: keys.collect(),
            current: ring.current_kid(),
        }
    }

    /// The key of new tokens.
    #[must_use]
    pub fn current_kid(&self) -> u8 {
        self.current
    }

    /// Creates the first token of a session.
    pub fn first(&self, user_id: UserId, session_id: Uuid) -> Result<RefreshToken> {
        self.fresh(user_id, session_id, 0)
    }

    /// Creates a token that cannot be derived from an earlier one.
    pub fn fresh(
        &self,
        user_id: UserId,
        session_id: Uuid,
        generation: u32,
    ) -> Result<RefreshToken> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        rand::fill(&mut *secret)?;
        let key = &self.keys[&self.current];
        Ok(write(
            key,
            self.current,
            user_id,
            session_id,
            generation,
            &*secret,
        ))
    }

    /// Derives the successor with the key `kid`; `None` if this ring has no such key.
    #[must_use]
    pub fn successor(&self, token: &RefreshToken, kid: u8) -> Option<RefreshToken> {
        let key = self.keys.get(&kid)?;
        let generation = token.generation.checked_add(1)?;
        let secret = mac(key, b"rt-next", token.text.as_bytes());
        Some(write(
            key,
            kid,
            token.user_id,
            token.session_id,
            generation,
            secret.as_ref(),
        ))
    }

    /// Parses a token, and returns it if its MAC is valid.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<RefreshToken> {
        if text.len() != TEXT_CHARS {
            return None;
        }
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        // Also refuses other encodings of the same bytes.
        BASE64_URL_SAFE_NO_PAD
            .decode_slice(text.strip_prefix(PREFIX)?, &mut *bytes)
            .ok()?;
        let (said, proof) = bytes.split_at(MAC_AT);
        let kid = said[0];
        let expected = mac(self.keys.get(&kid)?, b"rt-mac", said);
        constant_time::verify_slices_are_equal(&expected.as_ref()[..MAC_BYTES], proof).ok()?;
        Some(RefreshToken {
            text: Zeroizing::new(text.to_owned()),
            kid,
            user_id: UserId(Uuid::from_slice(&said[1..17]).ok()?),
            session_id: Uuid::from_slice(&said[17..33]).ok()?,
            generation: u32::from_be_bytes(said[33..SECRET_AT].try_into().ok()?),
        })
    }
}

fn write(
    key: &hmac::Key,
    kid: u8,
    user_id: UserId,
    session_id: Uuid,
    generation: u32,
    secret: &[u8],
) -> RefreshToken {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    bytes[0] = kid;
    bytes[1..17].copy_from_slice(user_id.0.as_bytes());
    bytes[17..33].copy_from_slice(session_id.as_bytes());
    bytes[33..SECRET_AT].copy_from_slice(&generation.to_be_bytes());
    bytes[SECRET_AT..MAC_AT].copy_from_slice(secret);
    let proof = mac(key, b"rt-mac", &bytes[..MAC_AT]);
    bytes[MAC_AT..].copy_from_slice(&proof.as_ref()[..MAC_BYTES]);

    let mut text = Zeroizing::new(String::with_capacity(TEXT_CHARS));
    text.push_str(PREFIX);
    BASE64_URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
    RefreshToken {
        text,
        kid,
        user_id,
        session_id,
        generation,
    }
}

/// The label separates the two uses of a key.
fn mac(key: &hmac::Key, label: &[u8], bytes: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(label);
    context.update(bytes);
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::settings::keyring::generate_line;

    fn codec() -> Codec {
        Codec::new(&KeyRing::parse(&generate_line(1).unwrap()).unwrap())
    }

    fn first(codec: &Codec) -> RefreshToken {
        codec.first(UserId::generate(), Uuid::now_v7()).unwrap()
    }

    #[test]
    fn a_token_says_whose_it_is() {
        let codec = codec();
        let token = first(&codec);

        let read = codec.parse(token.as_str()).unwrap();

        assert_eq!(read.user_id, token.user_id);
        assert_eq!(read.session_id, token.session_id);
        assert_eq!((read.kid, read.generation), (1, 0));
        assert_eq!(token.as_str().len(), TEXT_CHARS);
        assert!(token.as_str().starts_with("rt1_"));
    }

    #[test]
    fn every_replica_derives_the_same_successor() {
        let codec = codec();
        let token = first(&codec);

        let next = codec.successor(&token, 1).unwrap();
        let again = codec
            .successor(&codec.parse(token.as_str()).unwrap(), 1)
            .unwrap();

        assert_eq!(next.as_str(), again.as_str());
        assert_ne!(next.as_str(), token.as_str());
        assert_eq!(codec.parse(next.as_str()).unwrap().generation, 1);
        assert_ne!(codec.successor(&next, 1).unwrap().as_str(), next.as_str());
    }

    #[test]
    fn two_sessions_share_nothing() {
        let codec = codec();
        let (a, b) = (first(&codec), first(&codec));
        assert_ne!(a.hash(), b.hash());
        let (a, b) = (
            codec.successor(&a, 1).unwrap(),
            codec.successor(&b, 1).unwrap(),
        );
        assert_ne!(a.as_str()[60..], b.as_str()[60..]);
    }

    #[test]
    fn a_token_with_a_changed_character_is_refused() {
        let codec = codec();
        let token = first(&codec);
        for index in 0..TEXT_CHARS {
            for other in ['A', 'b', '_', '=', '.'] {
                let mut text: Vec<char> = token.as_str().chars().collect();
                if std::mem::replace(&mut text[index], other) == other {
                    continue;
                }
                let text: String = text.into_iter().collect();
                assert!(codec.parse(&text).is_none(), "{index} {other}");
            }
        }
    }

    #[test]
    fn text_that_is_not_a_token_is_refused() {
        let codec = codec();
        let token = first(&codec);
        let text = token.as_str();
        for other in [
            "",
            "rt1_",
            "rt1_AAAA",
            &text[1..],
            &text[4..],
            &format!("{text}A"),
            &format!(" {text}"),
            &text.replace("rt1_", "rt2_"),
            &"ü".repeat(TEXT_CHARS / 2),
            &"A".repeat(1 << 20),
        ] {
            assert!(codec.parse(other).is_none());
        }
    }

    #[test]
    fn another_servers_token_is_refused() {
        assert!(codec().parse(first(&codec()).as_str()).is_none());
    }

    #[test]
    fn tokens_of_an_older_key_are_accepted_and_get_a_successor_of_the_newest() {
        let (old, new) = (generate_line(1).unwrap(), generate_line(2).unwrap());
        let before = Codec::new(&KeyRing::parse(&old).unwrap());
        let after = Codec::new(&KeyRing::parse(&format!("{}\n{}", *old, *new)).unwrap());
        let token = after.parse(first(&before).as_str()).unwrap();

        let next = after.successor(&token, after.current_kid()).unwrap();

        assert_eq!(after.parse(next.as_str()).unwrap().kid, 2);
        assert!(before.parse(next.as_str()).is_none());
        assert!(before.successor(&token, 2).is_none());
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = first(&codec());
        assert!(!format!("{token:?}").contains(&token.as_str()[60..]));
    }
}
