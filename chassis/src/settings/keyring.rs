//! The secret keys of a service, kept in a file outside the database.
//!
//! One line per key, `KID:HEX`: a number from 1 to 255 and 32 random bytes in
//! hexadecimal. The key with the highest number seals and signs; all keys open and
//! verify. To rotate, add a line; to retire a key, remove its line.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::{hkdf, rand};
use zeroize::Zeroizing;

use crate::settings::secret_file;

/// 32 secret bytes, wiped when dropped.
pub type Key32 = Zeroizing<[u8; 32]>;

/// The keys of one file.
pub struct KeyRing {
    keys: BTreeMap<u8, Key32>,
    current: u8,
}

/// Why a key file cannot be used. Never contains key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file cannot be read.
    #[error("cannot read the key file {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// A line is malformed.
    #[error("line {0} of the key file is not KID:HEX with a KID from 1 to 255 and 64 digits")]
    Malformed(usize),
    /// The key is not random.
    #[error("line {0} of the key file does not have a random key; `generate-key` prints one")]
    NotRandom(usize),
    /// Two lines have the same number.
    #[error("line {0} of the key file repeats a KID")]
    Repeated(usize),
    /// The file has no key.
    #[error("the key file has no key; `generate-key` prints one")]
    Empty,
}

impl KeyRing {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, KeyRingError> {
        let text = secret_file::lines(path).map_err(|cause| KeyRingError::Unreadable {
            path: path.display().to_string(),
            cause,
        })?;
        Self::parse(&text)
    }

    /// Parses the lines of a key file; empty ones and those that begin with `#` are
    /// skipped.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || KeyRingError::Malformed(index + 1);
            let (kid, digits) = line.split_once(':').ok_or_else(malformed)?;
            let kid = kid
                .parse()
                .ok()
                .filter(|kid| *kid > 0)
                .ok_or_else(malformed)?;
            let mut key = Key32::default();
            hex::decode_to_slice(digits, &mut *key).map_err(|_| malformed())?;
            if !looks_random(&*key) {
                return Err(KeyRingError::NotRandom(index + 1));
            }
            if keys.insert(kid, key).is_some() {
                return Err(KeyRingError::Repeated(index + 1));
            }
        }
        let current = *keys.last_key_value().ok_or(KeyRingError::Empty)?.0;
        Ok(Self { keys, current })
    }

    /// The number of the newest key.
    #[must_use]
    pub fn current_kid(&self) -> u8 {
        self.current
    }

    /// The newest key for one purpose, with its number.
    #[must_use]
    pub fn current(&self, purpose: &str) -> (u8, Key32) {
        (self.current, derive(&self.keys[&self.current], purpose))
    }

    /// The key with this number for one purpose.
    #[must_use]
    pub fn get(&self, kid: u8, purpose: &str) -> Option<Key32> {
        self.keys.get(&kid).map(|key| derive(key, purpose))
    }

    /// Every key for one purpose, by its number.
    #[must_use]
    pub fn all(&self, purpose: &str) -> BTreeMap<u8, Key32> {
        let derived = |(kid, key): (&u8, &Key32)| (*kid, derive(key, purpose));
        self.keys.iter().map(derived).collect()
    }
}

/// False for a placeholder, such as zeros or a few repeated bytes. 32 random bytes have
/// about 30 different values, and never fewer than 8.
pub(crate) fn looks_random(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in bytes {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count() >= 8
}

/// A new line for a key file.
pub fn generate_line(kid: u8) -> Result<Zeroizing<String>, aws_lc_rs::error::Unspecified> {
    let mut key = Key32::default();
    rand::fill(&mut *key)?;
    Ok(Zeroizing::new(format!("{kid}:{}", hex::encode(*key))))
}

/// HKDF-SHA256 (RFC 5869) with the purpose as its info: a leaked key for one purpose
/// reveals nothing about the others.
fn derive(key: &Key32, purpose: &str) -> Key32 {
    let mut out = Key32::default();
    let info = [purpose.as_bytes()];
    let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, b"addressbook")
        .extract(&**key)
        .expand(&info, hkdf::HKDF_SHA256)
        .and_then(|material| material.fill(&mut *out));
    #[expect(
        clippy::expect_used,
        reason = "32 bytes are within HKDF's limit of 8160"
    )]
    filled.expect("HKDF gives 32 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kid: u8) -> String {
        generate_line(kid).unwrap().to_string()
    }

    #[test]
    fn the_highest_number_is_current_wherever_its_line_is() {
        let ring = KeyRing::parse(&format!("# keys\n{}\n\n{}\n", line(7), line(2))).unwrap();
        assert_eq!(ring.current("x").0, 7);
        assert!(ring.get(2, "x").is_some() && ring.get(3, "x").is_none());
    }

    #[test]
    fn purposes_get_different_keys() {
        let ring = KeyRing::parse(&line(1)).unwrap();
        assert_ne!(*ring.current("a").1, *ring.current("b").1);
        assert_eq!(*ring.current("a").1, *ring.get(1, "a").unwrap());
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        for (text, problem) in [
            (String::new(), "has no key"),
            ("1:abcd".into(), "line 1"),
            (line(0), "line 1"),
            (format!("{}\n256:00", line(1)), "line 2"),
            (format!("{}\n{}", line(1), line(1)), "line 2"),
            (
                format!("1:{}", "0".repeat(64)),
                "line 1 of the key file does not have a random key",
            ),
            (
                format!("{}\n2:{}", line(1), "deadbeef".repeat(8)),
                "line 2 of the key file does not have a",
            ),
        ] {
            let error = KeyRing::parse(&text).err().unwrap().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
