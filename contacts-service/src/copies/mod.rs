//! Copies of address books in memory, for searching. Before each use a copy is brought up
//! to the owner's version in the database, so that a search finds what was written
//! through any replica.

pub mod book;
pub mod chunk;
pub mod held;
pub mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chassis::database::pool::{Pool, Turns};
use chassis::metrics::{Metrics, count};
use chassis::user_id::UserId;
use futures_util::TryStreamExt;
use tokio::task::yield_now;

use self::book::Book;
use self::chunk::{Builder, Chunk};
use self::held::{Held, Known};
use crate::error::Result;
use crate::store::copies::{State, changes, lines, state};

/// More changes than this are not applied one by one; the contacts are read again.
const CHANGES_MAX: i64 = 1000;
/// After so many chunks others get their turn on the thread.
const YIELD_EVERY: usize = 4;

/// The copies of a replica.
#[derive(Debug)]
pub struct Copies {
    held: Arc<Held>,
    /// One call at a time brings the copy of an owner up to date.
    turns: Arc<Turns>,
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
    /// Holds copies of at most so many bytes.
    #[must_use]
    pub fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self {
            held: Held::new(budget),
            turns: Turns::new(1),
            hits: AtomicUsize::new(0),
            updates: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            scans: AtomicUsize::new(0),
        })
    }

    /// The owner's contacts, with all writes before this call.
    pub async fn contacts(self: &Arc<Self>, db: &Pool, owner: UserId) -> Result<Contacts> {
        let Some(state) = state(db, owner).await? else {
            self.held.forget(owner);
            return Ok(Contacts::Copied(Arc::default()));
        };
        if let Some(contacts) = self.current(db, owner, &state) {
            return Ok(contacts);
        }
        let turn = self.turns.take(owner.0).await?;
        // Another call may have done it meanwhile.
        if let Some(contacts) = self.current(db, owner, &state) {
            return Ok(contacts);
        }
        // On its own, because others wait for it even when the client of this call does
        // no longer.
        let (copies, db) = (Arc::clone(self), db.clone());
        let update = tokio::spawn(async move {
            let contacts = copies.update(&db, owner, &state).await;
            drop(turn);
            contacts
        });
        update.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// What is held, if it includes `state`.
    fn current(&self, db: &Pool, owner: UserId, state: &State) -> Option<Contacts> {
        let stored = || Contacts::Stored(db.clone(), owner);
        match self.held.get(owner) {
            _ if self.held.budget() == 0 => add(&self.scans, Some(stored())),
            Some(Known::Book(book)) if book.includes(state) => {
                add(&self.hits, Some(Contacts::Copied(book)))
            }
            // Once half of them are gone, a copy may fit.
            Some(Known::TooLarge(contacts)) if state.live_count > contacts / 2 => {
                add(&self.scans, Some(stored()))
            }
            _ => None,
        }
    }

    /// Brings the copy up to `state`, or makes one.
    async fn update(&self, db: &Pool, owner: UserId, state: &State) -> Result<Contacts> {
        if let Some(Known::Book(book)) = self.held.get(owner)
            && let Some(book) = followed(db, owner, &book).await?
        {
            let book = Arc::new(book);
            self.held.put(owner, Known::Book(Arc::clone(&book)));
            return Ok(add(&self.updates, Contacts::Copied(book)));
        }
        self.held.forget(owner);
        if let Some(book) = self.load(db, owner, state).await? {
            return Ok(add(&self.loads, Contacts::Copied(book)));
        }
        self.held.put(owner, Known::TooLarge(state.live_count));
        Ok(add(&self.scans, Contacts::Stored(db.clone(), owner)))
    }

    /// Reads all contacts of the owner, if they fit.
    async fn load(&self, db: &Pool, owner: UserId, state: &State) -> Result<Option<Arc<Book>>> {
        let mut reserved = self.held.reserve();
        let mut chunks = Vec::new();
        let mut fits = true;
        each_stored(db, owner, |chunk| {
            fits = fits && reserved.grow(chunk.bytes());
            if fits {
                chunks.push(Arc::new(chunk));
            }
            fits
        })
        .await?;
        if !fits {
            return Ok(None);
        }
        let book = Arc::new(Book::new(state, chunks));
        drop(reserved);
        self.held.put(owner, Known::Book(Arc::clone(&book)));
        Ok(Some(book))
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
                for (number, chunk) in book.chunks().iter().enumerate() {
                    if number > 0 && number % YIELD_EVERY == 0 {
                        yield_now().await;
                    }
                    look(chunk);
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
    let Some((state, changes)) = changes(db, owner, book.version(), CHANGES_MAX).await? else {
        return Ok(None);
    };
    let is_all = i64::try_from(changes.len()).is_ok_and(|count| count < CHANGES_MAX);
    if is_all && book.leads_to(&state) {
        Ok(Some(book.with(changes, &state).await))
    } else {
        Ok(None)
    }
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

fn add<T>(counter: &AtomicUsize, value: T) -> T {
    counter.fetch_add(1, Ordering::Relaxed);
    value
}
