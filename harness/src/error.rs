//! Why the system could not be started or kept running.

use std::io;
use std::path::{Path, PathBuf};

/// What calls in this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The errors shown at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The private database server cannot be found, started or used.
    #[error(transparent)]
    Postgres(#[from] embedded_postgres::Error),
    /// The database refused a statement or a connection.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The auth service cannot be called.
    #[error(transparent)]
    Upstream(#[from] chassis::auth_client::upstream::UpstreamError),
    /// There is no data folder: neither the flag nor a home folder.
    #[error("there is no home folder; name a folder with --data-dir, or use --ephemeral")]
    NoHome,
    /// A load needs the private database, not an existing one.
    #[error("this needs the private database")]
    NotOwn,
    /// A signal arrived before the end.
    #[error("stopped before the end")]
    Stopped,
    /// The database was not migrated.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A query or the schema was changed.
    #[error(".sqlx is not up to date; run `cargo dev prepare`")]
    StaleQueries,
    /// A setting was changed.
    #[error("docs/CONFIGURATION.md is not up to date; run `cargo dev configuration`")]
    StaleConfiguration,
    /// A proto or an example was changed.
    #[error("docs/reference is not up to date; run `cargo dev reference`")]
    StaleReference,
    /// An example does not fit the protos, or a method has none.
    #[error("docs/reference/examples.json: {0}")]
    Example(String),
    /// The services were not built.
    #[error("cargo could not build the services")]
    Build,
    /// The services' programs are not in the folder of this one.
    #[error("{} is missing; start this program with `cargo dev`, or build the services", .0.display())]
    NoProgram(PathBuf),
    /// A program that should succeed failed.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// Its name and command.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it printed.
        output: String,
    },
    /// Another program listens on the address.
    #[error(
        "{address}, where the {name} service is to listen, is in use by another program; \
         choose another address with {flag}, or a free port with {flag} 127.0.0.1:0"
    )]
    AddressInUse {
        /// The service.
        name: &'static str,
        /// The address.
        address: std::net::SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// The environment configures TLS for the services.
    #[error("`cargo dev` serves this machine only, without TLS; unset {0}")]
    NoTls(&'static str),
    /// `make-admin` failed and printed why.
    #[error("cannot make an administrator ({0})")]
    MakeAdmin(std::process::ExitStatus),
    /// A service exited before it was ready.
    #[error("the {name} service ended at its start ({status}); its output:\n{output}")]
    Ended {
        /// The service.
        name: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its last lines.
        output: String,
    },
    /// A service does not become ready.
    #[error("the {name} service does not serve after {seconds} s; its output:\n{output}")]
    NotServing {
        /// The service.
        name: &'static str,
        /// How long it was given.
        seconds: u64,
        /// Its last lines.
        output: String,
    },
    /// A service exits repeatedly.
    #[error("the {name} service ended {times} times within {seconds} s; its output:\n{output}")]
    CrashLoop {
        /// The service.
        name: &'static str,
        /// How often.
        times: usize,
        /// The time in which it exited so often.
        seconds: u64,
        /// Its last lines.
        output: String,
    },
    /// The demo user's password is lost.
    #[error("the demo user exists, but {} does not contain its password", .0.display())]
    DemoPassword(PathBuf),
    /// A call failed while data was created.
    #[error("cannot create the data: {0}")]
    Call(Box<tonic::Status>),
    /// A load cannot be run.
    #[error("cannot run the load: {0}")]
    Load(Box<dyn std::error::Error + Send + Sync>),
    /// A torture found what must never happen.
    #[error("{0} violations")]
    Violations(usize),
    /// A service cannot be reached.
    #[error("cannot reach a service: {0}")]
    Transport(#[from] tonic::transport::Error),
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
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        Self::Call(Box::new(status))
    }
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
