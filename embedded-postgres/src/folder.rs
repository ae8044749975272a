//! The folder with the state of a running system; one process uses it at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;

use crate::config;
use crate::error::{Error, OrPath, Result};

/// The prefix of the names of temporary folders.
const PREFIX: &str = "addressbook-";

/// A younger folder may belong to a process that has not locked it yet.
const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// A folder with its lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    ephemeral: bool,
    _lock: File,
}

impl Folder {
    /// Opens a persistent folder, and creates it if it is missing.
    pub fn kept(path: &Path) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(mode())
            .create(path)
            .or_path("make", path)?;
        let path = path.canonicalize().or_path("find", path)?;
        open_to_server(&path)?;
        Ok(Self {
            _lock: lock(&path)?,
            path,
            ephemeral: false,
        })
    }

    /// Creates an empty folder that is removed on drop, and removes those that earlier
    /// processes left.
    pub fn ephemeral() -> Result<Self> {
        let temp = config::temp_dir();
        sweep(&temp);
        let path = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(mode()))
            .tempdir_in(&temp)
            .or_path("make a folder in", &temp)?
            .keep();
        Ok(Self {
            _lock: lock(&path)?,
            path,
            ephemeral: true,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the content is removed when the process ends.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.ephemeral {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove a temporary folder");
        }
    }
}

/// Only the owner may enter the folder; but root's server runs as another user, who must
/// reach its folders inside.
fn mode() -> u32 {
    if geteuid().is_root() { 0o711 } else { 0o700 }
}

/// Gives the server access to an existing folder.
fn open_to_server(path: &Path) -> Result<()> {
    let now = fs::metadata(path).or_path("find", path)?.mode();
    if now & mode() == mode() {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(now | mode())).or_path("open", path)
}

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("app.lock");
    let mut file = open_lock(&path).or_path("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).or_path("read", &path)?;
            return Err(Error::InUse {
                dir: dir.to_owned(),
                holder: holder.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(source).or_path("lock", &path),
    }
    let name = std::env::current_exe().unwrap_or_default();
    let holder = format!("process {} ({})\n", std::process::id(), name.display());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(holder.as_bytes()))
        .or_path("write", &path)?;
    Ok(file)
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Removes the ephemeral folders of processes that were killed.
fn sweep(temp: &Path) {
    let Ok(entries) = fs::read_dir(temp) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            continue;
        }
        let settled = entry
            .metadata()
            .and_then(|meta| meta.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > SETTLED_AFTER));
        let path = entry.path();
        let abandoned = || {
            OpenOptions::new()
                .read(true)
                .open(path.join("app.lock"))
                .is_ok_and(|lock| lock.try_lock().is_ok())
        };
        if settled && abandoned() {
            // Another process may be removing it, too.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn age(dir: &Path) {
        let hour_ago = SystemTime::now() - Duration::from_hours(1);
        File::open(dir).unwrap().set_modified(hour_ago).unwrap();
    }

    #[test]
    fn only_abandoned_folders_are_swept() {
        let temp = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let dir = temp.path().join(name);
            fs::create_dir(&dir).unwrap();
            let lock = lock(&dir).unwrap();
            age(&dir);
            (dir, lock)
        };
        let (abandoned, lock) = make("addressbook-1");
        drop(lock);
        let (used, _lock) = make("addressbook-2");
        let (foreign, lock) = make("other");
        drop(lock);

        sweep(temp.path());

        assert!(!abandoned.exists());
        assert!(used.exists());
        assert!(foreign.exists());
    }
}
