//! Looks for the best matches in the contacts of a copy.

use std::collections::{BinaryHeap, HashSet};

use super::fuzzy::Similar;
use super::place::place;
use super::rank::{Match, Place, Rank, exact, fuzzy};
use crate::contact::ContactId;
use crate::copies::chunk::{Chunk, Entry};
use crate::model::query::Query;

/// A contact that matches. Compared by rank alone, which holds its id.
pub(super) struct Ranked {
    pub(super) rank: Rank,
    pub(super) matched: Match,
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// The best contacts of those that were looked at. However many there are, only `count`
/// are kept.
pub(super) struct Best<'a> {
    pub(super) query: &'a Query,
    /// The labels of which a contact must have one.
    pub(super) labels: Option<Vec<String>>,
    /// The rank after which the page begins.
    pub(super) after: Option<&'a Rank>,
    pub(super) count: usize,
    heap: BinaryHeap<Ranked>,
}

impl<'a> Best<'a> {
    pub(super) fn new(
        query: &'a Query,
        labels: Option<Vec<String>>,
        after: Option<&'a Rank>,
        count: usize,
    ) -> Self {
        let heap = BinaryHeap::with_capacity(count + 1);
        Self {
            query,
            labels,
            after,
            count,
            heap,
        }
    }

    /// Looks at the contacts that hold every word, or the digits.
    pub(super) fn add_exact(&mut self, chunk: &Chunk) {
        let query = self.query;
        // Without digits only contacts with this word can match.
        let words = query.words.iter().filter(|_| query.digits.is_none());
        let longest = words.max_by_key(|word| word.text.len());
        let mut row = 0;
        while row < chunk.len() {
            if let Some(word) = longest {
                let start = chunk.text_start(row);
                let Some(at) = word.find(&chunk.text()[start..]) else {
                    return;
                };
                row = chunk.row_at(start + at);
            }
            let entry = chunk.entry(row);
            if let Some(place) = place(query, entry.search_text)
                && self.improves(place, &entry)
                && let Some(matched) = exact(query, entry.search_text)
            {
                self.push(&entry, matched);
            }
            row += 1;
        }
    }

    /// Looks at the contacts that hold similar words, except those that were shown.
    pub(super) fn add_fuzzy(
        &mut self,
        chunk: &Chunk,
        similar: &Similar<'_>,
        shown: &HashSet<ContactId>,
    ) {
        similar.each(chunk, |entry, place| {
            if self.improves(place, entry)
                && !shown.contains(&entry.id)
                && similar.is_similar(entry.search_text)
                && let Some(matched) = fuzzy(self.query, entry.search_text)
            {
                self.push(entry, matched);
            }
        });
    }

    /// The best first.
    pub(super) fn into_sorted(self) -> Vec<Ranked> {
        self.heap.into_sorted_vec()
    }

    /// Whether the contact belongs to the best so far.
    fn improves(&self, (tier, weight): Place, entry: &Entry<'_>) -> bool {
        let (tier, weight) = (i32::from(tier), i32::from(weight));
        let rank = (tier, !entry.starred, weight, entry.family_key, entry.id);
        let worst = self.heap.peek().filter(|_| self.heap.len() == self.count);
        self.after.is_none_or(|after| rank > after.key())
            && worst.is_none_or(|worst| rank < worst.rank.key())
            && self
                .labels
                .as_deref()
                .is_none_or(|labels| entry.has_any(labels))
    }

    fn push(&mut self, entry: &Entry<'_>, matched: Match) {
        let rank = Rank {
            tier: matched.tier.into(),
            plain: !entry.starred,
            weight: matched.weight.into(),
            family_key: entry.family_key.to_owned(),
            id: entry.id,
        };
        self.heap.push(Ranked { rank, matched });
        if self.heap.len() > self.count {
            self.heap.pop();
        }
    }
}
