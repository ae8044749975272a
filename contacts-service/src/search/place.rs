//! The tier and field of a match, as [`rank`] finds them, without looking at every line:
//! a search compares thousands of contacts, and returns a page.
//!
//! [`rank`]: super::rank

use memchr::memrchr;
use proto::contacts::v1::{MatchTier, SearchField};

use super::rank::{Place, Weighed, readings};
use crate::contact::search_text::LineKind;
use crate::model::query::{Query, Word};

/// The best match of a contact; `None` if it does not match. As [`exact`].
///
/// [`exact`]: super::rank::exact
pub(super) fn place(query: &Query, search_text: &str) -> Option<Place> {
    let readings = readings(query);
    readings.filter_map(|query| read(query, search_text)).min()
}

fn read(query: &Query, search_text: &str) -> Option<Place> {
    let mut whole = whole_digits(query, search_text);
    let mut worst = None;
    for (number, word) in query.words.iter().enumerate() {
        let start = (number == 0).then_some(&*query.text);
        let (found, of_query) = word_place(query, word, start, search_text);
        whole = whole.into_iter().chain(of_query).min();
        let Some(found) = found else {
            return whole;
        };
        worst = worst.max(Some(found));
    }
    whole.into_iter().chain(worst).min()
}

/// The best match of a word; and of the whole query where a line begins with it, if
/// `whole` is the query and the word its first one.
pub(super) fn word_place(
    query: &Query,
    word: &Word,
    whole: Option<&str>,
    search_text: &str,
) -> (Option<Place>, Option<Place>) {
    let (mut best, mut best_whole) = (None, None);
    let mut lines = Lines::of(query, search_text);
    let mut from = 0;
    while let Some(found) = word.find(&search_text[from..]) {
        let at = from + found;
        from = at + word.text.len();
        let Some(line) = lines.at(at) else {
            continue;
        };
        match line.kind {
            LineKind::Spelling | LineKind::Romanised => continue,
            LineKind::Joined if !line.is_at_start => continue,
            LineKind::Joined | LineKind::Text | LineKind::Digits => {}
        }
        let tier = if line.is_at_word_start {
            MatchTier::WordPrefix
        } else {
            MatchTier::Substring
        };
        if line.is_at_word_start || !word.is_abbreviated {
            best = Some(nearer(best, (tier, Weighed(line.field))));
        }
        let rest = &search_text[at..];
        if let Some(whole) = whole
            && line.is_at_start
            && line.kind != LineKind::Digits
            && let Some(rest) = rest.strip_prefix(whole)
        {
            let tier = if rest.starts_with('\n') {
                MatchTier::Field
            } else {
                MatchTier::FieldPrefix
            };
            best_whole = Some(nearer(best_whole, (tier, Weighed(line.field))));
        }
    }
    (best, best_whole)
}

/// The match of the digits in phone numbers.
fn whole_digits(query: &Query, search_text: &str) -> Option<Place> {
    let is_in_phone = |digits: &Word| {
        let mut lines = Lines::of(query, search_text);
        let mut is_phone = |at| {
            let line = lines.at(at);
            line.is_some_and(|line| line.kind == LineKind::Digits)
        };
        digits.positions(search_text).any(&mut is_phone)
    };
    let mut digits = query.digits.iter();
    digits
        .any(is_in_phone)
        .then_some((MatchTier::PhoneDigits, Weighed(SearchField::Phone)))
}

/// The line of a position.
pub(super) struct Line {
    pub(super) field: SearchField,
    pub(super) kind: LineKind,
    /// Whether the position is that of the line's text.
    is_at_start: bool,
    /// Whether no letter or digit precedes it.
    is_at_word_start: bool,
}

/// Finds the lines of positions in ascending order. Each byte is read once at most.
pub(super) struct Lines<'a> {
    query: &'a Query,
    search_text: &'a str,
    /// The last position that was asked for.
    seen: usize,
    /// The position of its line's code; codes are one byte.
    code_at: usize,
    /// `None` if the query does not search it.
    line: Option<(SearchField, LineKind)>,
}

impl<'a> Lines<'a> {
    /// The lines of a text that begins with a line break.
    pub(super) fn of(query: &'a Query, search_text: &'a str) -> Self {
        Self {
            query,
            search_text,
            seen: 0,
            code_at: 0,
            line: None,
        }
    }

    /// The line of a position after the last one; `None` if the query does not search its
    /// field.
    pub(super) fn at(&mut self, at: usize) -> Option<Line> {
        let bytes = self.search_text.as_bytes();
        if let Some(line_break) = memrchr(b'\n', &bytes[self.seen..at]) {
            self.code_at = self.seen + line_break + 1;
            self.line = self.query.searched_line(char::from(bytes[self.code_at]));
        }
        self.seen = at;
        let (field, kind) = self.line?;
        Some(Line {
            field,
            kind,
            is_at_start: self.code_at + 1 == at,
            is_at_word_start: match bytes[at - 1] {
                before if before.is_ascii() => !before.is_ascii_alphanumeric(),
                _ => {
                    let before = self.search_text[..at].chars().next_back();
                    before.is_none_or(|c| !c.is_alphanumeric())
                }
            },
        })
    }
}

fn nearer(best: Option<Place>, place: Place) -> Place {
    best.map_or(place, |best| best.min(place))
}

#[cfg(test)]
mod tests {
    use super::super::rank::exact;
    use super::*;

    /// A few letters, so that texts and queries match often.
    fn random_text(random: &mut fastrand::Rng, words: usize) -> String {
        let letters = ['a', 'b', 'ж', '1', '2', '.', 'é'];
        let mut word = || {
            let letters = (0..random.usize(1..4)).map(|_| letters[random.usize(..letters.len())]);
            letters.collect::<String>()
        };
        (0..words).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn places_are_those_of_the_rank() {
        let mut random = fastrand::Rng::with_seed(13);
        let mut matches = 0;
        for _ in 0..20_000 {
            let mut text = String::from("\n");
            for _ in 0..random.usize(1..6) {
                let kind = *random.choice(&[0, 0, 0, 0xc, 0x15]).unwrap();
                text.push(char::from(random.u8(2..=8) + kind));
                let words = random.usize(1..4);
                text.push_str(&random_text(&mut random, words));
                text.push('\n');
            }
            let words = random.usize(1..4);
            let fields: &[i32] = if random.bool() { &[] } else { &[1, 4] };
            let query = Query::parse(&random_text(&mut random, words), fields).unwrap();

            let expected = exact(&query, &text).map(|found| (found.tier, found.weight));

            assert_eq!(place(&query, &text), expected, "{query:?} {text:?}");
            matches += usize::from(expected.is_some());
        }
        assert!(matches > 1000, "{matches}");
    }

    /// From each occurrence back to the beginning of its line, it would take hours.
    #[test]
    fn a_line_that_repeats_a_word_is_looked_at_once() {
        let text = format!("\n\u{8}{}\n", "a".repeat(3_000_000));
        let query = Query::parse("a", &[SearchField::Notes.into()]).unwrap();
        let expected = (MatchTier::FieldPrefix, Weighed(SearchField::Notes));
        assert_eq!(place(&query, &text), Some(expected));
    }
}
