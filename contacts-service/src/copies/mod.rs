//! Copies of address books in memory, for searching. Before each use a copy is brought up
//! to the owner's version in the database, so that a search finds what was written
//! through any replica.

pub mod book;
pub mod chunk;
pub mod held;
mod pause;
pub mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chassis::database::pool::{Pool, Turns};
use chassis::metrics::{Metrics, count};
use chassis::trace::Trace;
use chassis::user_id::UserId;
use futures_util::TryStreamExt;
use tokio::task::yield_now;

use self::book::Book;
use self::chunk::{Builder, Chunk};
use self::held::{Held, Known, Room};
use self::pause::Pauses;
use crate::error::Result;
use crate::long_calls::LongCalls;
use crate::model::quota::Quota;
use crate::store::copies::{changes, lines, state};
use crate::store::feed::State;

/// More changes than this are not applied one by one; the contacts are read again.
const CHANGES_MAX: i64 = 1000;
/// The same for the bytes of their texts.
const CHANGES_BYTES_MAX: i64 = 4 << 20;

/// The copies of a replica.
#[derive(Debug)]
pub struct Copies {
    held: Arc<Held>,
    /// One call at a time brings the copy of an owner up to date.
    turns: Arc<Turns>,
    long_calls: Option<LongCalls>,
    hits: AtomicUsize,
    updates: AtomicUsize,
    loads: AtomicUsize,
    scans: AtomicUsize,
}

/// An owner's contacts.
#[derive(Clone, Debug)]
pub enum Contacts {
    /// A copy of them.
    Copied(Arc<Book>),
    /// They do not fit the memory, and are read by each call.
    Stored(Pool, UserId),
}

impl Copies {
    /// Holds copies of at most so many bytes. Whole books are
    /// read on the thread of long calls, if there is one.
    #[must_use]
    pub fn new(budget: usize, long_calls: Option<LongCalls>) -> Arc<Self> {
        Arc::new(Self {
            held: Held::new(budget),
            turns: Turns::new(1),
            long_calls,
            hits: AtomicUsize::new(0),
            updates: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            scans: AtomicUsize::new(0),
        })
    }

    /// The owner's contacts, with all writes before this call.
    pub async fn contacts(self: &Arc<Self>, db: &Pool, owner: UserId) -> Result<Contacts> {
        let Some((state, used)) = state(db, owner).await? else {
            self.forget(owner);
            return Ok(Contacts::Copied(Arc::default()));
        };
        if let Some(contacts) = self.current(db, owner, &state, used) {
            return Ok(contacts);
        }
        let turn = self.turns.take(owner.0).await?;
        // Another call may have done it meanwhile.
        if let Some(contacts) = self.current(db, owner, &state, used) {
            return Ok(contacts);
        }
        // On its own, because others wait for it even when the client of this call does
        // no longer.
        let (copies, its_db) = (Arc::clone(self), db.share_of(owner.0));
        let update = tokio::spawn(Trace::current().run(async move {
            let book = copies.update(its_db, owner, state, used).await;
            drop(turn);
            book
        }));
        let book = update.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(book.map_or_else(|| self.stored(db, owner), Contacts::Copied))
    }

    /// Drops the copy of this owner.
    pub fn forget(&self, owner: UserId) {
        self.held.forget(owner);
    }

    /// What is held, if it is at `state`.
    fn current(&self, db: &Pool, owner: UserId, state: &State, used: Quota) -> Option<Contacts> {
        match self.held.get(owner) {
            Some(Known::Book(book)) if book.is_at(state) => {
                count_one(&self.hits);
                Some(Contacts::Copied(book))
            }
            // Once half of it is gone, a copy may fit.
            Some(Known::TooLarge(then))
                if used.contacts > then.contacts / 2 && used.bytes > then.bytes / 2 =>
            {
                Some(self.stored(db, owner))
            }
            _ if self.held.budget() == 0 => Some(self.stored(db, owner)),
            _ => None,
        }
    }

    /// Brings the copy up to `state` or a later one, or makes one; `None` if it does not
    /// fit the memory.
    async fn update(
        self: Arc<Self>,
        db: Pool,
        owner: UserId,
        state: State,
        used: Quota,
    ) -> Result<Option<Arc<Book>>> {
        if let Some(Known::Book(book)) = self.held.get(owner)
            && let Some(book) = followed(&db, owner, &book).await?
        {
            let book = Arc::new(book);
            self.held.put(owner, Known::Book(Arc::clone(&book)));
            count_one(&self.updates);
            return Ok(Some(book));
        }
        let Some(beside) = self.long_calls.clone() else {
            return self.load(&db, owner, &state, used).await;
        };
        let db = beside.share_of(owner);
        let load = beside
            .thread
            .spawn(async move { self.load(&db, owner, &state, used).await });
        load.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// Reads the whole book; `None` if it does not fit the memory.
    async fn load(
        &self,
        db: &Pool,
        owner: UserId,
        state: &State,
        used: Quota,
    ) -> Result<Option<Arc<Book>>> {
        self.forget(owner);
        let mut reserved = self.held.reserve();
        let mut chunks = Vec::new();
        let mut room = Room::Found;
        each_stored(db, owner, |chunk| {
            room = reserved.grow(chunk.bytes());
            chunks.push(Arc::new(chunk));
            room == Room::Found
        })
        .await?;
        if room == Room::Found {
            let book = Arc::new(Book::new(state, chunks));
            let known = Known::Book(Arc::clone(&book));
            room = reserved.grow_to(known.bytes());
            drop(reserved);
            if room == Room::Found {
                self.held.put(owner, known);
                count_one(&self.loads);
                return Ok(Some(book));
            }
        }
        if room == Room::Never {
            self.held.put(owner, Known::TooLarge(used));
        }
        Ok(None)
    }

    fn stored(&self, db: &Pool, owner: UserId) -> Contacts {
        count_one(&self.scans);
        Contacts::Stored(db.clone(), owner)
    }

    /// Publishes what is held, and how it is used.
    pub fn publish(self: &Arc<Self>, metrics: &Metrics) {
        let number = |read: fn(&Self) -> usize| {
            let copies = Arc::clone(self);
            move || count(read(&copies))
        };
        metrics.gauge(
            "search_copies_bytes",
            "Memory of the copies of address books that are searched",
            number(|copies| copies.held.size().1),
        );
        metrics.gauge(
            "search_copies",
            "Copies of address books that are searched",
            number(|copies| copies.held.size().0),
        );
        for (name, help, read) in [
            (
                "search_copy_hits",
                "Searches in a copy that was up to date",
                (|copies| copies.hits.load(Ordering::Relaxed)) as fn(&Self) -> usize,
            ),
            (
                "search_copy_updates",
                "Copies that were brought up to date",
                |copies| copies.updates.load(Ordering::Relaxed),
            ),
            (
                "search_copy_loads",
                "Copies that were read from the database",
                |copies| copies.loads.load(Ordering::Relaxed),
            ),
            (
                "search_copies_dropped",
                "Copies that were dropped to make room",
                |copies| copies.held.dropped(),
            ),
            (
                "search_scans",
                "Searches of address books that are too large to be copied",
                |copies| copies.scans.load(Ordering::Relaxed),
            ),
        ] {
            metrics.counter(name, help, number(read));
        }
    }
}

impl Contacts {
    /// Calls `look` with each chunk, by id. Others get their turn on the thread meanwhile.
    pub async fn each(&self, mut look: impl FnMut(&Chunk)) -> Result<()> {
        match self {
            Self::Copied(book) => {
                let mut pauses = Pauses::default();
                for chunk in book.chunks() {
                    look(chunk);
                    pauses.after(chunk.bytes()).await;
                }
                Ok(())
            }
            Self::Stored(db, owner) => {
                each_stored(db, *owner, |chunk| {
                    look(&chunk);
                    true
                })
                .await
            }
        }
    }
}

/// The book with all changes since; `None` if it is too far from the owner's.
async fn followed(db: &Pool, owner: UserId, book: &Book) -> Result<Option<Book>> {
    let since = (book.version(), book.keyed_version());
    let changes = changes(db, owner, since, CHANGES_MAX, CHANGES_BYTES_MAX).await?;
    let Some((state, changes)) = changes.filter(|(state, _)| book.leads_to(state)) else {
        return Ok(None);
    };
    Ok(Some(book.with(changes, &state).await))
}

/// Reads the owner's contacts in chunks by id, until `take` returns false.
async fn each_stored(db: &Pool, owner: UserId, mut take: impl FnMut(Chunk) -> bool) -> Result<()> {
    let mut lines = lines(db, owner);
    let mut builder = Builder::default();
    while let Some(line) = lines.try_next().await? {
        builder.add(line.entry());
        if builder.is_full() {
            if !builder.finish().is_none_or(&mut take) {
                return Ok(());
            }
            yield_now().await;
        }
    }
    builder.finish().map(take);
    Ok(())
}

fn count_one(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}
