//! The words of a query.

/// The longest word that a dot abbreviates, in characters: "Prof.".
const ABBREVIATION_CHARS: usize = 4;

/// A word as it is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    /// Whether a dot abbreviates it, so that it is the beginning of a word: "J." of "John".
    pub(super) is_abbreviated: bool,
}

/// The words of a folded text: between spaces, commas and semicolons, and after the dots of
/// abbreviations.
pub(super) fn parts(folded: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        let pieces = word.split([',', ';']).filter(|piece| !piece.is_empty());
        let before = parts.len();
        for piece in pieces {
            add(&mut parts, piece);
        }
        // Nothing but punctuation means itself.
        if parts.len() == before {
            parts.push(whole(word));
        }
    }
    parts
}

fn whole(text: &str) -> Part<'_> {
    Part {
        text,
        is_abbreviated: false,
    }
}

fn add<'a>(parts: &mut Vec<Part<'a>>, piece: &'a str) {
    let (dotted, last) = piece.rsplit_once('.').unwrap_or(("", piece));
    let is_word = |word: &str| !word.is_empty() && word.chars().all(char::is_alphabetic);
    let is_abbreviation = |word: &str| is_word(word) && word.chars().count() <= ABBREVIATION_CHARS;
    let is_name = last.is_empty() || is_word(last);
    if !is_name || !dotted.split('.').all(is_abbreviation) {
        parts.push(whole(piece));
        return;
    }
    parts.extend(dotted.split('.').map(|text| Part {
        text,
        is_abbreviated: true,
    }));
    parts.extend((!last.is_empty()).then(|| whole(last)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_spaces_commas_and_the_dots_of_abbreviations() {
        for (text, expected) in [
            ("klein,eva", "klein eva"),
            ("klein;eva;", "klein eva"),
            ("klein, eva,", "klein eva"),
            ("dr.klein", "dr. klein"),
            ("j. smith", "j. smith"),
            ("j.r.r.tolkien", "j. r. r. tolkien"),
            ("smith,j.", "smith j."),
            ("prof.dr.klein", "prof. dr. klein"),
            ("и.петров", "и. петров"),
            ("eva.klein@example.com", "eva.klein@example.com"),
            ("engine.example", "engine.example"),
            ("12.34.56", "12.34.56"),
            ("v1.2", "v1.2"),
            ("street.", "street."),
            ("...", "..."),
            (",", ","),
            ("a..b", "a..b"),
        ] {
            let parts = parts(text).into_iter();
            let shown = parts.map(|part| {
                let dot = if part.is_abbreviated { "." } else { "" };
                format!("{}{dot}", part.text)
            });
            assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }
}
