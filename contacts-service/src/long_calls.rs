//! What long calls need: a thread beside those that serve, and connections that it uses.

use std::io;
use std::thread::available_parallelism;

use chassis::database::Database;
use chassis::database::pool::Pool;
use chassis::long_work::LongWork;
use chassis::user_id::UserId;

/// The thread of imports, of exports, and of reading whole address books for searches.
#[derive(Clone, Debug)]
pub struct LongCalls {
    /// The thread.
    pub thread: LongWork,
    db: Pool,
}

impl LongCalls {
    /// Starts the thread. Its writes use half of the processors, because a statement that
    /// stores hundreds of contacts delays those of other calls.
    pub fn start(database: &Database) -> io::Result<Self> {
        let half = available_parallelism().map_or(1, |all| all.get().div_ceil(2));
        Ok(Self {
            thread: LongWork::start()?,
            db: database.calls().with_writers(half),
        })
    }

    /// The connections of one user's long calls, for this thread only.
    #[must_use]
    pub fn share_of(&self, user: UserId) -> Pool {
        self.db.share_of(user.0)
    }
}
