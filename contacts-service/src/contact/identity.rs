//! Identity: whether two texts are the same to a person, as labels, e-mails and names of
//! duplicates are compared. Nothing that can be read is ignored, accents least of all.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_compatible;

use super::characters::{is_apostrophe, is_dash, is_ignorable, is_pictograph, is_quote};
use super::fold::cut;

/// The key of a label, in bytes: an index entry must stay under 2700. Names of 100
/// characters take 600.
const LABEL_KEY_BYTES: usize = 1200;

/// The same for texts that differ only in case, width, composition, invisible characters,
/// runs of spaces, and in the characters that keyboards have for one apostrophe, hyphen,
/// kaf or yeh.
///
/// # Examples
///
/// ```
/// use contacts_service::contact::identity::identity;
///
/// assert_eq!(identity("ＦＡＭＩＬＩＡ"), identity("familia"));
/// assert_ne!(identity("Família"), identity("Familia"));
/// assert_ne!(identity("दादी"), identity("दादा"));
/// ```
#[must_use]
pub fn identity(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut space = false;
    let mut in_emoji = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            space = !plain.is_empty();
            continue;
        }
        in_emoji = is_pictograph(c) || in_emoji && is_ignorable(c);
        // With joiners and tags one emoji becomes another, with selectors it does not.
        let is_selector = matches!(c, '\u{fe00}'..='\u{fe0f}');
        if is_ignorable(c) && (!in_emoji || is_selector) || c == TATWEEL {
            continue;
        }
        if std::mem::take(&mut space) {
            plain.push(' ');
        }
        match c {
            _ if is_dash(c) => plain.push('-'),
            _ if is_apostrophe(c) => plain.push('\''),
            _ if is_quote(c) => plain.push('"'),
            // Both have the same lower case for who types them.
            'İ' => plain.push('i'),
            '\u{ff00}'..='\u{ffef}' => decompose_compatible(c, |c| plain.push(c)),
            _ => plain.push(of_one_keyboard(c)),
        }
    }
    if plain.is_ascii() {
        plain.make_ascii_lowercase();
        return plain;
    }
    let decomposed: String = plain.nfd().collect();
    CaseMapper::new().fold_string(&decomposed).nfc().collect()
}

/// The key by which a label's name is compared, limited to the size of an index entry.
#[must_use]
pub fn label_key(name: &str) -> String {
    let key = identity(name);
    cut(&key, LABEL_KEY_BYTES).to_owned()
}

/// A stroke that only lengthens Arabic letters.
pub(super) const TATWEEL: char = '\u{640}';

/// Arabic and Persian keyboards have different characters for two letters that look alike.
pub(super) fn of_one_keyboard(c: char) -> char {
    match c {
        'ك' => 'ک',
        'ي' => 'ی',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_the_same_is_the_same() {
        for (one, other) in [
            ("Família", "fami\u{301}LIA"),
            ("STRASSE", "Straße"),
            ("İzmir", "izmir"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ＡＢＣ１", "abc1"),
            ("ﾊﾟﾊﾟ", "パパ"),
            ("O'Brien", "O\u{2019}Brien"),
            ("O\u{2bc}Brien", "O\u{60}Brien"),
            ("צ\u{5f3}ק", "צ'ק"),
            ("Smith-Jones", "Smith\u{2011}Jones"),
            ("Smith\u{2013}Jones", "Smith\u{2212}Jones"),
            ("Fami\u{ad}ly", "Family"),
            ("\u{feff}Family\u{200e}", "Family"),
            ("Fam\u{200b}ily", "F\u{3164}amily"),
            ("می\u{200c}نا", "مينا"),
            ("كريم", "کریم"),
            ("محـــمد", "محمد"),
            (" a\u{a0}\u{2003}b\tc\n", "a b c"),
            ("❤\u{fe0f}", "❤"),
        ] {
            assert_eq!(identity(one), identity(other), "{one} {other}");
        }
    }

    #[test]
    fn what_reads_differently_is_different() {
        for (one, other) in [
            ("दादी", "दादा"),
            ("राम कुमार", "रमा कुमारी"),
            ("パパ", "ハハ"),
            ("パパ", "ババ"),
            ("ぱぱ", "パパ"),
            ("พ่อ", "พอ"),
            ("แม่", "แม"),
            ("ម៉ាក់", "មក"),
            ("အဖေ", "အဖ"),
            ("ཨ་མ", "ཨ་མོ"),
            ("தம்பி", "தமப"),
            ("বাবা", "বাবু"),
            ("อา", "อำ"),
            ("Família", "Familia"),
            ("Müller", "Muller"),
            ("O'Brien", "OBrien"),
            ("m²", "m2"),
            ("שָׁלוֹם", "שלום"),
            ("أب", "اب"),
            ("👨\u{200d}👩\u{200d}👧", "👨👩👧"),
            (
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
                "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            ),
            ("\u{301}", ""),
        ] {
            assert_ne!(identity(one), identity(other), "{one} {other}");
        }
    }

    #[test]
    fn it_is_the_same_when_taken_twice() {
        for text in ["Straße", "ﾊﾟﾊﾟ", "İI ı", "ﬁ ﷺ ǅ", "κόσμος ΰ", "김철수", "ἒͅ"]
        {
            assert_eq!(identity(&identity(text)), identity(text));
        }
    }

    #[test]
    fn a_label_never_has_a_long_key() {
        for name in ["\u{fdfa}", "ΐ", "𒀱"] {
            assert!(label_key(&name.repeat(100)).len() <= LABEL_KEY_BYTES);
        }
    }
}
