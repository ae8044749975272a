//! Transactions on connections of a pool.

use std::ops::{Deref, DerefMut};

use sqlx::{Executor, PgConnection};

use super::lease::{Lease, Open};

/// A transaction on a connection of its own; use it as the connection. Dropped, it is
/// rolled back and its connection kept, and the caller does not wait for it: refused and
/// cancelled writes are common.
pub struct Transaction(Lease);

impl Transaction {
    /// `statement` is a form of `BEGIN`.
    pub(super) async fn begin(mut lease: Lease, statement: &'static str) -> sqlx::Result<Self> {
        // Before it is: whoever gives up now may have begun it.
        lease.open = Open::Transaction;
        lease.execute(statement).await?;
        Ok(Self(lease))
    }

    /// Makes its changes last. An error leaves it open whether they do.
    pub async fn commit(self) -> sqlx::Result<()> {
        let Self(mut lease) = self;
        // Dropped after an error, it is rolled back: the error may be that of a statement
        // before, and COMMIT was never sent.
        lease.execute("COMMIT").await?;
        lease.give_back();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
