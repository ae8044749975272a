//! The tokens that come by mail: who has one has read the account's mail.
//!
//! `"et1_" + base64url(user:16 | secret:32)`: the user says where to look for the
//! token, of which SHA-256 rests.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::user_id::UserId;
use chrono::TimeDelta;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::refresh_token::sha256;

const PREFIX: &str = "et1_";
const USER_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To confirm the e-mail.
    Verification,
    /// To choose a new password.
    Reset,
}

impl Purpose {
    /// As the table has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Reset => "reset",
        }
    }

    /// From when the mail was asked for.
    #[must_use]
    pub fn life(self) -> TimeDelta {
        match self {
            Self::Verification => TimeDelta::hours(24),
            Self::Reset => TimeDelta::minutes(15),
        }
    }
}

/// A token. Not to be printed.
pub struct EmailToken {
    /// Whose account it is good for.
    pub user_id: UserId,
    text: Zeroizing<String>,
}

impl EmailToken {
    /// Makes a token at random.
    pub fn generate(user_id: UserId) -> Result<Self, Unspecified> {
        let mut bytes = Zeroizing::new([0; USER_BYTES + SECRET_BYTES]);
        let (user, secret) = bytes.split_at_mut(USER_BYTES);
        user.copy_from_slice(user_id.0.as_bytes());
        rand::fill(secret)?;
        let encoded = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes));
        Ok(Self {
            user_id,
            text: Zeroizing::new(format!("{PREFIX}{}", *encoded)),
        })
    }

    /// Reads what may be a token; spaces around it came by copying.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let encoded = text.strip_prefix(PREFIX)?;
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

    /// What rests of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_made() {
        let made = EmailToken::generate(UserId::generate()).unwrap();

        let read = EmailToken::parse(&format!(" {}\n", made.as_str())).unwrap();

        assert_eq!(read.user_id, made.user_id);
        assert_eq!(read.hash(), made.hash());
        let other = EmailToken::generate(made.user_id).unwrap();
        assert_ne!(other.hash(), made.hash());
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let token = EmailToken::generate(UserId::generate()).unwrap();
        let text = token.as_str();
        for wrong in [
            "",
            "et1_",
            &text[4..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            &format!("{text}AAAA"),
            &text.replace("et1_", "rt1_"),
            &"et1_é".repeat(40),
        ] {
            assert!(EmailToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
