//! What kind of character this is, from the data of Unicode.

use icu_properties::props::{
    CanonicalCombiningClass, Dash, DefaultIgnorableCodePoint, ExtendedPictographic,
    GeneralCategory, Script,
};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};
use unicode_normalization::char::is_combining_mark;

const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::<Script>::new();
const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> =
    CodePointMapData::<GeneralCategory>::new();
const CLASSES: CodePointMapDataBorrowed<'static, CanonicalCombiningClass> =
    CodePointMapData::<CanonicalCombiningClass>::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();
const DASHES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Dash>();
const PICTOGRAPHS: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<ExtendedPictographic>();

/// The script of a character.
pub(super) fn script(c: char) -> Script {
    SCRIPTS.get(c)
}

/// Whether it is a decimal digit other than those of ASCII.
pub(super) fn is_foreign_digit(c: char) -> bool {
    !c.is_ascii() && c.is_numeric() && CATEGORIES.get(c) == GeneralCategory::DecimalNumber
}

/// Whether nothing is displayed for it: joiners, direction marks, soft hyphens, fillers.
pub(super) fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && IGNORABLE.contains(c)
}

/// Whether it begins an emoji, in which invisible characters make a difference.
pub(super) fn is_pictograph(c: char) -> bool {
    !c.is_ascii() && PICTOGRAPHS.contains(c)
}

/// Whether it is a hyphen, a dash or a minus.
pub(super) fn is_dash(c: char) -> bool {
    c == '-' || !c.is_ascii() && DASHES.contains(c)
}

/// Whether it is typed or displayed as an apostrophe. Unicode has no such property.
pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`'
            | '\u{b4}'
            | '\u{2b9}'
            | '\u{2bb}'..='\u{2bf}'
            | '\u{2c8}'
            | '\u{2ca}'
            | '\u{2cb}'
            | '\u{55a}'
            | '\u{5f3}'
            | '\u{1fbd}'
            | '\u{1fbf}'
            | '\u{2018}'..='\u{201b}'
            | '\u{2032}'
            | '\u{2035}'
            | '\u{a78c}'
            | '\u{ff07}'
            | '\u{ff40}'
    )
}

/// Whether it is typed or displayed as a double quotation mark.
pub(super) fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\u{5f4}' | '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ff02}'
    )
}

/// Whether it is a dot between the parts of a name, as in 约翰·史密斯.
pub(super) fn is_middle_dot(c: char) -> bool {
    matches!(
        c,
        '\u{b7}' | '\u{387}' | '\u{2022}' | '\u{2027}' | '\u{30fb}' | '\u{ff65}'
    )
}

/// Whether a text shows nothing at all.
pub(crate) fn is_invisible(text: &str) -> bool {
    let is_blank = |c: char| c.is_whitespace() || is_ignorable(c) || c == '\u{2800}';
    text.chars().all(is_blank)
}

/// Whether `mark`, which follows the letter `base`, only adds to it. In other scripts marks
/// are vowels or make another consonant of it.
pub(super) fn is_diacritic(mark: char, base: Option<char>) -> bool {
    if !is_combining_mark(mark) {
        return false;
    }
    // A dot that is often omitted, as in फ़.
    if CLASSES.get(mark) == CanonicalCombiningClass::Nukta {
        return true;
    }
    match base.map(script) {
        Some(
            Script::Latin | Script::Greek | Script::Cyrillic | Script::Hebrew | Script::Arabic,
        ) => true,
        // Without a letter, or on a sign.
        None | Some(Script::Common) => script(mark) == Script::Inherited,
        Some(_) => false,
    }
}
