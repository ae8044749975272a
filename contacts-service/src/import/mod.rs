//! Imports of files: reads their cards, and stores them in parts.

pub mod error;
mod groups;
mod part;
mod session;

pub use crate::book::import::Outcome;
pub use session::{Session, Settings, Tools, any_id};

/// The maximum number of imports of a replica. Each needs up to 20 MiB.
pub const AT_A_TIME: usize = 12;
/// Those of one user.
pub const OF_USER: usize = 4;

/// What became of a part of a file.
#[derive(Debug)]
pub enum Event {
    /// A card that was not stored as it is in the file.
    Row(Row),
    /// How far the import has come.
    Progress {
        /// The cards that were dealt with.
        rows: u64,
        /// The bytes that were read.
        bytes: u64,
    },
    /// The end.
    Summary(Counts),
}

/// A card, and what became of it.
#[derive(Debug)]
pub struct Row {
    /// Its place in the file.
    pub place: Place,
    /// What became of it.
    pub outcome: Outcome,
}

/// Where a card is in a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its number, from 0.
    pub index: u64,
    /// The number of its first line, from 1.
    pub line: u64,
    /// Where it begins, in bytes.
    pub byte_offset: u64,
    /// Its beginning.
    pub excerpt: String,
    /// What was not understood.
    pub warnings: Vec<String>,
}

/// What became of the cards so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// New contacts.
    pub created: u64,
    /// Changed contacts.
    pub updated: u64,
    /// Cards that changed nothing.
    pub skipped: u64,
    /// Refused cards.
    pub failed: u64,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Created(_) => &mut self.created,
            Outcome::Updated(_) => &mut self.updated,
            Outcome::Skipped(_) | Outcome::Unchanged(_) => &mut self.skipped,
            Outcome::Failed(_) => &mut self.failed,
        };
        *count += 1;
    }
}
