//! What the database's errors mean, by kind and SQLSTATE (PostgreSQL documentation,
//! appendix A), never by text.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::error::DatabaseError;
use tonic::Code;

use crate::metrics::{Labelled, count};
use crate::status::Refusal;

/// How often calls of this process failed, by SQLSTATE. Not a part of [`super::Database`],
/// because an error does not know its database, and a process has one.
static COUNTED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Why a database call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be reached, or is starting, stopping or read-only.
    Away,
    /// It is out of disk space or memory, or its disk fails.
    Failing,
    /// Other calls lock the same rows, or conflict with the transaction.
    Contended,
    /// The statement took too long and was cancelled.
    TooSlow,
    /// A bug.
    Fault,
}

/// The retry delay while the database is out of space or memory.
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

    /// Counts an error that a call ends with, for metrics.
    pub fn count(error: &sqlx::Error) {
        let state = error.as_database_error().and_then(DatabaseError::code);
        // Mostly because the database did not respond.
        let state = state.unwrap_or("none".into()).into_owned();
        let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
        *counted.entry(state).or_default() += 1;
    }

    /// The error for the client; the cause is logged only.
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

/// What [`Failure::count`] has counted.
pub(super) fn counted() -> Vec<Labelled> {
    let counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let labelled = |(state, number): (&String, &usize)| (state.clone().into(), count(*number));
    counted.iter().map(labelled).collect()
}

/// Whether there is no usable connection, and the same server or another one may provide
/// one later.
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
                    // Read-only; idle transaction or session timeout; too many
                    // connections; shutdown and start-up.
                    "25006" | "25P03" | "25P04" | "53300" | "57P01" | "57P02" | "57P03" | "57P05"
                )
        }),
        _ => false,
    }
}
