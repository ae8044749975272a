//! How similar a word is to the most similar part of a text, as `word_similarity` of
//! PostgreSQL's extension `pg_trgm` computes it (`contrib/pg_trgm/trgm_op.c`:
//! `generate_trgm_only`, `calc_word_similarity`, `iterate_word_similarity`). In a
//! database with the locale C, whose words are ASCII letters and digits.

use std::collections::BTreeSet;

/// Three characters; each word has two spaces before it and one after.
type Trigram = [u8; 3];

/// The trigrams of a word, to compare texts with.
#[derive(Clone, Debug)]
pub(super) struct Trigrams {
    /// Sorted, each once.
    of_word: Vec<Trigram>,
}

/// The part of a text between two of its trigrams.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    /// The different trigrams in it.
    different: usize,
    /// Those of them that are also in the word.
    common: usize,
}

impl Trigrams {
    /// The trigrams of this word.
    pub(super) fn of(word: &str) -> Self {
        let mut of_word = trigrams(word);
        of_word.sort_unstable();
        of_word.dedup();
        Self { of_word }
    }

    /// Whether the similarity to the text is `threshold` or more.
    pub(super) fn resemble(&self, text: &str, threshold: f64) -> bool {
        let of_text = trigrams(text);
        let mut different = of_text.clone();
        different.sort_unstable();
        different.dedup();
        let numbers: Vec<usize> = of_text
            .iter()
            .map(|trigram| different.partition_point(|other| other < trigram))
            .collect();
        let is_common: Vec<bool> = different
            .iter()
            .map(|trigram| self.of_word.binary_search(trigram).is_ok())
            .collect();
        self.reaches(&numbers, &is_common, threshold)
    }

    /// Moves the upper bound of the extent along the text, and the lower bound after it. The
    /// extent only changes where the lower bound passes the last place of a trigram.
    fn reaches(&self, text: &[usize], is_common: &[bool], threshold: f64) -> bool {
        let mut last_places: Vec<Option<usize>> = vec![None; is_common.len()];
        // Those of the trigrams in the extent.
        let mut in_order: BTreeSet<usize> = BTreeSet::new();
        let mut extent = Extent::default();
        for (upper, &trigram) in text.iter().enumerate() {
            // An extent begins with a common trigram.
            if !is_common[trigram] && in_order.is_empty() {
                continue;
            }
            match last_places[trigram].replace(upper) {
                Some(before) => drop(in_order.remove(&before)),
                None => extent.add(is_common[trigram]),
            }
            in_order.insert(upper);
            if !is_common[trigram] {
                continue;
            }
            let trigrams = in_order.iter().map(|place| is_common[text[*place]]);
            let (passed, best) = self.most_similar(extent, trigrams);
            if f64::from(self.similarity(best)) >= threshold {
                return true;
            }
            extent = best;
            for place in (0..passed).filter_map(|_| in_order.pop_first()) {
                last_places[text[place]] = None;
            }
        }
        false
    }

    /// The most similar extent with this upper bound, and how many trigrams its lower bound
    /// passes: of each, in the order of their last places, whether it is common.
    fn most_similar(
        &self,
        mut extent: Extent,
        trigrams: impl Iterator<Item = bool>,
    ) -> (usize, Extent) {
        let mut best = (0, extent);
        for (number, is_common) in trigrams.enumerate() {
            extent.remove(is_common);
            if self.similarity(extent) > self.similarity(best.1) {
                best = (number + 1, extent);
            }
        }
        best
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 trigrams")]
    fn similarity(&self, extent: Extent) -> f32 {
        let all = self.of_word.len() + extent.different - extent.common;
        extent.common as f32 / all as f32
    }
}

impl Extent {
    fn add(&mut self, is_common: bool) {
        self.different += 1;
        self.common += usize::from(is_common);
    }

    fn remove(&mut self, is_common: bool) {
        self.different -= 1;
        self.common -= usize::from(is_common);
    }
}

/// The trigrams of each word, in order.
fn trigrams(text: &str) -> Vec<Trigram> {
    let mut trigrams = Vec::with_capacity(text.len() + 2);
    let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
    for word in words.filter(|word| !word.is_empty()) {
        let mut last = [b' '; 3];
        for byte in word.iter().chain(b" ") {
            last = [last[1], last[2], byte.to_ascii_lowercase()];
            trigrams.push(last);
        }
    }
    trigrams
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The similarity, to two digits.
    fn similarity(word: &str, text: &str) -> f64 {
        let trigrams = Trigrams::of(word);
        let steps = (0..=100).map(|step| f64::from(step) / 100.0);
        let mut reached = steps.rev().filter(|step| trigrams.resemble(text, *step));
        reached.next().unwrap_or(0.0)
    }

    #[test]
    fn the_examples_of_the_manual_are_the_same() {
        for (word, text, expected) in [
            ("word", "two words", 0.8),
            ("word", "word", 1.0),
            ("words", "two words", 1.0),
            ("cat", "dog", 0.0),
            ("cat", "", 0.0),
        ] {
            let found = similarity(word, text);
            assert!((found - expected).abs() < 0.011, "{word}, {text}: {found}");
        }
    }

    /// The greatest similarity of all parts of the text that begin and end with a common
    /// trigram, as `pg_trgm` looks at them: it tries every lower bound for each upper one.
    fn reference(word: &Trigrams, text: &[Trigram]) -> f32 {
        let is_common = |trigram| word.of_word.contains(trigram);
        let mut lower = None;
        let mut most = 0.0;
        for upper in (0..text.len()).filter(|upper| is_common(&text[*upper])) {
            let start = *lower.get_or_insert(upper);
            let mut best = -1.0;
            for from in start..=upper {
                let different: BTreeSet<&Trigram> = text[from..=upper].iter().collect();
                let common = different.iter().filter(|one| is_common(one)).count();
                let similarity = word.similarity(Extent {
                    different: different.len(),
                    common,
                });
                if similarity > best {
                    best = similarity;
                    lower = Some(from);
                }
            }
            most = f32::max(most, best);
        }
        most
    }

    #[test]
    fn jumps_over_repeated_trigrams_change_no_result() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut text = |letters: u8, length: usize| -> String {
            let mut letter = || match random.u8(..10) {
                0 => ' ',
                _ => char::from(b'a' + random.u8(..letters)),
            };
            (0..length).map(|_| letter()).collect()
        };
        let mut seen = BTreeSet::new();
        for letters in (1..=4).cycle().take(3000) {
            let (word, text) = (text(letters, 8), text(letters + 1, 40));
            let of_word = Trigrams::of(&word);

            let most = reference(&of_word, &trigrams(&text));

            let most = f64::from(most);
            let [as_much, more] = [most, most + 1e-6].map(|least| of_word.resemble(&text, least));
            assert_eq!(
                (as_much, more),
                (most > 0.0, false),
                "{word:?} {text:?} {most}"
            );
            seen.insert(most.to_bits());
        }
        assert!(seen.len() > 50, "{}", seen.len());
    }

    /// Each lower bound tried for each upper one would take hours.
    #[test]
    fn a_trigram_that_is_repeated_a_million_times_is_passed_at_once() {
        let word = Trigrams::of("aaabcdefghijk");
        assert!(!word.resemble(&"a".repeat(1_000_000), 0.3));
    }

    #[test]
    fn words_have_spaces_around_them() {
        assert_eq!(
            trigrams("Ab-c"),
            [*b"  a", *b" ab", *b"ab ", *b"  c", *b" c "]
        );
        assert_eq!(trigrams("\u{fc}\n"), [[0; 3]; 0]);
    }
}
