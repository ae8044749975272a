//! Folding: makes searched texts and queries comparable. It ignores more than a reader
//! does, so nothing may be the same by folding alone ([`super::identity`]).

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::characters::{
    is_apostrophe, is_dash, is_diacritic, is_foreign_digit, is_ignorable, is_middle_dot, is_quote,
};
use super::identity::{TATWEEL, of_one_keyboard};

/// Folds a text: NFKC, lower case, no diacritics, Latin letters to their plainest form
/// (ß ss, ø o, ł l), one syllabary of kana, and one space for spaces, apostrophes, hyphens
/// and what is invisible between words. Vowels that are written as marks stay.
///
/// # Examples
///
/// ```
/// use contacts_service::contact::fold::fold;
///
/// assert_eq!(fold("  Müller-STRASSE  ß "), "muller strasse ss");
/// assert_eq!(fold("दादी"), "दादी");
/// assert_eq!(fold("ﾔﾏﾀﾞ"), fold("やまだ"));
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let text = separated(text);
    if text.is_ascii() {
        return spaced(text.bytes().map(|byte| byte.to_ascii_lowercase().into()));
    }
    let compatible: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    let lower = CaseMapper::new().fold_string(&compatible);
    let mut base = None;
    let letters = lower.nfd().filter(|c| {
        let is_dropped = is_diacritic(*c, base);
        if !is_combining_mark(*c) {
            base = Some(*c);
        }
        !is_dropped
    });
    let mut folded = String::with_capacity(lower.len());
    for c in letters {
        match c {
            // Latin-1 Supplement to IPA, and Latin Extended Additional.
            '\u{c0}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}' => push_ascii(&mut folded, c),
            _ => folded.push(plainest(c)),
        }
    }
    // Composes the syllables of Hangul and the voiced ones of kana again.
    spaced(folded.nfc())
}

/// Whether it separates the parts of a name.
fn is_separator(c: char) -> bool {
    is_dash(c) || is_apostrophe(c) || is_quote(c) || is_middle_dot(c)
}

/// The text with spaces for what separates the parts of a name.
#[must_use]
pub fn separated(text: &str) -> Cow<'_, str> {
    if text.contains(is_separator) {
        text.replace(is_separator, " ").into()
    } else {
        text.into()
    }
}

/// Folds a name without the hyphens and apostrophes in it, as it is often typed: O'Brien
/// becomes obrien.
#[must_use]
pub fn fold_closed(name: &str) -> String {
    fold(&name.replace(is_separator, ""))
}

/// One space between words, and none around them.
fn spaced(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut space = false;
    for c in chars {
        if c.is_whitespace() || c.is_control() {
            space = !text.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            text.push(' ');
        }
        if c != TATWEEL {
            text.push(c);
        }
    }
    text
}

/// The letter that people type for this one.
fn plainest(c: char) -> char {
    match c {
        // Katakana have hiragana in the same order.
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => {
            char::from_u32(u32::from(c) - HIRAGANA_BEFORE_KATAKANA).unwrap_or(c)
        }
        'ى' => 'ی',
        'ة' => 'ه',
        _ => decimal(c).unwrap_or_else(|| of_one_keyboard(c)),
    }
}

/// The ASCII digit for a decimal digit of another script.
fn decimal(c: char) -> Option<char> {
    let mut digit = any_ascii::any_ascii_char(c).chars();
    digit.next().filter(|_| is_foreign_digit(c))
}

const HIRAGANA_BEFORE_KATAKANA: u32 = 'ァ' as u32 - 'ぁ' as u32;

/// A folded text without spaces, as names are often typed.
#[must_use]
pub fn joined(folded: &str) -> String {
    folded.replace(' ', "")
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
    let digits = text.nfkc().map(|c| decimal(c).unwrap_or(c));
    digits.filter(char::is_ascii_digit).collect()
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
            ("ﾔﾏﾀﾞ", "やまだ"),
            ("ヴィ", "ゔぃ"),
            ("パパ", "ぱぱ"),
            ("दादी", "दादी"),
            ("เพ็ญ", "เพ็ญ"),
            ("फ़िरोज़", "फिरोज"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّـد", "محمد"),
            ("كريم مصطفى", "کریم مصطفی"),
            ("O\u{2019}Brien-Smith", "o brien smith"),
            ("D\u{ad}a\u{200b}v\u{feff}e\u{3164}", "dave"),
            ("约翰·史密斯", "约翰 史密斯"),
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
        for text in ["٠٥٠١٢٣", "۰۵۰۱۲۳", "०५०१२३", "০৫০১২৩", "๐๕๐๑๒๓", "᠐᠕᠐᠑᠒᠓"]
        {
            assert_eq!(
                (digits(text), fold(text)),
                ("050123".into(), "050123".into())
            );
        }
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aä", 2), "a");
        assert_eq!(cut("ab", 5), "ab");
    }
}
