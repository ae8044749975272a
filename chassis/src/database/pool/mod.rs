//! A thin pool of PostgreSQL connections.
//!
//! sqlx's own pool sends a ping after every use and waits for it, which doubles the round
//! trips of a query and cannot be disabled. This one reuses a connection without a check
//! if its last statement succeeded, because then the server has confirmed that no
//! transaction is open. After an error the server is asked first (`lease`); a connection
//! that was idle for a while is pinged.

mod connection;
mod lease;
mod load;
mod transaction;
mod turns;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_stream::try_stream;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres};
use sqlx::{Connection as _, Either, Execute, Executor, SqlStr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

pub use self::connection::Connection;
use self::lease::{Lease, Opened, Right};
pub use self::load::Load;
use self::load::Waiting;
pub use self::transaction::Transaction;
pub use self::turns::{Turn, Turns};
use crate::database::{Target, is_unavailable};

/// A connection that was idle for longer is pinged before use. Under load no connection
/// is, and after a restart of the server callers do not get dead ones.
const TRUSTED: Duration = Duration::from_millis(50);
/// An older connection is closed: its server process has grown, or a balancer would
/// choose another server.
const AGE_MAX: Duration = Duration::from_mins(30);

/// The longest wait for a ping.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// The longest pause between two attempts to connect.
const RETRY_MAX: Duration = Duration::from_millis(250);

/// A user may use this fraction of the connections.
const SHARES: usize = 4;
/// The minimum number of connections that a user may use.
const SHARE_MIN: usize = 2;

/// Connections to one database; clones share them.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    /// The runtime that uses this clone.
    home: usize,
    /// The user whose share of the connections this clone uses.
    user: Option<Uuid>,
    /// How many turns this clone and its clones take at a time, if that is limited.
    limit: Option<Arc<Semaphore>>,
}

struct Shared {
    target: Target,
    size: usize,
    /// One permit for each connection that may be in use.
    permits: Arc<Semaphore>,
    /// The number of connections that each user may use at a time.
    shares: Arc<Turns>,
    /// Queues for rows that one transaction at a time can lock.
    turns: Arc<Turns>,
    /// The most recently used last, so that the others can expire.
    idle: Mutex<Vec<Idle>>,
    wait_max: Duration,
    /// The longest wait for the response to a statement.
    patience: Duration,
    /// Connections of earlier generations are not used again.
    generation: AtomicUsize,
    homes: AtomicUsize,
    waiting: AtomicUsize,
}

struct Idle {
    db: Opened,
    since: Instant,
}

impl Pool {
    /// A pool of at most `size` connections, opened on demand. A caller that waits longer
    /// than `wait_max` gets `PoolTimedOut`, or why no connection can be opened.
    #[must_use]
    pub fn new(target: impl Into<Target>, size: u32, wait_max: Duration) -> Self {
        Self::with_patience(target, size, wait_max, Duration::MAX)
    }

    /// Like [`Pool::new`]; a statement without a response for `patience` fails.
    #[must_use]
    pub fn with_patience(
        target: impl Into<Target>,
        size: u32,
        wait_max: Duration,
        patience: Duration,
    ) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let shared = Shared {
            target: target.into(),
            size,
            permits: Arc::new(Semaphore::new(size)),
            shares: Turns::new((size / SHARES).max(SHARE_MIN)),
            turns: Turns::new(1),
            idle: Mutex::default(),
            wait_max,
            patience,
            generation: AtomicUsize::new(0),
            homes: AtomicUsize::new(1),
            waiting: AtomicUsize::new(0),
        };
        Self {
            shared: Arc::new(shared),
            home: 0,
            user: None,
            limit: None,
        }
    }

    /// The same pool for another runtime, which gets its own connections if there are
    /// enough.
    #[must_use]
    pub fn on_another_runtime(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            home: self.shared.homes.fetch_add(1, Ordering::Relaxed),
            ..self.clone()
        }
    }

    /// The same pool for writes that may wait: `count` of them get their turn at a time.
    #[must_use]
    pub fn with_writers(&self, count: usize) -> Self {
        Self {
            limit: Some(Arc::new(Semaphore::new(count))),
            ..self.clone()
        }
    }

    /// The same pool for the calls of one user, who gets a quarter of the connections and
    /// waits for more outside of the pool, so that others find free ones.
    #[must_use]
    pub fn share_of(&self, user: Uuid) -> Self {
        Self {
            user: Some(user),
            ..self.clone()
        }
    }

    /// Starts a transaction, which is rolled back unless committed.
    pub async fn begin(&self) -> sqlx::Result<Transaction> {
        Transaction::begin(self.acquire(None).await?, "BEGIN").await
    }

    /// Starts a read-only transaction with one snapshot.
    pub async fn begin_snapshot(&self) -> sqlx::Result<Transaction> {
        let statement = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        Transaction::begin(self.acquire(None).await?, statement).await
    }

    /// Starts a transaction that locks contended rows, those of `key`: other callers with
    /// the same key wait for its end without using a connection.
    pub async fn begin_in_turn(&self, key: Uuid) -> sqlx::Result<Transaction> {
        let turn = self.turn(key).await?;
        Transaction::begin(self.acquire(Some(turn)).await?, "BEGIN").await
    }

    /// Like [`Pool::begin_in_turn`], for one statement.
    pub async fn turn(&self, key: Uuid) -> sqlx::Result<Turn> {
        let turn = self.shared.turns.take(key).await?;
        Ok(match &self.limit {
            Some(limit) => turn.with(permit_of(limit).await?),
            None => turn,
        })
    }

    /// Closes all idle connections, and refuses new uses.
    pub fn close(&self) {
        self.shared.permits.close();
        self.shared.idle().clear();
    }

    /// Closes every open connection, those in use after their use.
    pub fn renew(&self) {
        self.shared.generation.fetch_add(1, Ordering::Relaxed);
        self.shared.idle().clear();
    }

    /// The current load.
    #[must_use]
    pub fn load(&self) -> Load {
        let shared = &self.shared;
        Load {
            in_use: shared.size - shared.permits.available_permits(),
            idle: shared.idle().len(),
            waiting: shared.waiting.load(Ordering::Relaxed),
        }
    }

    async fn acquire(&self, turn: Option<Turn>) -> sqlx::Result<Lease> {
        let share = match self.user {
            Some(user) => Some(self.shared.shares.take(user).await?),
            None => None,
        };
        let until = Instant::now() + self.shared.wait_max;
        let permit = timeout_at(until, self.permit()).await;
        let permit = permit.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        let right = Right {
            _permit: permit,
            _share: share,
            _turn: turn,
        };
        let right = match self.reuse(right, until).await {
            Ok(lease) => return Ok(lease),
            Err(right) => right,
        };
        let generation = self.shared.generation();
        let db = self.connect(until).await?;
        let db = Opened::new(db, self.home, generation);
        Ok(Lease::new(db, Arc::clone(&self.shared), right))
    }

    async fn permit(&self) -> sqlx::Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.shared.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::begin(&self.shared.waiting);
        permit_of(&self.shared.permits).await
    }

    /// A working idle connection, or the permit to open one.
    async fn reuse(&self, mut right: Right, until: Instant) -> Result<Lease, Right> {
        while let Some(Idle { db, since }) = self.shared.take_idle(self.home) {
            if db.at.elapsed() > AGE_MAX {
                continue;
            }
            // Leased before the ping, so that a caller cancelled meanwhile leaves the
            // connection to the next one.
            let mut lease = Lease::new(db, Arc::clone(&self.shared), right);
            if since.elapsed() < TRUSTED {
                return Ok(lease);
            }
            let asked = Instant::now();
            let answer = timeout_at(until.min(asked + ANSWER_MAX), lease.ping()).await;
            if matches!(answer, Ok(Ok(()))) {
                return Ok(lease);
            }
            if asked.elapsed() >= ANSWER_MAX {
                // The host may have vanished. What was not used since then would take as
                // long each.
                self.shared.idle().retain(|idle| idle.since > asked);
            }
            right = lease.close();
        }
        Err(right)
    }

    /// Connects, with retries while the server is unreachable; returns why it could not.
    async fn connect(&self, until: Instant) -> sqlx::Result<Connection> {
        let mut pause = Duration::from_millis(10);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(sqlx::Error::PoolTimedOut);
            }
            match self.shared.target.connect(left).await {
                Err(error) if is_unavailable(&error) && Instant::now() + pause < until => {
                    sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MAX);
                }
                result => {
                    return result.map(|db| Connection::new(db, self.shared.patience));
                }
            }
        }
    }
}

async fn permit_of(permits: &Arc<Semaphore>) -> sqlx::Result<OwnedSemaphorePermit> {
    let permit = Arc::clone(permits).acquire_owned().await;
    permit.map_err(|_| sqlx::Error::PoolClosed)
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Shared {
    /// An idle connection of this runtime; of another one only if no more can be opened.
    fn take_idle(&self, home: usize) -> Option<Idle> {
        let mut idle = self.idle();
        let own = idle.iter().rposition(|idle| idle.db.home == home);
        let in_use = self.size - self.permits.available_permits();
        let is_full = in_use + idle.len() > self.size;
        let other = || is_full.then(|| idle.len().checked_sub(1)).flatten();
        own.or_else(other).map(|index| idle.remove(index))
    }

    fn generation(&self) -> usize {
        self.generation.load(Ordering::Relaxed)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // A panic under the lock cannot leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs one statement on a connection, and returns the connection. Not a function,
/// because no bound can express that the future of a closure is `Send`.
macro_rules! on_a_lease {
    ($pool:expr, $db:ident => $work:expr) => {{
        let pool = $pool.clone();
        Box::pin(async move {
            let mut lease = pool.acquire(None).await?;
            let $db = &mut *lease;
            let done = $work.await;
            lease.after(&done);
            done
        })
    }};
}

impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        Box::pin(try_stream! {
            let mut lease = pool.acquire(None).await?;
            let ended = {
                let mut steps = lease.fetch_many(query);
                loop {
                    match steps.try_next().await {
                        Ok(Some(step)) => yield step,
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                }
            };
            lease.after(&ended);
            ended?;
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        on_a_lease!(self, db => db.fetch_optional(query))
    }

    /// Does not use the stream of `fetch_many`, which costs more than reading a row.
    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Vec<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        on_a_lease!(self, db => db.fetch_all(query))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'p: 'e,
    {
        on_a_lease!(self, db => db.prepare_with(sql, parameters))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Postgres>>>
    where
        'p: 'e,
    {
        on_a_lease!(self, db => db.describe(sql))
    }
}
