//! The parts of a file, each of which is stored as a whole.

use std::collections::HashSet;

use tokio::task::JoinSet;

use super::{Outcome, Place, Row};
use crate::book::import::Card;
use crate::error::Result;

/// The most contacts that are stored at a time, and their bytes.
const PART: usize = 500;
const PART_BYTES: usize = 1024 * 1024;

/// Cards that are stored together.
#[derive(Default)]
pub(super) struct Part {
    pub(super) places: Vec<Place>,
    pub(super) cards: Vec<Card>,
    /// Those of the contacts that the cards become, which differ.
    pub(super) uids: HashSet<String>,
    pub(super) bytes: usize,
    /// Cards between them that are not stored.
    pub(super) others: Vec<Row>,
}

impl Part {
    pub(super) fn is_full(&self) -> bool {
        self.cards.len() >= PART || self.bytes >= PART_BYTES || self.others.len() >= PART
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cards.is_empty() && self.others.is_empty()
    }
}

/// A part while it is stored.
pub(super) struct Storing {
    pub(super) places: Vec<Place>,
    /// Those that the cards have.
    pub(super) uids: Vec<Option<String>>,
    /// Those of the contacts that they become.
    pub(super) targets: HashSet<String>,
    pub(super) others: Vec<Row>,
    /// How many cards were read with its last one.
    pub(super) rows: u64,
    pub(super) outcomes: JoinSet<Result<Vec<Outcome>>>,
}
