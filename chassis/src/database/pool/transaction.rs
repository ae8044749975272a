//! Transactions on connections of a pool.

use std::ops::{Deref, DerefMut};

use sqlx::Executor;

use super::connection::Connection;
use super::lease::{Lease, Open};

/// A transaction on a connection of its own, which it dereferences to. On drop it is
/// rolled back in the background, and its connection is reused, because refused and
/// cancelled writes are common.
pub struct Transaction(Lease);

impl Transaction {
    /// `statement` is a form of `BEGIN`.
    pub(super) async fn begin(mut lease: Lease, statement: &'static str) -> sqlx::Result<Self> {
        // Set before BEGIN is sent, because a caller cancelled now may have started it.
        lease.open = Open::Transaction;
        lease.execute(statement).await?;
        Ok(Self(lease))
    }

    /// Commits. After an error it is unknown whether the changes are stored.
    pub async fn commit(self) -> sqlx::Result<()> {
        let Self(mut lease) = self;
        // After an error the transaction is rolled back on drop, because the error may be
        // that of an earlier statement, and COMMIT was never sent.
        lease.execute("COMMIT").await?;
        lease.give_back();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}
