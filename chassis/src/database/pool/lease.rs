//! A connection in use, and its return to the pool.
//!
//! A connection is judged by its transaction status, which the server sends in each
//! `ReadyForQuery`, and never by the error of a statement: the error may belong to an
//! earlier statement whose caller was cancelled, and a rollback may never have been sent.
//! sqlx does not expose the status. What can be derived: a statement that succeeds was
//! not in an aborted transaction, and after a successful ROLLBACK none is open.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Row, raw_sql};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::connection::Connection;
use super::turns::Turn;
use super::{Idle, Shared};

/// The longest wait for a transaction to be rolled back.
const ROLLBACK_MAX: Duration = Duration::from_secs(5);

/// The longest wait for the end of an abandoned statement. Most end in a few
/// milliseconds; a longer one would occupy the place of a needed one.
const END_MAX: Duration = Duration::from_millis(200);

/// The maximum number of pending errors of earlier statements: that of the abandoned
/// statement, and that of closing one that was evicted from the cache.
const ERRORS_MAX: u32 = 2;

/// A connection. It works on every runtime, but is polled by the one that opened it.
pub(super) struct Opened {
    db: Connection,
    pub(super) at: Instant,
    pub(super) home: usize,
    generation: usize,
}

impl Opened {
    /// A connection that was just opened on the runtime `home`.
    pub(super) fn new(db: Connection, home: usize, generation: usize) -> Self {
        Self {
            db,
            at: Instant::now(),
            home,
            generation,
        }
    }

    /// Ends the transaction that may be open according to `open`. Returns whether the
    /// server has confirmed that none is open and that it accepts writes.
    async fn settle(&mut self, open: Open) -> sqlx::Result<bool> {
        let mut settled = self.try_settle(open).await;
        for _ in 0..ERRORS_MAX {
            if !matches!(settled, Err(sqlx::Error::Database(_))) {
                break;
            }
            // The error was that of an earlier statement, and nothing was sent.
            settled = self.try_settle(open).await;
        }
        settled
    }

    async fn try_settle(&mut self, open: Open) -> sqlx::Result<bool> {
        let row = raw_sql(open.settle()).fetch_one(&mut self.db).await?;
        Ok(row.try_get::<&str, _>(0)? == "off")
    }
}

impl Deref for Opened {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.db
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.db
    }
}

/// What may be open on a connection after a failed statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Open {
    /// Nothing: the statement was its own transaction.
    Nothing,
    /// A transaction, aborted or not.
    Transaction,
}

impl Open {
    /// Succeeds if nothing is open afterwards; its row says whether the server is
    /// read-only.
    fn settle(self) -> &'static str {
        match self {
            // A ROLLBACK without a transaction would log a warning in the server.
            Self::Nothing => "SHOW transaction_read_only",
            Self::Transaction => "ROLLBACK; SHOW transaction_read_only",
        }
    }

    /// The longest wait for the response.
    fn patience(self) -> Duration {
        match self {
            Self::Nothing => END_MAX,
            Self::Transaction => ROLLBACK_MAX,
        }
    }
}

/// A connection in use. On drop it returns to the pool once it has settled, so that a
/// call that is cancelled in the middle of a statement costs no connection.
pub(super) struct Lease {
    held: Option<Held>,
    /// What may be open on drop.
    pub(super) open: Open,
}

/// A connection with its permit. Closed on drop.
struct Held {
    db: Opened,
    shared: Arc<Shared>,
    right: Right,
}

/// The permit for a connection, until it is back in the pool or closed.
pub(super) struct Right {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _share: Option<Turn>,
    pub(super) _turn: Option<Turn>,
}

impl Lease {
    pub(super) fn new(db: Opened, shared: Arc<Shared>, right: Right) -> Self {
        Self {
            held: Some(Held { db, shared, right }),
            open: Open::Nothing,
        }
    }

    /// Returns the connection after a statement that was its own transaction.
    pub(super) fn after<T>(self, result: &sqlx::Result<T>) {
        match result {
            Ok(_) => self.give_back(),
            // Dropping the lease settles the connection.
            Err(sqlx::Error::Database(_)) => {}
            Err(_) => drop(self.close()),
        }
    }

    /// Returns the connection; no transaction is open.
    pub(super) fn give_back(mut self) {
        if let Some(held) = self.held.take() {
            held.give_back();
        }
    }

    /// Closes the connection, and returns its permit.
    #[expect(clippy::expect_used, reason = "only what consumes it takes it")]
    pub(super) fn close(mut self) -> Right {
        self.held
            .take()
            .expect("a lease holds its connection")
            .right
    }
}

impl Held {
    fn give_back(self) {
        let is_current = self.db.generation == self.shared.generation();
        if is_current && !self.shared.permits.is_closed() {
            let (db, since) = (self.db, Instant::now());
            // Returned before the permit is released, so that the next holder of the
            // permit finds this connection.
            self.shared.idle().push(Idle { db, since });
        }
    }

    /// Returns the connection once it has settled, in the background.
    fn settle(mut self, open: Open) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let settled = timeout(open.patience(), self.db.settle(open)).await;
            if matches!(settled, Ok(Ok(true))) {
                self.give_back();
            }
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(held) = self.held.take()
            && !held.db.is_lost()
        {
            held.settle(self.open);
        }
    }
}

impl Deref for Lease {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "only what consumes it takes it")]
    fn deref(&self) -> &Connection {
        &self.held.as_ref().expect("a lease holds its connection").db
    }
}

impl DerefMut for Lease {
    #[expect(clippy::expect_used, reason = "only what consumes it takes it")]
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.held.as_mut().expect("a lease holds its connection").db
    }
}
