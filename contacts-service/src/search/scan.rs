//! Looks for the best matches in the contacts of a copy.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use proto::contacts::v1::{MatchTier, SearchField};
use uuid::Uuid;

use super::fuzzy::Similar;
use super::place::place;
use super::rank::{Match, Place, Rank, Weighed, exact, fuzzy, readings, spelled};
use crate::contact::ContactId;
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
    /// Whether the query is one word, and the only needle.
    is_one_word: bool,
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
        let needles: Vec<&Word> = readings(query).flat_map(needles).collect();
        let words = readings(query).flat_map(|query| &query.words);
        let is_one_word = match (&*needles, &*words.collect::<Vec<_>>()) {
            ([needle], [word]) => needle.text == word.text,
            _ => false,
        };
        Self {
            query,
            needles,
            is_one_word,
            seen,
            after,
            count,
            heap,
        }
    }

    /// Looks at the contacts that hold every word, or the digits.
    pub(super) fn add_exact(&mut self, chunk: &Chunk) {
        for (row, nearest) in rows_with(chunk, &self.needles) {
            let entry = chunk.entry(row);
            // Half of a book may hold a common word: most do not reach the page, which the
            // place of the word in its line shows.
            let nearest = (self.tier_from(nearest), Weighed(SearchField::Unspecified));
            if self.is_better(nearest, &entry)
                && let Some(place) = place(self.query, entry.search_text)
                && self.improves(place, &entry)
                && let Some(matched) = exact(self.query, entry.search_text)
            {
                self.push(&entry, matched);
            }
        }
    }

    /// The best tier of a contact in which no needle is nearer to the beginning of a line.
    fn tier_from(&self, nearest: Nearest) -> MatchTier {
        match nearest {
            Nearest::LineStart => MatchTier::Field,
            // Others may match in another place.
            _ if !self.is_one_word => MatchTier::Field,
            Nearest::WordStart => MatchTier::WordPrefix,
            Nearest::Inside if self.query.digits.is_empty() => MatchTier::Substring,
            Nearest::Inside => MatchTier::PhoneDigits,
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
        for (row, _) in rows_with(chunk, &needles.collect::<Vec<_>>()) {
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
    fn improves(&self, place: Place, entry: &Entry<'_>) -> bool {
        let follows = |after: After<'_>| match rank(place, entry).cmp(&after.rank.key()) {
            Ordering::Less => false,
            Ordering::Equal => after.is_included,
            Ordering::Greater => true,
        };
        self.after.is_none_or(follows) && self.is_better(place, entry) && self.seen.includes(entry)
    }

    /// Whether it is better than the last one of the best so far.
    fn is_better(&self, place: Place, entry: &Entry<'_>) -> bool {
        let worst = self.heap.peek().filter(|_| self.heap.len() == self.count);
        worst.is_none_or(|worst| rank(place, entry) < worst.rank.key())
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

/// The rank of a contact with this place, as [`Rank::key`].
fn rank<'e>((tier, weight): Place, entry: &Entry<'e>) -> (i32, bool, i32, &'e str, ContactId) {
    (
        i32::from(tier),
        !entry.starred,
        weight.place(),
        entry.family_key,
        entry.id,
    )
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

/// How near to the beginning of a line a text has a word at best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearest {
    LineStart,
    WordStart,
    Inside,
}

impl Nearest {
    /// That of a position after the first line break.
    fn of(text: &str, at: usize) -> Self {
        match text.as_bytes()[at - 1] {
            // A line begins with a code, which is a control character.
            before if before.is_ascii_control() => Self::LineStart,
            // Perhaps a letter; rarely a space or a dash.
            before if before.is_ascii_alphanumeric() => Self::Inside,
            _ => Self::WordStart,
        }
    }
}

/// The contacts whose search text includes one of the words, in order.
fn rows_with(chunk: &Chunk, words: &[&Word]) -> Vec<(usize, Nearest)> {
    let mut rows = Vec::new();
    for word in words {
        let mut row = 0;
        for at in word.positions(chunk.text()) {
            while chunk.text_start(row + 1) <= at {
                row += 1;
            }
            let nearest = Nearest::of(chunk.text(), at);
            match rows.last_mut() {
                Some((last, best)) if *last == row => *best = nearest.min(*best),
                _ => rows.push((row, nearest)),
            }
        }
    }
    if words.len() > 1 {
        rows.sort_unstable();
        rows.dedup_by_key(|(row, _)| *row);
    }
    rows
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

    #[test]
    fn no_contact_is_better_than_the_place_of_the_word_in_its_lines() {
        let seen = Seen {
            labels: None,
            ids: None,
        };
        let mut random = fastrand::Rng::with_seed(31);
        let mut bounded = 0;
        for _ in 0..20_000 {
            let mut some = |count: usize| -> String {
                let letters = ["a", "b", "1", "é", " ", "-", "'", "+"];
                (0..count)
                    .map(|_| *random.choice(&letters).unwrap())
                    .collect()
            };
            let (typed, lines) = (some(3), [some(5), some(5), some(5)]);
            let Ok(query) = Query::parse(&typed, &[]) else {
                continue;
            };
            let codes = ['\u{2}', '\u{5}', '\u{6}', '\u{e}'];
            let shown = lines.map(|line| format!("{}{line}\n", random.choice(codes).unwrap()));
            let text = format!("\n{}", shown.concat());
            let best = Best::new(&query, &seen, None, 1);
            let at = best.needles.iter().flat_map(|word| word.positions(&text));

            let nearest = at.map(|at| Nearest::of(&text, at)).min();

            if let Some((tier, _)) = place(&query, &text) {
                let bound = best.tier_from(nearest.unwrap());
                assert!(bound <= tier, "{typed:?} {text:?}");
                bounded += usize::from(bound > MatchTier::Field);
            }
        }
        assert!(bounded > 200, "{bounded}");
    }
}
