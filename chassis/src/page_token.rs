//! Page tokens: the position in a list, sealed so that a client can neither read nor
//! change it nor use it for another list.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::settings::keyring::KeyRing;

/// Seals and opens page tokens; replicas with the same key file accept each other's.
pub struct Sealer {
    keys: BTreeMap<u8, RandomizedNonceKey>,
    current: u8,
}

/// The scope of a token: one method, one owner, one request.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The owner of the list.
    pub owner: Uuid,
    /// SHA-256 of the request without its paging fields.
    pub request_hash: [u8; 32],
}

impl Scope<'_> {
    fn aad(&self) -> Vec<u8> {
        let parts: [&[u8]; 3] = [
            self.owner.as_bytes(),
            &self.request_hash,
            self.method.as_bytes(),
        ];
        parts.concat()
    }
}

impl Sealer {
    /// Seals with the newest key of the ring, and opens with all.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        #[expect(clippy::expect_used, reason = "AES-256 takes every key of 32 bytes")]
        let key = |key: &[u8]| RandomizedNonceKey::new(&AES_256_GCM_SIV, key).expect("32 bytes");
        let keys = ring.all("page-token").into_iter();
        Self {
            keys: keys.map(|(kid, bytes)| (kid, key(&*bytes))).collect(),
            current: ring.current_kid(),
        }
    }

    /// Returns a URL-safe token that contains `position`.
    #[must_use]
    pub fn seal(&self, scope: Scope<'_>, position: &impl Serialize) -> String {
        #[expect(
            clippy::expect_used,
            reason = "positions are plain data and a few kB at most"
        )]
        let sealed = || {
            let mut sealed = serde_json::to_vec(position).expect("plain data");
            let nonce = self.keys[&self.current]
                .seal_in_place_append_tag(Aad::from(scope.aad()), &mut sealed)
                .expect("short enough");
            (nonce, sealed)
        };
        let (nonce, sealed) = sealed();
        let token = [&[self.current][..], nonce.as_ref(), &sealed].concat();
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// Returns what was sealed for exactly this scope, or `None`.
    #[must_use]
    pub fn open<T: DeserializeOwned>(&self, scope: Scope<'_>, token: &str) -> Option<T> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (kid, rest) = token.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let position = self
            .keys
            .get(kid)?
            .open_in_place(nonce, Aad::from(scope.aad()), &mut sealed)
            .ok()?;
        serde_json::from_slice(position).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::keyring::generate_line;

    fn sealer() -> Sealer {
        Sealer::new(&KeyRing::parse(&generate_line(1).unwrap()).unwrap())
    }

    fn sealer_of_another_key() -> Sealer {
        sealer()
    }

    fn scope() -> Scope<'static> {
        Scope {
            method: "ListContacts",
            owner: Uuid::from_u128(1),
            request_hash: [1; 32],
        }
    }

    #[test]
    fn a_token_opens_where_it_was_sealed_for() {
        let sealer = sealer();
        let token = sealer.seal(scope(), &("Ada", 7));
        assert_eq!(sealer.open(scope(), &token), Some(("Ada".to_owned(), 7)));
    }

    #[test]
    fn a_token_opens_nowhere_else() {
        let sealer = sealer();
        let token = sealer.seal(scope(), &7);
        for other in [
            Scope {
                method: "SearchContacts",
                ..scope()
            },
            Scope {
                owner: Uuid::from_u128(2),
                ..scope()
            },
            Scope {
                request_hash: [2; 32],
                ..scope()
            },
        ] {
            assert_eq!(sealer.open::<i32>(other, &token), None);
        }
        assert_eq!(sealer_of_another_key().open::<i32>(scope(), &token), None);
    }

    #[test]
    fn a_changed_byte_spoils_a_token() {
        let sealer = sealer();
        let token = sealer.seal(scope(), &7);
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(sealer.open::<i32>(scope(), &changed), None, "byte {index}");
        }
        for short in ["", "AQ", &token[..20]] {
            assert_eq!(sealer.open::<i32>(scope(), short), None);
        }
    }

    #[test]
    fn an_older_key_still_opens() {
        let (old, new) = (generate_line(1).unwrap(), generate_line(2).unwrap());
        let before = Sealer::new(&KeyRing::parse(&old).unwrap());
        let both = format!("{}\n{}", *old, *new);
        let after = Sealer::new(&KeyRing::parse(&both).unwrap());
        assert_eq!(after.open(scope(), &before.seal(scope(), &7)), Some(7));
    }
}
