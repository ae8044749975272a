//! Everything that this crate reads from the environment.

use std::env;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::binaries::Search;

impl Search {
    /// Where to search for a server: only in `POSTGRES_BIN_DIR` if that is set; else in
    /// PATH, the usual folders, and the cache of downloads.
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            bin_dir: env::var_os("POSTGRES_BIN_DIR")
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from),
            path: env::var_os("PATH")
                .map(|path| env::split_paths(&path).collect())
                .unwrap_or_default(),
            root: Some(PathBuf::from("/")),
            cache: cache(),
        }
    }
}

/// The user that runs the server for root cannot read root's own cache.
fn cache() -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some(PathBuf::from("/var/cache/addressbook"));
    }
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .map(|dir| dir.join("addressbook"))
}

/// Where temporary folders are created: TMPDIR, else /tmp.
pub(crate) fn temp_dir() -> PathBuf {
    let dir = env::temp_dir();
    if dir.is_absolute() {
        dir
    } else {
        Path::new("/tmp").to_owned()
    }
}

/// The names of all variables that PostgreSQL's programs would obey.
pub(crate) fn postgres_variables() -> impl Iterator<Item = std::ffi::OsString> {
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.as_encoded_bytes().starts_with(b"PG"))
}
