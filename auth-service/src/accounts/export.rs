//! Exports everything about one account as a JSON document, as of one moment, at the
//! client's speed and with little memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_stream::try_stream;
use chassis::database::pool::Connection;
use chassis::database::pool::{Pool, Transaction};
use chassis::trace::Trace;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::Accounts;
use crate::error::{Error, Result};
use crate::store::export as table;

/// Exports may use one in this many database connections.
const CONNECTIONS_EACH: usize = 3;
/// The minimum number of concurrent exports, so that one user cannot block all others.
const AT_A_TIME_MIN: usize = 2;

/// The `format` of the document.
const FORMAT: &str = "addressbook.auth.v1";
/// A chunk is sent when it has this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;
/// Rows per read.
const ROWS: i64 = 100;
/// The longest wait for the client to read a chunk; the database aborts transactions that
/// are idle for longer.
const STALL_MAX: Duration = Duration::from_secs(5);
/// The longest duration of an export.
const TIME_MAX: Duration = Duration::from_mins(2);
/// The retry delay; most exports take less.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The lists of the document.
#[derive(Clone, Copy)]
enum List {
    Sessions,
    AuditEvents,
}

impl List {
    const ALL: [Self; 2] = [Self::Sessions, Self::AuditEvents];

    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::AuditEvents => "audit_events",
        }
    }

    async fn read(
        self,
        db: &mut Connection,
        of: UserId,
        after: Option<Uuid>,
    ) -> Result<Vec<table::Row>> {
        match self {
            Self::Sessions => table::sessions(db, of, after, ROWS).await,
            Self::AuditEvents => table::audit_events(db, of, after, ROWS).await,
        }
    }
}

/// The running exports. Each holds a connection to the database, so a user can run one at
/// a time, and their number is limited.
pub struct Exports {
    places: Arc<Semaphore>,
    users: Mutex<HashSet<UserId>>,
}

/// The permit for one export, until dropped.
struct Permit {
    exports: Arc<Exports>,
    user: UserId,
    _place: OwnedSemaphorePermit,
}

impl Exports {
    /// Allows a third of this many connections for exports.
    #[must_use]
    pub fn new(connections: u32) -> Arc<Self> {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let places = (connections / CONNECTIONS_EACH).clamp(AT_A_TIME_MIN, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            users: Mutex::default(),
        })
    }

    /// Refuses a user whose export is running, and everybody while too many run.
    fn begin(self: &Arc<Self>, user: UserId) -> Result<Permit> {
        let busy = Error::ExportsBusy {
            retry_after: RETRY_AFTER,
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(busy);
        };
        if !self.users().insert(user) {
            return Err(busy);
        }
        Ok(Permit {
            exports: Arc::clone(self),
            user,
            _place: place,
        })
    }

    fn users(&self) -> MutexGuard<'_, HashSet<UserId>> {
        // A panic under the lock cannot leave the set half changed.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.exports.users().remove(&self.user);
    }
}

enum Part {
    Chunk(Vec<u8>),
    End,
}

impl Accounts {
    /// Streams everything about one account; refuses a user whose export is running, and
    /// everybody while too many run.
    pub fn export(
        &self,
        user_id: UserId,
        now: DateTime<Utc>,
    ) -> Result<impl Stream<Item = Result<Vec<u8>>> + use<>> {
        let permit = self.exports.begin(user_id)?;
        Ok(export(self.db.clone(), user_id, permit, now))
    }
}

/// A separate task reads the database, so that a client that does not read cannot keep
/// the connection.
fn export(
    db: Pool,
    user_id: UserId,
    permit: Permit,
    now: DateTime<Utc>,
) -> impl Stream<Item = Result<Vec<u8>>> {
    let (parts, mut received) = mpsc::channel(1);
    tokio::spawn(Trace::current().run(async move {
        let document = Document {
            chunk: Vec::new(),
            parts: parts.clone(),
        };
        let written = timeout(TIME_MAX, document.write(&db, user_id, now)).await;
        let end = written
            .unwrap_or(Err(Error::ExportTooSlow))
            .map(|()| Part::End);
        drop(permit);
        // The client may have disconnected.
        let _ = parts.send(end).await;
    }));
    try_stream! {
        while let Some(part) = received.recv().await {
            match part? {
                Part::Chunk(chunk) => yield chunk,
                Part::End => break,
            }
        }
    }
}

struct Document {
    chunk: Vec<u8>,
    parts: mpsc::Sender<Result<Part>>,
}

impl Document {
    async fn write(mut self, db: &Pool, user_id: UserId, now: DateTime<Utc>) -> Result<()> {
        let mut tx = db.begin_snapshot().await?;
        let user = table::user(&mut *tx, user_id)
            .await?
            .unwrap_or("null".into());
        let head = format!(
            r#"{{"format":"{FORMAT}","export_time":"{}""#,
            now.to_rfc3339()
        );
        self.add(&head).await?;
        self.add(&format!(r#","user":{user}"#)).await?;
        let mfa = table::mfa(&mut *tx, user_id).await?;
        self.add(&format!(r#","mfa":{mfa}"#)).await?;
        for list in List::ALL {
            self.list(list, &mut tx, user_id).await?;
        }
        self.add("}\n").await?;
        self.send().await
    }

    /// Adds an array with all rows, reading a few at a time.
    async fn list(&mut self, list: List, tx: &mut Transaction, user_id: UserId) -> Result<()> {
        self.add(&format!(r#","{}":["#, list.name())).await?;
        let mut after = None;
        loop {
            let found = list.read(tx, user_id, after).await?;
            let Some(latest) = found.last() else { break };
            let is_first = after.is_none();
            after = Some(latest.id);
            for (number, row) in found.iter().enumerate() {
                if number > 0 || !is_first {
                    self.add(",").await?;
                }
                self.add(&row.json).await?;
            }
        }
        self.add("]").await
    }

    async fn add(&mut self, text: &str) -> Result<()> {
        self.chunk.extend_from_slice(text.as_bytes());
        if self.chunk.len() >= CHUNK_BYTES {
            self.send().await?;
        }
        Ok(())
    }

    /// Fails if the client does not read.
    async fn send(&mut self) -> Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        let taken = timeout(STALL_MAX, self.parts.send(Ok(Part::Chunk(chunk)))).await;
        match taken {
            Ok(Ok(())) => Ok(()),
            _ => Err(Error::ExportTooSlow),
        }
    }
}
