//! Order: the keys by which names are sorted, those of the Unicode Collation Algorithm with
//! the root order of CLDR. Each script is sorted as its readers do, as far as they agree;
//! case, accents and width do not count.

use std::sync::LazyLock;

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

use super::characters::{is_apostrophe, is_dash};
use super::fold::cut;

/// The maximum size of a key in bytes, because an index entry must stay well under 2700.
const KEY_BYTES: usize = 400;
/// The separator of a key's parts, which is less than each character of a part.
const PART: char = ' ';

#[expect(clippy::expect_used, reason = "the root order is always there")]
static COLLATOR: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Primary);
    Collator::try_new(CollatorPreferences::default(), options)
        .expect("the root order is part of the program")
});

/// The key of a name with these parts, the most important one first. It has no line break,
/// because lists join keys with those.
///
/// # Examples
///
/// ```
/// use contacts_service::contact::order::order_key;
///
/// assert!(order_key(&["Åberg"]) < order_key(&["Abraham"]));
/// assert!(order_key(&["Li", "Wei"]) < order_key(&["Lia", "Ana"]));
/// ```
#[must_use]
pub fn order_key(parts: &[&str]) -> String {
    let mut key = String::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            key.push(PART);
        }
        let letters = part.chars().filter(|c| !is_apostrophe(*c));
        let letters: String = letters.map(|c| if is_dash(c) { ' ' } else { c }).collect();
        let mut bytes = Vec::with_capacity(letters.len());
        let Ok(()) = COLLATOR.write_sort_key_to(letters.trim(), &mut bytes);
        let chars = bytes.into_iter().map(|byte| OFFSET + u32::from(byte));
        key.extend(chars.filter_map(char::from_u32));
        if key.len() > KEY_BYTES {
            return cut(&key, KEY_BYTES).to_owned();
        }
    }
    key
}

/// Added to each byte of a key, so that it is a character that sorts alike.
const OFFSET: u32 = 0x21;

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str]) -> bool {
        names.is_sorted_by_key(|name| order_key(&[name]))
    }

    #[test]
    fn case_accents_width_and_apostrophes_do_not_count() {
        for (one, other) in [
            ("Müller", "MULLER"),
            ("Mu\u{308}ller", "müller"),
            ("ＡＢＣ", "abc"),
            ("O'Brien", "O\u{2019}Brien"),
            ("O'Brien", "OBrien"),
            ("Smith-Jones", "Smith Jones"),
            ("ﾔﾏﾀﾞ", "ヤマダ"),
            ("やまだ", "ヤマダ"),
            ("Fam\u{200b}ily", "Family"),
        ] {
            assert_eq!(order_key(&[one]), order_key(&[other]), "{one} {other}");
        }
    }

    #[test]
    fn each_script_is_sorted_as_its_readers_do() {
        for names in [
            &["Adam", "Älg", "Beta", "O'Neil", "Onyx", "Zoe"][..],
            &["Андрей", "Елена", "Ёлка", "Іван", "Яна"],
            &["กานดา", "เกษม", "ขวัญ", "แดง", "อรทัย", "เอก"],
            &["कमल", "काजल", "किरण", "कुमार"],
            &["あべ", "いとう", "カトウ", "ｷﾑﾗ", "さとう"],
            &["강", "김", "남궁", "박"],
            &["Adam", "Αλέξης", "Борис", "אבי", "أحمد", "あべ"],
            &["آرش", "بابک", "پری", "ژاله", "گلنار", "یاسمن"],
            &["Li", "Li Wei", "Lia"],
        ] {
            assert!(sorted(names), "{names:?}");
        }
    }

    #[test]
    fn the_first_part_decides_before_the_second() {
        let mut names = [["Li", "Zoe"], ["Lia", "Ana"], ["Li Na", ""], ["Li", "Ana"]];
        names.sort_by_key(|parts| order_key(parts));
        assert_eq!(
            names,
            [["Li", "Ana"], ["Li", "Zoe"], ["Li Na", ""], ["Lia", "Ana"]]
        );
    }

    #[test]
    fn a_key_is_short_and_has_no_line_break() {
        for name in ["\u{fdfa}", "a\nb", "𠮷", "ﾊﾟ", "\u{10ffff}"] {
            let key = order_key(&[&name.repeat(200), name]);
            assert!(key.len() <= KEY_BYTES && !key.contains('\n'));
        }
    }
}
