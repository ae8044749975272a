//! What the database's errors mean, told by kind and SQLSTATE (PostgreSQL documentation,
//! appendix A), never by text.

use std::time::Duration;

use tonic::Code;

use crate::status::Refusal;

/// Why the database did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be reached, or is starting, stopping or read-only.
    Away,
    /// It has no room, no memory, or trouble with its disk.
    Failing,
    /// Other calls hold the same rows, or read them at the same time.
    Contended,
    /// The statement took too long, and was undone.
    TooSlow,
    /// A fault of ours.
    Fault,
}

/// After this time a database that has no room may have some again.
const FAILING_FOR: Duration = Duration::from_secs(10);

impl Failure {
    /// What an error means.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        if is_unavailable(error) {
            return Self::Away;
        }
        let sqlx::Error::Database(error) = error else {
            return Self::Fault;
        };
        let state = error.code().unwrap_or_default();
        match &*state {
            // No such user or database, or not with this password.
            "28000" | "28P01" | "3D000" => Self::Away,
            "40001" | "40P01" | "55P03" => Self::Contended,
            "57014" => Self::TooSlow,
            state if state.starts_with("53") || state.starts_with("58") => Self::Failing,
            _ => Self::Fault,
        }
    }

    /// How it looks to the client; the cause belongs into the log.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Away => Refusal::store_unavailable(),
            Self::Failing => Refusal::new(
                Code::Unavailable,
                "STORE_FAILING",
                "the database cannot do this at the moment; retry",
            )
            .retry_after(FAILING_FOR),
            Self::Contended => Refusal::new(
                Code::Unavailable,
                "STORE_BUSY",
                "other calls are changing the same data; retry",
            ),
            Self::TooSlow => Refusal::new(
                Code::DeadlineExceeded,
                "STORE_TOO_SLOW",
                "the database took too long, and nothing was changed; request less in one call",
            ),
            Self::Fault => Refusal::internal(),
        }
    }
}

/// Whether there is no connection, or none that is of use, and the same server or
/// another one may give one later.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|state| {
            state.starts_with("08")
                || matches!(
                    &*state,
                    // Read-only; a transaction, or a session, that was idle for too long;
                    // too many connections; shutdown and start-up.
                    "25006" | "25P03" | "25P04" | "53300" | "57P01" | "57P02" | "57P03" | "57P05"
                )
        }),
        _ => false,
    }
}
