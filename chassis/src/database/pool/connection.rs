//! A connection whose server may vanish.
//!
//! A host that loses its power, or a network that breaks, sends nothing, so a statement
//! would wait for its response for ever. The server ends each statement after
//! `statement_timeout`; one that takes much longer has no server any more.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use async_stream::try_stream;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres};
use sqlx::{Either, Execute, Executor, PgConnection, SqlStr};
use tokio::time::timeout;

/// A connection on which a statement fails if the server does not respond to it.
pub struct Connection {
    db: PgConnection,
    /// The longest wait for a response, or for the next row.
    patience: Duration,
    is_lost: bool,
}

impl Connection {
    pub(super) fn new(db: PgConnection, patience: Duration) -> Self {
        Self {
            db,
            patience,
            is_lost: false,
        }
    }

    /// Whether the server did not respond.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    async fn in_time<T>(
        is_lost: &mut bool,
        patience: Duration,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let done = timeout(patience, work).await;
        done.unwrap_or_else(|_| {
            *is_lost = true;
            let problem = "the database does not respond to a statement";
            Err(io::Error::new(io::ErrorKind::TimedOut, problem).into())
        })
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.db
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.db
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Waits for one response of the server.
macro_rules! in_time {
    ($connection:expr, $db:ident => $work:expr) => {{
        let Connection {
            db: $db,
            patience,
            is_lost,
        } = $connection;
        Box::pin(Connection::in_time(is_lost, *patience, $work))
    }};
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Connection {
            db,
            patience,
            is_lost,
        } = self;
        Box::pin(try_stream! {
            let mut steps = db.fetch_many(query);
            while let Some(step) =
                Connection::in_time(is_lost, *patience, steps.try_next()).await?
            {
                yield step;
            }
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        in_time!(self, db => db.fetch_optional(query))
    }

    /// Does not use the stream of `fetch_many`, which costs more than reading a row.
    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Vec<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        in_time!(self, db => db.fetch_all(query))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        in_time!(self, db => db.prepare_with(sql, parameters))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Postgres>>>
    where
        'c: 'e,
    {
        in_time!(self, db => db.describe(sql))
    }
}
