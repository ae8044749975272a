//! The copy of one owner's contacts at a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::chunk::{Builder, Chunk, Entry};
use super::pause::Pauses;
use crate::contact::ContactId;
use crate::store::copies::{Change, Line};
use crate::store::feed::State;

/// The contacts of an owner, in chunks that follow each other by id. Versions of a book
/// share the chunks that did not change.
#[derive(Clone, Debug, Default)]
pub struct Book {
    epoch: Uuid,
    version: i64,
    keyed_version: i64,
    chunks: Vec<Arc<Chunk>>,
}

impl Book {
    /// A book of these chunks, sorted by id, which include all writes up to `state`.
    #[must_use]
    pub fn new(state: &State, chunks: Vec<Arc<Chunk>>) -> Self {
        Self {
            epoch: state.epoch,
            version: state.version,
            keyed_version: state.keyed_version,
            chunks,
        }
    }

    /// The version up to which all writes are included.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The version up to which the keys were current.
    #[must_use]
    pub fn keyed_version(&self) -> i64 {
        self.keyed_version
    }

    /// The contacts.
    #[must_use]
    pub fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// The memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let chunks = self.chunks.iter();
        let chunks: usize = chunks.map(|chunk| COUNTS + chunk.bytes()).sum();
        size_of::<Self>() + COUNTS + chunks
    }

    /// Whether it includes all writes up to `state`, and no other: a standby that was
    /// promoted may lack some. And the keys that were made again.
    #[must_use]
    pub fn is_at(&self, state: &State) -> bool {
        (self.epoch, self.version, self.keyed_version)
            == (state.epoch, state.version, state.keyed_version)
    }

    /// Whether the changes since it lead to `state`: not after a backup was restored, nor
    /// when purges are forgotten.
    #[must_use]
    pub fn leads_to(&self, state: &State) -> bool {
        state.had(self.epoch, self.version) && state.knows_purges_since(self.version)
    }

    /// The book with all changes up to `state`, in the order of versions. Copies only the
    /// chunks that change.
    pub async fn with(&self, changes: Vec<Change>, state: &State) -> Self {
        // A contact may have been purged, and stored again with the same id.
        let changes = changes.into_iter().map(|change| (change.id, change.line));
        let changes: BTreeMap<ContactId, Option<Line>> = changes.collect();
        let mut changes = changes.into_iter().peekable();
        let mut chunks = Vec::with_capacity(self.chunks.len());
        let mut rest = Builder::default();
        let mut pauses = Pauses::default();
        for (number, chunk) in self.chunks.iter().enumerate() {
            let end = self.chunks.get(number + 1).and_then(|next| next.first_id());
            let mut own = BTreeMap::new();
            while let Some((id, line)) = changes.next_if(|(id, _)| end.is_none_or(|end| *id < end))
            {
                own.insert(id, line);
            }
            if rest.is_empty() && own.is_empty() {
                chunks.push(Arc::clone(chunk));
                continue;
            }
            rest.makes_room(chunk, own.values().flatten());
            merge(chunk, own, &mut rest, &mut chunks);
            // A small rest becomes a part of the next chunk.
            if !rest.is_small() {
                chunks.extend(rest.finish().map(Arc::new));
            }
            pauses.after(chunk.bytes()).await;
        }
        // Only an empty book leaves some.
        for line in changes.filter_map(|(_, line)| line) {
            add(&mut rest, &mut chunks, line.entry());
        }
        chunks.extend(rest.finish().map(Arc::new));
        Self::new(state, chunks)
    }
}

/// Adds the contacts of a chunk with the changes to them.
fn merge(
    chunk: &Chunk,
    changes: BTreeMap<ContactId, Option<Line>>,
    builder: &mut Builder,
    chunks: &mut Vec<Arc<Chunk>>,
) {
    let mut changes = changes.into_iter().peekable();
    for entry in chunk.entries() {
        let mut is_changed = false;
        while let Some((id, line)) = changes.next_if(|(id, _)| *id <= entry.id) {
            is_changed = id == entry.id;
            if let Some(line) = line {
                add(builder, chunks, line.entry());
            }
        }
        if !is_changed {
            add(builder, chunks, entry);
        }
    }
    for line in changes.filter_map(|(_, line)| line) {
        add(builder, chunks, line.entry());
    }
}

fn add(builder: &mut Builder, chunks: &mut Vec<Arc<Chunk>>, entry: Entry<'_>) {
    builder.add(entry);
    if builder.is_full() {
        chunks.extend(builder.finish().map(Arc::new));
    }
}

/// The two counts of an `Arc`, and the pointer to it.
const COUNTS: usize = 3 * size_of::<usize>();
