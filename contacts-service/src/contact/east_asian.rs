//! Names of East Asia.

/// The first consonants of a name's syllables in Hangul, by which Koreans look it up; `None`
/// if it has other characters.
pub(super) fn initials(name: &str) -> Option<String> {
    let initials = name.chars().map(|c| match c {
        FIRST_SYLLABLE..='힣' => {
            let number = (u32::from(c) - u32::from(FIRST_SYLLABLE)) / SYLLABLES_PER_INITIAL;
            char::from_u32(u32::from(FIRST_INITIAL) + number)
        }
        _ => None,
    });
    initials.collect()
}

// The arithmetic of the Unicode Standard, section 3.12.
const FIRST_SYLLABLE: char = '가';
const FIRST_INITIAL: char = '\u{1100}';
const SYLLABLES_PER_INITIAL: u32 = 21 * 28;
