//! Looks for the best matches in the contacts of a copy.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

use uuid::Uuid;

use super::fuzzy::Similar;
use super::place::place;
use super::rank::{Match, Place, Rank, exact, fuzzy, readings, spelled};
use crate::contact::search_text::without_labels;
use crate::copies::chunk::{Chunk, Entry};
use crate::model::query::{Query, Word};

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
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// Which contacts a search may return.
pub(super) struct Seen {
    /// The labels of which a contact must have one.
    pub(super) labels: Option<Vec<String>>,
    /// The contacts that a filter selects, sorted.
    pub(super) ids: Option<Vec<Uuid>>,
}

impl Seen {
    /// What the caller may see of the search text: a hidden label has no influence on what
    /// is similar.
    fn shown<'e>(&self, entry: &Entry<'e>) -> Cow<'e, str> {
        match self.labels {
            Some(_) => without_labels(entry.search_text),
            None => entry.search_text.into(),
        }
    }

    fn includes(&self, entry: &Entry<'_>) -> bool {
        let has_label = |labels: &Vec<String>| entry.has_any(labels);
        let is_selected = |ids: &Vec<Uuid>| ids.binary_search(&entry.id.0).is_ok();
        self.labels.as_ref().is_none_or(has_label) && self.ids.as_ref().is_none_or(is_selected)
    }
}

/// Where a page begins.
#[derive(Clone, Copy)]
pub(super) struct After<'a> {
    /// The rank of the last contact shown.
    pub(super) rank: &'a Rank,
    /// Whether another contact of this rank follows.
    pub(super) is_included: bool,
}

/// The best contacts of those that were looked at. However many there are, only `count`
/// are kept.
pub(super) struct Best<'a> {
    query: &'a Query,
    /// Each contact that matches has one of these.
    needles: Vec<&'a Word>,
    seen: &'a Seen,
    after: Option<After<'a>>,
    count: usize,
    heap: BinaryHeap<Ranked>,
}

impl<'a> Best<'a> {
    pub(super) fn new(
        query: &'a Query,
        seen: &'a Seen,
        after: Option<After<'a>>,
        count: usize,
    ) -> Self {
        let heap = BinaryHeap::with_capacity(count + 1);
        Self {
            query,
            needles: readings(query).flat_map(needles).collect(),
            seen,
            after,
            count,
            heap,
        }
    }

    /// Looks at the contacts that hold every word, or the digits.
    pub(super) fn add_exact(&mut self, chunk: &Chunk) {
        let needles = self.needles.iter();
        let rows: BTreeSet<usize> = needles.flat_map(|word| rows_with(chunk, word)).collect();
        for row in rows {
            let entry = chunk.entry(row);
            if let Some(place) = place(self.query, entry.search_text)
                && self.improves(place, &entry)
                && let Some(matched) = exact(self.query, entry.search_text)
            {
                self.push(&entry, matched);
            }
        }
    }

    /// Looks at the contacts that hold every word in some spelling, and not all as typed.
    pub(super) fn add_spelled(&mut self, chunk: &Chunk) {
        let query = self.query;
        let needles = readings(query).flat_map(|query| {
            let longest = (0..query.words.len()).max_by_key(|at| query.words[*at].text.len());
            let spelled = |at: usize| query.spellings[at].iter().chain(&query.romanised[at]);
            longest
                .into_iter()
                .flat_map(move |at| spelled(at).chain([&query.words[at]]))
        });
        let rows: BTreeSet<usize> = needles.flat_map(|word| rows_with(chunk, word)).collect();
        for row in rows {
            let entry = chunk.entry(row);
            if let Some(matched) = spelled(query, entry.search_text)
                && place(query, entry.search_text).is_none()
                && self.improves((matched.tier, matched.weight), &entry)
            {
                self.push(&entry, matched);
            }
        }
    }

    /// Looks at the contacts that hold similar words, except those that match otherwise.
    pub(super) fn add_fuzzy(&mut self, chunk: &Chunk, similar: &Similar<'_>) {
        similar.each(chunk, |entry, found| {
            if self.improves(found, entry)
                && similar.is_similar(&self.seen.shown(entry))
                && place(self.query, entry.search_text).is_none()
                && spelled(self.query, entry.search_text).is_none()
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
        let (tier, place) = (i32::from(tier), weight.place());
        let rank = (tier, !entry.starred, place, entry.family_key, entry.id);
        let worst = self.heap.peek().filter(|_| self.heap.len() == self.count);
        let follows = |after: After<'_>| match rank.cmp(&after.rank.key()) {
            Ordering::Less => false,
            Ordering::Equal => after.is_included,
            Ordering::Greater => true,
        };
        self.after.is_none_or(follows)
            && worst.is_none_or(|worst| rank < worst.rank.key())
            && self.seen.includes(entry)
    }

    fn push(&mut self, entry: &Entry<'_>, matched: Match) {
        let rank = Rank {
            tier: matched.tier.into(),
            plain: !entry.starred,
            place: matched.weight.place(),
            family_key: entry.family_key.to_owned(),
            id: entry.id,
        };
        self.heap.push(Ranked { rank, matched });
        if self.heap.len() > self.count {
            self.heap.pop();
        }
    }
}

/// What to scan for: each contact that matches has the digits in one of their forms, or every
/// word and thus the longest one. What has a longer one also has the shorter one in it.
fn needles(query: &Query) -> Vec<&Word> {
    let longest = query.words.iter().max_by_key(|word| word.text.len());
    let mut all: Vec<&Word> = longest.into_iter().chain(&query.digits).collect();
    all.sort_by_key(|word| word.text.len());
    let mut needles: Vec<&Word> = Vec::new();
    for word in all {
        let is_longer = |needle: &&Word| word.text.contains(&needle.text);
        if !needles.iter().any(is_longer) {
            needles.push(word);
        }
    }
    needles
}

/// The contacts whose search text includes a word, in order.
fn rows_with<'a>(chunk: &'a Chunk, word: &'a Word) -> impl Iterator<Item = usize> + 'a {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = chunk.text_start(next);
        let row = chunk.row_at(start + word.find(&chunk.text()[start..])?);
        next = row + 1;
        Some(row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_scanned_for_by_what_every_match_has() {
        for (text, expected) in [
            ("hans muller", &["muller"][..]),
            ("030 123456", &["123456"]),
            ("+4930123456", &["4930123456"]),
            ("12-34-56", &["56"]),
            ("12.34.56", &["123456", "12.34.56"]),
            ("7", &["7"]),
        ] {
            let query = Query::parse(text, &[]).unwrap();
            let needles = needles(&query).into_iter().map(|word| &*word.text);
            assert_eq!(needles.collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
