//! Passwords, and the policy for new ones (NIST SP 800-63B).

pub mod common_passwords;
pub mod credentials;
pub mod hasher;
pub mod pepper;
pub mod phc;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use self::credentials::Passwords;
use crate::error::Error;
use crate::model::email::Email;
use crate::model::predictable::is_predictable;

/// A password in NFC, wiped on drop. Never truncated, trimmed or case-folded.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The shortest password, in characters: code points, as NIST SP 800-63B counts.
    pub const CHARS_MIN: usize = 12;
    /// The longest password, in bytes.
    pub const BYTES_MAX: usize = 1024;
    /// A local part shorter than this may be in the password, because many passwords
    /// contain it by chance.
    const LOCAL_CHARS_MIN: usize = 3;

    /// Accepts a new password for the account of `email`, or returns what is wrong with
    /// it; `field` is its request field.
    pub fn choose(text: &str, field: &'static str, email: &Email) -> Result<Self, Error> {
        let refuse = |reason, problem| Err(Error::invalid(reason, field, problem));
        let Some(password) = nfc(text) else {
            return refuse("PASSWORD_TOO_LONG", "must have at most 1024 bytes");
        };
        if password.chars().count() < Self::CHARS_MIN {
            return refuse("PASSWORD_TOO_SHORT", "must have at least 12 characters");
        }
        if common_passwords::contains(&password) {
            return refuse("PASSWORD_COMMON", "is one of the most used passwords");
        }
        if is_predictable(&password) {
            let problem = "repeats a few characters, or follows the alphabet or the keyboard";
            return refuse("PASSWORD_COMMON", problem);
        }
        let local = email.local();
        let folded: Zeroizing<String> = Zeroizing::new(password.to_lowercase().nfc().collect());
        if local.chars().count() >= Self::LOCAL_CHARS_MIN && folded.contains(local) {
            return refuse("PASSWORD_CONTEXT", "contains the e-mail's local part");
        }
        Ok(Self(password))
    }

    /// A password as sent. One that is too long for any account becomes the empty one,
    /// which no account has and which costs the same to check.
    #[must_use]
    pub fn claim(text: &str) -> Self {
        Self(nfc(text).unwrap_or_default())
    }

    /// The bytes to hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// NFC of at most 1024 bytes, without leaving copies in memory.
fn nfc(text: &str) -> Option<Zeroizing<String>> {
    // NFC leaves at least a third of the bytes (UAX 15 section 9), so a longer text is
    // too long in any case.
    const RAW_BYTES_MAX: usize = 4 * Password::BYTES_MAX;
    if text.len() > RAW_BYTES_MAX {
        return None;
    }
    // NFC can also make a text up to three times as long. The capacity covers that,
    // because a growing buffer would leave copies in memory.
    let mut password = Zeroizing::new(String::with_capacity(3 * text.len()));
    password.extend(text.nfc());
    (password.len() <= Password::BYTES_MAX).then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str, email: &str) -> &'static str {
        match Password::choose(text, "password", &Email::parse(email).unwrap()) {
            Ok(_) => "",
            Err(Error::Invalid { reason, .. }) => reason,
            Err(_) => unreachable!("choosing a password fails in no other way"),
        }
    }

    #[test]
    fn a_password_has_12_characters_and_1024_bytes_of_the_normal_form() {
        let email = "ada@example.org";
        assert_eq!(reason("kx0-f7a-p2q", email), "PASSWORD_TOO_SHORT");
        assert_eq!(reason("kx0-f7a-p2q9", email), "");
        // 12 letters of two or three bytes each, and 11 of them.
        assert_eq!(reason("ключотдвери9", email), "");
        assert_eq!(reason("ключотдвери", email), "PASSWORD_TOO_SHORT");
        // Each is two characters, and one of the normal form.
        let decomposed = "u\u{308}o\u{308}a\u{308}e\u{301}o\u{301}i\u{301}";
        assert_eq!(reason(decomposed, email), "PASSWORD_TOO_SHORT");
        assert_eq!(reason(&format!("{decomposed}kx0-f7"), email), "");
        let longest = format!("{}1024 bytes", "ключ от двери ".repeat(42).split_at(1014).0);
        assert_eq!(longest.len(), 1024);
        assert_eq!(reason(&longest, email), "");
        assert_eq!(reason(&format!("{longest}x"), email), "PASSWORD_TOO_LONG");
        assert_eq!(reason(&"7q".repeat(100_000), email), "PASSWORD_TOO_LONG");
    }

    #[test]
    fn a_common_password_is_refused_in_any_case() {
        assert_eq!(
            reason("PasswordPassword", "ada@example.org"),
            "PASSWORD_COMMON"
        );
    }

    #[test]
    fn a_predictable_password_is_refused() {
        for password in ["aaaaaaaaaaaa", "123412341234", "Abcdefghijkl"] {
            assert_eq!(reason(password, "eve@example.org"), "PASSWORD_COMMON");
        }
    }

    #[test]
    fn a_password_with_the_local_part_is_refused() {
        assert_eq!(
            reason("my-AdA.Lovelace-1815", "ada.lovelace@x.org"),
            "PASSWORD_CONTEXT"
        );
        assert_eq!(
            reason("o0-MÜLLER-9x-q7", "mu\u{308}ller@x.org"),
            "PASSWORD_CONTEXT"
        );
        assert_eq!(reason("my-ab-password-1815", "ab@x.org"), "");
    }

    #[test]
    fn spellings_of_one_password_are_one() {
        let (a, b) = (Password::claim("mu\u{308}ller"), Password::claim("müller"));
        assert_eq!(a.as_bytes(), b.as_bytes());
        assert_ne!(
            Password::claim("A").as_bytes(),
            Password::claim("a").as_bytes()
        );
        assert_ne!(
            Password::claim(" a").as_bytes(),
            Password::claim("a").as_bytes()
        );
    }

    #[test]
    fn a_sent_password_that_is_too_long_matches_no_account() {
        assert_eq!(Password::claim(&"a".repeat(1025)).as_bytes(), b"");
        assert_eq!(Password::claim(&"a".repeat(1024)).as_bytes().len(), 1024);
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(format!("{:?}", Password::claim("secret")), "Password(..)");
    }
}
