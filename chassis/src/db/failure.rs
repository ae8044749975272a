//! What the database's errors mean.

/// Whether an error means that the database is away or too busy, and that the
/// same call can succeed later. Told by kind and SQLSTATE, never by text.
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
            // Connection trouble, and being told to come back: serialization,
            // deadlock, lock timeout, too many connections, read-only standby,
            // cancelled statement, shutdown and start-up.
            state.starts_with("08")
                || matches!(
                    &*state,
                    "40001"
                        | "40P01"
                        | "55P03"
                        | "53300"
                        | "25006"
                        | "57014"
                        | "57P01"
                        | "57P02"
                        | "57P03"
                        | "57P05"
                )
        }),
        _ => false,
    }
}
