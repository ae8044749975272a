//! How similar a word is to the most similar part of a text, as `word_similarity` of
//! PostgreSQL's extension `pg_trgm` computes it (`contrib/pg_trgm/trgm_op.c`:
//! `generate_trgm_only`, `calc_word_similarity`, `iterate_word_similarity`). In a
//! database with the locale C, whose words are ASCII letters and digits.

/// Three characters; each word has two spaces before it and one after.
type Trigram = [u8; 3];

/// The trigrams of a word, to compare texts with.
#[derive(Clone, Debug)]
pub(super) struct Trigrams {
    /// Sorted, each once.
    of_word: Vec<Trigram>,
}

/// The part of a text between two of its trigrams.
struct Extent {
    lower: usize,
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

    /// Moves the upper bound of the extent along the text, and the lower bound after it.
    fn reaches(&self, text: &[usize], is_common: &[bool], threshold: f64) -> bool {
        let mut last_places: Vec<Option<usize>> = vec![None; is_common.len()];
        let mut extent: Option<Extent> = None;
        for (upper, &trigram) in text.iter().enumerate() {
            if !is_common[trigram] && extent.is_none() {
                continue;
            }
            let now = extent.get_or_insert(Extent {
                lower: upper,
                different: 0,
                common: 0,
            });
            if last_places[trigram].is_none() {
                now.different += 1;
                now.common += usize::from(is_common[trigram]);
            }
            last_places[trigram] = Some(upper);
            if !is_common[trigram] {
                continue;
            }
            let start = now.lower;
            let mut best = self.similarity(now);
            let (mut different, mut common) = (now.different, now.common);
            for lower in start..=upper {
                let shorter = Extent {
                    lower,
                    different,
                    common,
                };
                let similarity = self.similarity(&shorter);
                if similarity > best {
                    best = similarity;
                    *now = shorter;
                }
                if f64::from(best) >= threshold {
                    return true;
                }
                if last_places[text[lower]] == Some(lower) {
                    different -= 1;
                    common -= usize::from(is_common[text[lower]]);
                }
            }
            for lower in start..now.lower {
                if last_places[text[lower]] == Some(lower) {
                    last_places[text[lower]] = None;
                }
            }
        }
        false
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 trigrams")]
    fn similarity(&self, extent: &Extent) -> f32 {
        let all = self.of_word.len() + extent.different - extent.common;
        extent.common as f32 / all as f32
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

    #[test]
    fn words_have_spaces_around_them() {
        assert_eq!(
            trigrams("Ab-c"),
            [*b"  a", *b" ab", *b"ab ", *b"  c", *b" c "]
        );
        assert_eq!(trigrams("\u{fc}\n"), [[0; 3]; 0]);
    }
}
