//! Secrets in files that other users of the machine cannot access.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::settings::keyring::looks_random;

/// The minimum length, in characters: 256 bits in base64 have 43.
const CHARS_MIN: usize = 43;

/// The mount of secrets in containers. It is not visible outside, and Docker makes the
/// files readable by all by default.
const MOUNTED: &str = "/run/secrets";

/// Why a secret cannot be used. Never contains the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be read.
    #[error("cannot read the secret file {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// It is too short to be random.
    #[error("the secret in {path} is shorter than {CHARS_MIN} characters; generate a random one")]
    Short {
        /// The file.
        path: String,
    },
    /// A placeholder.
    #[error("the secret in {path} repeats a few characters; generate a random one")]
    NotRandom {
        /// The file.
        path: String,
    },
}

/// Reads a file of secrets. Every such file is read with this function, which refuses one
/// that other users can access.
pub fn bytes(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    // The mode of the open file, because the path may have changed.
    let metadata = file.metadata()?;
    let mounted = || Ok::<_, io::Error>(path.canonicalize()?.starts_with(MOUNTED));
    // The mode of a pipe (`<(command)` in a shell) is meaningless.
    if metadata.is_file() && others_can_use(metadata.mode(), mounted()?) {
        return Err(open_to_others(path, metadata.mode()));
    }
    // Read with its final size, because a growing buffer leaves copies.
    let size = usize::try_from(metadata.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The group may read it, because Kubernetes assigns files to the pod's group.
fn others_can_use(mode: u32, mounted: bool) -> bool {
    let refused = if mounted { 0o002 } else { 0o007 };
    mode & refused != 0
}

fn open_to_others(path: &Path, mode: u32) -> io::Error {
    let (path, mode) = (path.display(), mode & 0o7777);
    let text =
        format!("other users can access {path} (its mode is {mode:04o}); run `chmod 600 {path}`");
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

/// Reads a file of secrets that is text.
pub fn lines(path: &Path) -> io::Result<Zeroizing<String>> {
    let bytes = bytes(path)?;
    let text = str::from_utf8(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads the secret in a file, random or not, without the line end.
pub fn text(path: &Path) -> io::Result<SecretString> {
    Ok(lines(path)?.trim_end().into())
}

/// Writes a file of secrets, which other users cannot access.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Reads a random secret.
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
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_can_use_is_refused_with_its_mode_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write(&path, "x\n").unwrap();
        let mode = |mode| fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        for open in [0o644, 0o604, 0o602, 0o601, 0o666, 0o444] {
            mode(open);

            let refused = bytes(&path).unwrap_err();

            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            let path = path.display();
            let problem = format!("other users can access {path} (its mode is {open:04o})");
            assert_eq!(
                refused.to_string(),
                format!("{problem}; run `chmod 600 {path}`")
            );
        }
        for closed in [0o600, 0o400, 0o440, 0o660, 0o700] {
            mode(closed);
            assert_eq!(**bytes(&path).unwrap(), *b"x\n", "{closed:o}");
        }
    }

    #[test]
    fn a_link_has_the_mode_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("secret"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&path, "x\n").unwrap();
        assert_eq!(*lines(&link).unwrap(), "x\n");

        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();

        assert!(lines(&link).is_err());
    }

    #[test]
    fn a_secret_mounted_in_a_container_may_be_readable_by_all() {
        for mode in [0o400, 0o440, 0o444] {
            assert!(!others_can_use(mode, true), "{mode:o}");
        }
        assert!(others_can_use(0o666, true));
    }

    #[test]
    fn a_file_that_is_written_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");

        write(&path, "longer").unwrap();
        write(&path, "short").unwrap();

        assert_eq!(*lines(&path).unwrap(), "short");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

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
