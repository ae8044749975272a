//! Secrets that programs share, each in a file of its own.

use std::path::Path;
use std::{fs, io};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::keyring::looks_random;

/// The fewest characters: 256 bits in base64 have 43.
const CHARS_MIN: usize = 43;

/// Why a secret is of no use. Says nothing of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be read.
    #[error("cannot read the secret file {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// Someone chose it.
    #[error("the secret in {path} is shorter than {CHARS_MIN} characters; make one at random")]
    Short {
        /// The file.
        path: String,
    },
    /// A placeholder.
    #[error("the secret in {path} repeats a few characters; make one at random")]
    NotRandom {
        /// The file.
        path: String,
    },
}

/// Reads the secret in a file, whoever chose it, without the line's end.
pub fn text(path: &Path) -> io::Result<SecretString> {
    let text = Zeroizing::new(fs::read_to_string(path)?);
    Ok(text.trim_end().into())
}

/// Reads a secret that was made at random.
pub fn read(path: &Path) -> Result<SecretString, SecretFileError> {
    let shown = || path.display().to_string();
    let secret = text(path).map_err(|cause| SecretFileError::Unreadable {
        path: shown(),
        cause,
    })?;
    if secret.expose_secret().len() < CHARS_MIN {
        return Err(SecretFileError::Short { path: shown() });
    }
    if !looks_random(secret.expose_secret().as_bytes()) {
        return Err(SecretFileError::NotRandom { path: shown() });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_somebody_chose_is_refused_with_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (secret, problem) in [
            ("hunter2".to_owned(), "is shorter than 43 characters"),
            ("0".repeat(64), "repeats a few characters"),
            ("secret".repeat(10), "repeats a few characters"),
        ] {
            fs::write(file.path(), secret).unwrap();

            let refused = read(file.path()).unwrap_err().to_string();

            let path = file.path().display();
            assert!(
                refused.starts_with(&format!("the secret in {path} {problem}")),
                "{refused}"
            );
        }
    }
}
