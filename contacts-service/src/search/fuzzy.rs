//! Finds contacts whose words differ from those of a query by typing errors.

use proto::contacts::v1::{MatchTier, SearchField};

use super::place::{Lines, place, word_place};
use super::rank::{self, Place, Weighed, slips};
use super::similarity::Trigrams;
use crate::copies::chunk::{Chunk, Entry};
use crate::copies::words::Letters;
use crate::model::query::{Query, Word, letter_swaps};

/// The least similarity of the longest word to the text.
const SIMILARITY_MIN: f64 = 0.3;
/// The longest word in which two neighbours may be swapped instead; longer ones keep
/// enough trigrams.
const SWAPPED_CHARS_MAX: usize = 8;

/// The words that are similar to those of a query.
pub(super) struct Similar<'a> {
    query: &'a Query,
    /// Of each word of the query.
    letters: Vec<Letters>,
    trigrams: Trigrams,
    swapped: Vec<Word>,
}

impl<'a> Similar<'a> {
    /// `None` if no word of the query may have a typing error.
    pub(super) fn to(query: &'a Query) -> Option<Self> {
        let word = query.fuzzy_word()?;
        let is_short = word.chars().count() <= SWAPPED_CHARS_MAX;
        let swapped = if is_short {
            letter_swaps(&word)
        } else {
            Vec::new()
        };
        Some(Self {
            query,
            letters: (query.words.iter())
                .map(|word| Letters::of(&word.text, 0))
                .collect(),
            trigrams: Trigrams::of(&word),
            swapped: swapped.iter().map(|word| Word::new(word)).collect(),
        })
    }

    /// Whether the longest word is similar to the text as a whole, which has it with two
    /// letters swapped, or enough of its trigrams.
    pub(super) fn is_similar(&self, search_text: &str) -> bool {
        let mut swapped = self.swapped.iter();
        swapped.any(|word| word.find(search_text).is_some())
            || self.trigrams.resemble(search_text, SIMILARITY_MIN)
    }

    /// Calls `found` with each contact that matches with typing errors only, and its
    /// place.
    pub(super) fn each(&self, chunk: &Chunk, mut found: impl FnMut(&Entry<'_>, Place)) {
        let fields: Vec<_> = (self.query.words.iter().zip(&self.letters))
            .map(|(word, letters)| self.fields(chunk, word, *letters))
            .collect();
        for row in 0..chunk.len() {
            if fields.iter().all(|fields| fields[row].is_none()) {
                continue;
            }
            let entry = chunk.entry(row);
            let of_word = |number: usize| fields[number][row];
            if let Some(place) = self.place(&entry, of_word) {
                found(&entry, place);
            }
        }
    }

    /// The first field of each contact with a word similar to this one.
    fn fields(&self, chunk: &Chunk, word: &Word, letters: Letters) -> Vec<Option<SearchField>> {
        let mut fields = vec![None; chunk.len()];
        let slips = slips(&word.text);
        let mut lines = Lines::of(self.query, chunk.text());
        let likely = chunk
            .words()
            .iter()
            .filter(|other| slips > 0 && letters.may_differ_by(**other, slips));
        for other in likely {
            if !rank::differs_by(other.word(chunk.text()), &word.text, slips) {
                continue;
            }
            // A word of a contact is there once, with the first of its fields, which the
            // query may not search.
            let line = lines.at(other.start());
            let field = line.map_or(SearchField::Unspecified, |line| line.field);
            let first = &mut fields[chunk.row_at(other.start())];
            *first = first.or(Some(field));
        }
        fields
    }

    /// The place of a contact, with the first fields that are similar to each word.
    fn place(
        &self,
        entry: &Entry<'_>,
        field: impl Fn(usize) -> Option<SearchField>,
    ) -> Option<Place> {
        let (query, text) = (self.query, entry.search_text);
        if !query.fields.is_empty() {
            let found = rank::fuzzy(query, text).filter(|_| place(query, text).is_none())?;
            return Some((found.tier, found.weight));
        }
        let mut worst = None;
        for (number, word) in query.words.iter().enumerate() {
            let (exact, _) = word_place(query, word, None, text);
            let similar = || field(number).map(|field| (MatchTier::Fuzzy, Weighed(field)));
            worst = worst.max(Some(exact.or_else(similar)?));
        }
        worst.filter(|(tier, _)| *tier == MatchTier::Fuzzy)
    }
}
