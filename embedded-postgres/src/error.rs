//! Everything that can go wrong with a private server.

use std::io;
use std::path::{Path, PathBuf};

/// What calls in this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A server that could not be found, started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder has a usable server, and none could be downloaded.
    #[error(
        "found no PostgreSQL 15 to 18 with pg_trgm and btree_gin; install it (Debian, Ubuntu: \
         apt-get install postgresql; Fedora: dnf install postgresql-server postgresql-contrib; \
         macOS: brew install postgresql@18). Checked: {}", reasons.join("; ")
    )]
    NotFound {
        /// Why each folder was rejected, and why the download failed.
        reasons: Vec<String>,
    },
    /// The folder named by the operator has no usable server.
    #[error("POSTGRES_BIN_DIR: {0}")]
    Unusable(String),
    /// No server runs on the folder.
    #[error("no database server runs on {}; start it first, or name its folder", .0.display())]
    NotRunning(PathBuf),
    /// Another process uses the folder.
    #[error("{} is in use by {holder}; stop it, or choose another folder", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// The process that uses it.
        holder: String,
    },
    /// The data was written by another major version.
    #[error(
        "{} holds data of PostgreSQL {data}, but {} is version {server}; set POSTGRES_BIN_DIR to \
         the binaries of version {data}, or choose another folder", dir.display(), binaries.display()
    )]
    MajorVersion {
        /// The data folder.
        dir: PathBuf,
        /// Its major version.
        data: String,
        /// The folder of the binaries.
        binaries: PathBuf,
        /// Their major version.
        server: u32,
    },
    /// The server's user cannot reach a folder.
    #[error(
        "user {user}, who runs the server because root must not, cannot enter {}; choose a folder \
         that is open to all users, such as one below /var/lib", dir.display()
    )]
    Closed {
        /// The folder that cannot be entered.
        dir: PathBuf,
        /// The server's user.
        user: String,
    },
    /// Root cannot run the server, and there is no user for it to switch to.
    #[error("root must not run PostgreSQL, and there is no user postgres or nobody")]
    NoUser,
    /// The download has an unexpected checksum.
    #[error("{file} has the SHA-256 {actual}, not {expected}")]
    Checksum {
        /// The downloaded file.
        file: String,
        /// The expected SHA-256, in hex.
        expected: String,
        /// The actual SHA-256, in hex.
        actual: String,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: &'static str,
        /// The end of what it printed.
        output: String,
    },
    /// An operation of the operating system failed.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// The operation that was tried.
        what: &'static str,
        /// The path that it was tried on.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server refused a statement.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The test's own preparation failed.
    #[error("cannot prepare the template database: {0}")]
    Prepare(Box<dyn std::error::Error + Send + Sync>),
}

/// Names the path in an I/O error: `fs::read(path).or_path("read", path)?`.
pub(crate) trait OrPath<T> {
    fn or_path(self, what: &'static str, path: &Path) -> Result<T>;
}

impl<T> OrPath<T> for io::Result<T> {
    fn or_path(self, what: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            what,
            path: path.to_owned(),
            source,
        })
    }
}
