//! The words of a text, in a form that excludes most of those that a typing error does
//! not explain.

use std::ops::Range;

use crate::contact::search_text::{LineKind, line_of};

/// A word: the set of its letters, its length and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letters {
    /// Each character is one of 32 bits.
    set: u32,
    /// The position in the text in the lower bits, the number of characters above.
    place: u32,
}

const START_BITS: u32 = 24;
const CHARS_MAX: u32 = u32::MAX >> START_BITS;
/// Shorter words resemble no other.
const CHARS_MIN: u32 = 2;
/// A word that repeats one of so many before it in the same text is skipped.
const COMPARED: usize = 32;

impl Letters {
    /// The letters of a word at this position.
    #[must_use]
    pub fn of(word: &str, start: usize) -> Self {
        let (mut set, mut chars) = (0, 0);
        for c in word.chars() {
            set |= 1 << (u32::from(c) % u32::BITS);
            chars += 1;
        }
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        debug_assert!(start >> START_BITS == 0, "texts of contacts are smaller");
        Self {
            set,
            place: start | u32::min(chars, CHARS_MAX) << START_BITS,
        }
    }

    fn chars(self) -> u32 {
        self.place >> START_BITS
    }

    /// The position of its first character.
    #[must_use]
    pub fn start(self) -> usize {
        (self.place & (u32::MAX >> (u32::BITS - START_BITS))) as usize
    }

    /// Whether so many typing errors may make one word of the other: each adds at most
    /// one letter to the set, and removes at most one.
    #[must_use]
    pub fn may_differ_by(self, other: Self, slips: u32) -> bool {
        (self.set & !other.set).count_ones() <= slips
            && (other.set & !self.set).count_ones() <= slips
            && self.chars().abs_diff(other.chars()) <= slips
    }

    /// The word, in the text with its position.
    #[must_use]
    pub fn word(self, text: &str) -> &str {
        let rest = &text[self.start()..];
        let end = rest.find(|c: char| !c.is_alphanumeric());
        &rest[..end.unwrap_or(rest.len())]
    }
}

/// Adds the words of the search text from `start` on, each once. Typing errors are forgiven in
/// what a contact has, not in other forms of it.
pub(super) fn add(words: &mut Vec<Letters>, text: &str, start: usize) {
    let first = words.len();
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        let kind = line.chars().next().and_then(line_of).map(|(_, kind)| kind);
        if matches!(kind, Some(LineKind::Text | LineKind::Digits)) {
            add_line(words, first, text, at..at + line.len());
        }
        at += line.len();
    }
}

fn add_line(words: &mut Vec<Letters>, first: usize, text: &str, line: Range<usize>) {
    let mut at = line.start;
    for word in text[line].split(|c: char| !c.is_alphanumeric()) {
        let letters = Letters::of(word, at);
        // What follows is a separator, whatever its size.
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
        if letters.chars() < CHARS_MIN {
            continue;
        }
        let known = &words[first.max(words.len().saturating_sub(COMPARED))..];
        let is_known = known.iter().any(|known| {
            known.set == letters.set && known.chars() == letters.chars() && known.word(text) == word
        });
        if !is_known {
            words.push(letters);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_text_are_found_again_at_their_places() {
        let text = "skipped \n\u{2}hans\n\u{2}hans müller\n\u{4}hans.m@example.com\n\u{5}49\n";
        let mut words = Vec::new();

        add(&mut words, text, 8);

        let found: Vec<&str> = words.iter().map(|word| word.word(text)).collect();
        assert_eq!(found, ["hans", "müller", "example", "com", "49"]);
    }

    #[test]
    fn a_word_with_few_slips_is_never_excluded() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            let mut letter = || char::from(b'a' + random.u8(..6));
            let word: Vec<char> = (0..6).map(|_| letter()).collect();
            let mut other = word.clone();
            for _ in 0..2 {
                let new = letter();
                let at = fastrand::usize(1..other.len());
                match fastrand::u8(..4) {
                    0 => other.swap(at - 1, at),
                    1 => other[at] = new,
                    2 => other.insert(at, new),
                    _ => drop(other.remove(at)),
                }
            }
            let [word, other] = [word, other].map(String::from_iter);
            let [a, b] = [&word, &other].map(|word| Letters::of(word, 0));
            assert!(a.may_differ_by(b, 2), "{word} {other}");
        }
        let [a, b] = ["mueller", "schmidt"].map(|word| Letters::of(word, 0));
        assert!(!a.may_differ_by(b, 2));
    }
}
