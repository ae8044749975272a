//! Secrets that programs share, each in a file of its own.

use std::path::Path;
use std::{fs, io};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

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
    Ok(secret)
}
