//! Where a profile is kept.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::spawn_blocking;

use crate::credentials::Profile;
use crate::error::Error;

/// Where a profile is kept: in memory, or in a file that several programs may use at the
/// same time. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    /// The content in memory; without a file. It is the lock of this process, too.
    memory: Arc<Mutex<Profile>>,
    file: Option<PathBuf>,
}

impl Store {
    /// A store that ends with the program.
    #[must_use]
    pub fn memory() -> Self {
        Self {
            memory: Arc::default(),
            file: None,
        }
    }

    /// A file that only its owner can read. It and its folder are created by the first
    /// log-in. A second file, `FILE.lock`, is locked while a program changes the profile.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            memory: Arc::default(),
            file: Some(path.into()),
        }
    }

    /// The profile; an empty one if nothing is stored.
    ///
    /// # Errors
    ///
    /// [`Kind::Local`](crate::Kind::Local) if the file cannot be read.
    pub async fn read(&self) -> Result<Profile, Error> {
        match &self.file {
            None => Ok(self.memory.lock().await.clone()),
            Some(path) => read(path),
        }
    }

    /// Waits until nobody else changes the profile, and keeps others from it.
    pub(crate) async fn lock(&self) -> Result<Locked, Error> {
        let memory = Arc::clone(&self.memory).lock_owned().await;
        let Some(path) = self.file.clone() else {
            let profile = memory.clone();
            return Ok(Locked {
                profile,
                memory,
                file: None,
            });
        };
        let path_of_lock = path.clone();
        let locking = spawn_blocking(move || lock(&path_of_lock)).await;
        let lock = locking
            .map_err(io::Error::other)
            .and_then(|locked| locked)
            .map_err(|cause| {
                Error::local(format_args!("cannot lock {}: {cause}", path.display()))
            })?;
        Ok(Locked {
            profile: read(&path)?,
            memory,
            file: Some((path, lock)),
        })
    }
}

/// A profile that nobody else can change until this is dropped.
pub(crate) struct Locked {
    /// What is stored, or is to be.
    pub(crate) profile: Profile,
    memory: OwnedMutexGuard<Profile>,
    /// The path, and the locked file.
    file: Option<(PathBuf, File)>,
}

impl Locked {
    /// Stores the profile: all of it, or nothing.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        self.memory.clone_from(&self.profile);
        let Some((path, _)) = &self.file else {
            return Ok(());
        };
        write(path, &self.profile)
            .map_err(|cause| Error::local(format_args!("cannot write {}: {cause}", path.display())))
    }
}

fn read(path: &Path) -> Result<Profile, Error> {
    let failed = |cause: &dyn std::error::Error| {
        Error::local(format_args!("cannot read {}: {cause}", path.display()))
    };
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|cause| failed(&cause)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Profile::default()),
        Err(cause) => Err(failed(&cause)),
    }
}

fn write(path: &Path, profile: &Profile) -> io::Result<()> {
    // Only its owner can read a new temporary file.
    let mut file = NamedTempFile::new_in(folder(path))?;
    let text = serde_json::to_string_pretty(profile).map_err(io::Error::other)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Opens the file beside this one, and locks it.
fn lock(path: &Path) -> io::Result<File> {
    let folder = folder(path);
    if !folder.is_dir() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = File::options();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(name)?;
    file.lock()?;
    if path.exists() {
        // A file that was copied here may be readable by others.
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/profile.json");
        let store = Store::file(&path);

        let mut locked = store.lock().await.unwrap();
        locked.profile.email = "ada@example.com".into();
        locked.write().unwrap();
        drop(locked);

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(store.read().await.unwrap().email, "ada@example.com");
    }

    #[tokio::test]
    async fn two_programs_change_a_profile_in_turn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profile.json");
        // Two stores of one file are like two programs.
        let add = |mark: char| {
            let store = Store::file(&path);
            tokio::spawn(async move {
                for _ in 0..50 {
                    let mut locked = store.lock().await.unwrap();
                    tokio::task::yield_now().await;
                    locked.profile.email.push(mark);
                    locked.write().unwrap();
                }
            })
        };

        let (one, other) = (add('a'), add('b'));
        one.await.unwrap();
        other.await.unwrap();

        let stored = Store::file(&path).read().await.unwrap().email;
        assert_eq!(stored.len(), 100);
    }

    #[tokio::test]
    async fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profile.json");
        fs::write(&path, "{").unwrap();

        let error = Store::file(&path).read().await.unwrap_err();

        assert!(error.message.contains("profile.json"), "{error}");
    }
}
