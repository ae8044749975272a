//! Secrets that are generated once and stored in the data folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;

use crate::error::{OrPath, Result};

/// Returns the key file `name` of the folder; a new one contains key 1.
pub(crate) fn ensure(dir: &Path, name: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    create_once(&path, || {
        Ok(format!("1:{}\n", hex::encode(random::<32>()?)))
    })?;
    Ok(path)
}

/// Returns the file `name` of the folder, which contains 256 random bits.
pub(crate) fn ensure_secret(dir: &Path, name: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    create_once(&path, || Ok(format!("{}\n", hex::encode(random::<32>()?))))?;
    Ok(path)
}

/// Returns the content of the file, which is written the first time.
pub(crate) fn ensure_password(path: &Path) -> Result<String> {
    create_once(path, || Ok(format!("{}\n", hex::encode(random::<12>()?))))?;
    let text = fs::read_to_string(path).or_path("read", path)?;
    Ok(text.trim().to_owned())
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Writes a file that only we can read, completely or not at all; an existing one is
/// kept.
fn create_once(path: &Path, content: impl FnOnce() -> io::Result<String>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let write = || {
        let dir = path.parent().unwrap_or(path);
        // Created with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(content()?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        Ok(())
    };
    write().or_path("write", path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn key_files_are_created_once_and_only_their_owner_can_read_them() {
        let dir = tempfile::tempdir().unwrap();

        let path = ensure(dir.path(), "auth.keys").unwrap();
        let first = fs::read_to_string(&path).unwrap();
        ensure(dir.path(), "auth.keys").unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let hex = first.trim().strip_prefix("1:").unwrap();
        assert_eq!(hex::decode(hex).unwrap().len(), 32);
    }
}
