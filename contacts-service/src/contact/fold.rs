//! Folding: makes stored texts and queries comparable. Width, case, marks and runs of
//! spaces are ignored.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The key of a label, in bytes: an index entry must stay under 2700. Names of 100
/// letters take 400.
const LABEL_KEY_BYTES: usize = 1200;

/// Folds a text: NFKC, lower case, no marks, Latin letters to their plainest
/// form (ß ss, ø o, ł l), one space between words.
///
/// # Examples
///
/// ```
/// use contacts_service::contact::fold::fold;
///
/// assert_eq!(fold("  Müller-STRASSE  ß "), "muller-strasse ss");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut space = false;
    let lower = text.nfkc().flat_map(char::to_lowercase).nfd();
    for c in lower.filter(|c| !is_combining_mark(*c)) {
        if c.is_whitespace() || c.is_control() {
            space = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            folded.push(' ');
        }
        match c {
            'ς' => folded.push('σ'),
            // Latin-1 Supplement to IPA, and Latin Extended Additional.
            '\u{c0}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}' => push_ascii(&mut folded, c),
            _ => folded.push(c),
        }
    }
    // Composes the syllables of Hangul again.
    if folded.is_ascii() {
        folded
    } else {
        folded.nfc().collect()
    }
}

/// The key by which a label's name is compared: folded, or unchanged if folding leaves
/// nothing. Limited to the size of an index entry.
#[must_use]
pub fn label_key(name: &str) -> String {
    let folded = fold(name);
    let key = if folded.is_empty() { name } else { &folded };
    cut(key, LABEL_KEY_BYTES).to_owned()
}

/// Transliterates a folded text to Latin letters; `None` if it has only those.
#[must_use]
pub fn latin(folded: &str) -> Option<String> {
    if folded.is_ascii() {
        return None;
    }
    // The one pair of letters that Greek names do not spell letter by letter.
    let text: Cow<'_, str> = if folded.contains("ου") {
        folded.replace("ου", "ou").into()
    } else {
        folded.into()
    };
    let mut spelled = String::with_capacity(text.len());
    for c in text.chars() {
        push_ascii(&mut spelled, c);
    }
    Some(spelled)
}

/// The decimal digits of a text, of every script.
#[must_use]
pub fn digits(text: &str) -> String {
    text.nfkc().filter(char::is_ascii_digit).collect()
}

/// Truncates a text at a character boundary to at most `bytes_max`.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn push_ascii(text: &mut String, c: char) {
    let spelled = any_ascii::any_ascii_char(c);
    // The Cyrillic soft sign becomes an apostrophe there, which is never typed.
    text.extend(
        spelled
            .chars()
            .filter(|c| *c != '\'' || spelled.len() > 1)
            .map(|c| c.to_ascii_lowercase()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_case_and_width_do_not_count() {
        for (text, folded) in [
            ("Müller", "muller"),
            ("Mu\u{308}ller", "muller"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("Øłđı", "oldi"),
            ("Æsop Œuvre Þór", "aesop oeuvre thor"),
            ("İstanbul", "istanbul"),
            ("ＡＢＣ１", "abc1"),
            ("ﬁ", "fi"),
            ("Йосип", "иосип"),
            ("Σίσυφος", "σισυφοσ"),
            ("Nguyễn", "nguyen"),
            ("김철수", "김철수"),
            (" a\u{a0}\u{2003}b\tc\n", "a b c"),
            ("100%_\\", "100%_\\"),
            ("\u{301}", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for text in [
            "Müller",
            "Ковальчук",
            "Παπαδόπουλος",
            "山田太郎",
            "ﷺ",
            "ǅ",
            "김철수",
        ] {
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }

    #[test]
    fn cyrillic_and_greek_are_spelled_in_latin_letters() {
        assert_eq!(latin(&fold("Ковальчук")).unwrap(), "kovalchuk");
        assert_eq!(latin(&fold("Παπαδόπουλος")).unwrap(), "papadopoulos");
        assert_eq!(latin("muller"), None);
    }

    #[test]
    fn digits_of_every_width_are_taken() {
        assert_eq!(digits("+49 (30) １２-3 ext"), "4930123");
    }

    #[test]
    fn a_label_always_has_a_key_and_never_a_long_one() {
        assert_eq!(label_key(" Família"), label_key("FAMILIA"));
        assert_eq!(label_key("\u{301}"), "\u{301}");
        assert!(label_key(&"\u{fdfa}".repeat(100)).len() <= LABEL_KEY_BYTES);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aä", 2), "a");
        assert_eq!(cut("ab", 5), "ab");
    }
}
