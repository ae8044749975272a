//! Transactions on connections of a pool.

use std::ops::{Deref, DerefMut};

use sqlx::{Executor, PgConnection};

use super::lease::{Lease, Open};

/// A transaction on a connection of its own; use it as the connection.
pub struct Transaction(Option<Lease>);

impl Transaction {
    pub(super) async fn begin(mut lease: Lease) -> sqlx::Result<Self> {
        lease.db.execute("BEGIN").await?;
        Ok(Self(Some(lease)))
    }

    /// Makes its changes last. An error leaves it open whether they do.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        #[expect(clippy::expect_used, reason = "only commit and drop take it")]
        let mut lease = self.0.take().expect("a transaction holds its connection");
        let committed = lease.db.execute("COMMIT").await;
        match committed {
            Ok(_) => lease.give_back(),
            // It may be that of a statement before, and COMMIT was never sent.
            Err(_) => lease.settle(Open::Transaction),
        }
        committed.map(drop)
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    #[expect(clippy::expect_used, reason = "only commit and drop take it")]
    fn deref(&self) -> &PgConnection {
        &self
            .0
            .as_ref()
            .expect("a transaction holds its connection")
            .db
    }
}

impl DerefMut for Transaction {
    #[expect(clippy::expect_used, reason = "only commit and drop take it")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self
            .0
            .as_mut()
            .expect("a transaction holds its connection")
            .db
    }
}

/// Refused and cancelled writes are common enough to keep their connection: it
/// is rolled back, and the caller does not wait for it.
impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(lease) = self.0.take() {
            lease.settle(Open::Transaction);
        }
    }
}
