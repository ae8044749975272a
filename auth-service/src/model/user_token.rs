//! Random tokens that contain their user.
//!
//! `prefix + base64url(user:16 | secret:32)`. Rows are found by the user and the token's
//! SHA-256; the token itself is not stored.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::user_id::UserId;
use uuid::Uuid;
use zeroize::Zeroizing;

use chassis::sha256::sha256;

const USER_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// A token. Must not be printed; wiped on drop.
pub struct UserToken {
    /// The user.
    pub user_id: UserId,
    text: Zeroizing<String>,
}

impl UserToken {
    /// Generates a token with this `prefix`.
    pub fn generate(prefix: &str, user_id: UserId) -> Result<Self, Unspecified> {
        let mut bytes = Zeroizing::new([0; USER_BYTES + SECRET_BYTES]);
        let (user, secret) = bytes.split_at_mut(USER_BYTES);
        user.copy_from_slice(user_id.0.as_bytes());
        rand::fill(secret)?;
        let mut text = Zeroizing::new(prefix.to_owned());
        BASE64_URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        Ok(Self { user_id, text })
    }

    /// Parses a token; `None` if it cannot be one with this `prefix`.
    #[must_use]
    pub fn parse(prefix: &str, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(prefix)?;
        let mut bytes = Zeroizing::new([0; USER_BYTES + SECRET_BYTES]);
        let length = BASE64_URL_SAFE_NO_PAD
            .decode_slice(encoded, &mut *bytes)
            .ok()?;
        let user = bytes.first_chunk::<USER_BYTES>()?;
        (length == bytes.len()).then(|| Self {
            user_id: UserId(Uuid::from_bytes(*user)),
            text: Zeroizing::new(text.to_owned()),
        })
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its stored hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "xt1_";

    #[test]
    fn a_token_is_parsed_to_what_it_was_made_from() {
        let made = UserToken::generate(KIND, UserId::generate()).unwrap();

        let read = UserToken::parse(KIND, made.as_str()).unwrap();

        assert_eq!(read.user_id, made.user_id);
        assert_eq!(read.hash(), made.hash());
        let other = UserToken::generate(KIND, made.user_id).unwrap();
        assert_ne!(other.hash(), made.hash());
    }

    #[test]
    fn text_that_is_not_a_token_is_not_parsed() {
        let token = UserToken::generate(KIND, UserId::generate()).unwrap();
        let text = token.as_str();
        for wrong in [
            "",
            KIND,
            &text[4..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            &format!("{text}="),
            &format!("{text}AAAA"),
            &text.replace(KIND, "rt1_"),
            "xt1_\u{e9}",
            &"xt1_\u{e9}".repeat(40),
        ] {
            assert!(UserToken::parse(KIND, wrong).is_none(), "{wrong}");
        }
    }
}
