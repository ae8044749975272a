//! Search queries.

pub mod pasted;
mod words;

use memchr::memmem::Finder;
use proto::contacts::v1::SearchField;

use self::words::{Part, parts};
use crate::contact::fold::{digits, fold, fold_closed, latin, separated};
use crate::contact::phone::{DefaultRegion, dialled};
use crate::contact::search_text::{FIELDS, LineKind, line_of};
use crate::contact::spellings::{of_foreign_word, of_word, without_carons};
use crate::error::{Error, Result};

/// The longest query, in characters.
const CHARS_MAX: usize = 200;
/// The maximum number of words of a query.
const WORDS_MAX: usize = 10;
/// The minimum number of digits for a search in phone numbers.
const DIGITS_MIN: usize = 2;
/// The same for digits without a trunk prefix.
const NATIONAL_MIN: usize = 6;

/// A word, prepared for searching many texts.
#[derive(Clone, Debug)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Whether only the beginning of a word matches.
    pub is_abbreviated: bool,
    finder: Finder<'static>,
}

impl Word {
    fn of(part: Part<'_>) -> Self {
        Self {
            is_abbreviated: part.is_abbreviated,
            ..Self::new(part.text)
        }
    }

    /// Prepares a word.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            finder: Finder::new(text).into_owned(),
            text: text.to_owned(),
            is_abbreviated: false,
        }
    }

    /// Its first position in a text, in bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<usize> {
        self.finder.find(text.as_bytes())
    }

    /// Its positions in a text, in bytes.
    pub fn positions<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.finder.find_iter(text.as_bytes())
    }
}

/// A folded query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The folded text.
    pub text: String,
    /// The words.
    pub words: Vec<Word>,
    /// Other spellings of each word.
    pub spellings: Vec<Vec<Word>>,
    /// Spellings in Latin letters of each word that has Cyrillic or Greek ones.
    pub romanised: Vec<Vec<Word>>,
    /// The digits, if the query looks like a phone number, in each of its forms.
    pub digits: Vec<Word>,
    /// The fields to search; all if empty.
    pub fields: Vec<SearchField>,
    /// The same without the apostrophes and hyphens in its words, which may be those of one
    /// name.
    pub closed: Option<Box<Query>>,
}

impl Query {
    /// Folds a query, or refuses an empty or too long one.
    pub fn parse(text: &str, fields: &[i32]) -> Result<Self> {
        if text.chars().count() > CHARS_MAX {
            return Err(Error::invalid(
                "FIELD_INVALID",
                "query",
                "is longer than 200 characters",
            ));
        }
        let fields = fields
            .iter()
            .map(|field| match SearchField::try_from(*field) {
                Ok(SearchField::Unspecified) | Err(_) => Err(Error::invalid(
                    "FIELD_INVALID",
                    "fields",
                    "has an unknown field",
                )),
                Ok(field) => Ok(field),
            });
        // Without duplicates, because each line is compared with each field.
        let mut fields = fields.collect::<Result<Vec<_>>>()?;
        fields.sort_unstable();
        fields.dedup();
        let text = pasted::plain(text);
        let mut query = Self::of(&text, &fold(&text), fields);
        if query.words.is_empty() {
            return Err(Error::invalid(
                "QUERY_EMPTY",
                "query",
                "has nothing to search for",
            ));
        }
        if query.words.len() > WORDS_MAX {
            return Err(Error::invalid(
                "FIELD_INVALID",
                "query",
                "has more than 10 words",
            ));
        }
        let closed = fold_closed(&text);
        if closed != query.text && closed.contains(char::is_alphabetic) {
            let closed = Self::of(&closed, &closed, query.fields.clone());
            query.closed = Some(Box::new(closed));
        }
        Ok(query)
    }

    fn of(typed: &str, folded: &str, fields: Vec<SearchField>) -> Self {
        let folded = folded.trim_start_matches([',', ';', ' ']);
        let is_dialled = folded
            .chars()
            .all(|c| c.is_ascii_digit() || "+-()./ ".contains(c));
        let digits = if is_dialled {
            forms(folded)
        } else {
            Vec::new()
        };
        let words: Vec<Word> = parts(folded).into_iter().map(Word::of).collect();
        Self {
            spellings: spellings(typed, &words),
            romanised: romanised(typed, &words),
            digits: digits.iter().map(|digits| Word::new(digits)).collect(),
            text: folded.to_owned(),
            words,
            fields,
            closed: None,
        }
    }

    /// The words in Latin letters, which every search text has in addition. Words without
    /// three letters or digits in a row are skipped.
    #[must_use]
    pub fn latin_words(&self) -> Vec<String> {
        let words = self.words.iter().map(|word| {
            // After an omicron it is spelled differently than at the beginning.
            let word = word.text.trim_start_matches('υ');
            latin(word).unwrap_or_else(|| word.to_owned())
        });
        words.filter(|word| has_trigram(word)).collect()
    }

    /// The longest word, in Latin letters, in which a typing error is tolerated: not in a
    /// number, nor in two letters, where it would be a different word.
    #[must_use]
    pub fn fuzzy_word(&self) -> Option<String> {
        let words = self.latin_words().into_iter();
        let longest = words.max_by_key(String::len);
        longest.filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic()))
    }

    /// Whether it looks like a phone number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !self.digits.is_empty()
    }

    /// Adds the forms in which a phone number is dialled; `region` is the country of a
    /// national one.
    pub fn add_dialled(&mut self, region: DefaultRegion) {
        for form in dialled(&self.text, region) {
            if self.digits.iter().all(|known| known.text != form) {
                self.digits.push(Word::new(&form));
            }
        }
    }

    /// The same without a search in labels, for a caller who sees some labels only; `None` if
    /// nothing else is searched.
    #[must_use]
    pub fn without_labels(mut self) -> Option<Self> {
        if self.fields.is_empty() {
            self.fields = FIELDS.into();
        }
        self.fields.retain(|field| *field != SearchField::Label);
        if let Some(closed) = &mut self.closed {
            closed.fields.clone_from(&self.fields);
        }
        (!self.fields.is_empty()).then_some(self)
    }

    /// The field of a line with this code, if this query searches it, and how.
    #[must_use]
    pub fn searched_line(&self, line_code: char) -> Option<(SearchField, LineKind)> {
        let line = line_of(line_code);
        line.filter(|(field, _)| self.fields.is_empty() || self.fields.contains(field))
    }
}

/// The digits of a number as it is typed, without a trunk prefix in parentheses as in
/// +49 (0)30, and without a leading one: in its other form the number has none.
fn forms(number: &str) -> Vec<String> {
    let typed = digits(&number.replacen("(0)", "", 1));
    if typed.len() < DIGITS_MIN {
        return Vec::new();
    }
    let national = typed
        .strip_prefix('0')
        .filter(|rest| rest.len() >= NATIONAL_MIN);
    let national = national.map(|rest| rest.trim_start_matches('0').to_owned());
    [typed.clone()].into_iter().chain(national).collect()
}

/// Other spellings of each word of a query.
fn spellings(text: &str, words: &[Word]) -> Vec<Vec<Word>> {
    let typed = fold(&without_carons(text));
    let typed = parts(&typed).into_iter();
    let spelled = words.iter().zip(typed).map(|(word, typed)| {
        let mut spellings = of_word(&word.text);
        if typed.text != word.text {
            spellings.extend(of_word(typed.text));
        }
        spellings
            .iter()
            .map(|spelling| Word::new(spelling))
            .collect()
    });
    spelled.collect()
}

/// Spellings in Latin letters of each word of a query that has others.
fn romanised(text: &str, words: &[Word]) -> Vec<Vec<Word>> {
    // Folding takes the sound of ё and й away.
    let typed = separated(&text.to_lowercase()).into_owned();
    let typed: Vec<&str> = typed.split_whitespace().collect();
    let typed = typed.join(" ");
    let typed = parts(&typed);
    let is_aligned = typed.len() == words.len();
    let romanised = words.iter().enumerate().map(|(number, word)| {
        let typed = typed.get(number).filter(|_| is_aligned);
        let spellings = of_foreign_word(typed.map_or(&word.text, |typed| typed.text));
        spellings
            .iter()
            .map(|spelling| Word::new(spelling))
            .collect()
    });
    romanised.collect()
}

/// A word with each pair of neighbouring letters swapped: this error leaves a short word
/// without a matching trigram.
#[must_use]
pub fn letter_swaps(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let swapped = (1..letters.len()).map(|at| {
        let mut letters = letters.clone();
        letters.swap(at - 1, at);
        letters.into_iter().collect()
    });
    swapped.filter(|word: &String| has_trigram(word)).collect()
}

/// Whether there are three letters or digits in a row. Other characters are not part of
/// words if the database's locale is C.
fn has_trigram(word: &str) -> bool {
    let mut runs = word.split(|c: char| !c.is_ascii_alphanumeric());
    runs.any(|run| run.len() >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_folded_into_words() {
        let query = Query::parse("  Hans\tMÜLLER ", &[]).unwrap();
        assert_eq!((&*query.text, query.words.len()), ("hans muller", 2));
        assert!(!query.is_number());
    }

    #[test]
    fn a_field_that_is_asked_for_often_is_looked_at_once() {
        let fields = [SearchField::Phone as i32, SearchField::Email as i32].repeat(1_000);
        let query = Query::parse("a", &fields).unwrap();
        assert_eq!(query.fields.len(), 2);
    }

    #[test]
    fn what_looks_like_a_phone_number_is_also_its_digits() {
        for (text, digits) in [
            ("+49 (30) 12-34", Some("49301234")),
            ("030/1", Some("0301")),
            ("7", None),
            ("room 12", None),
            ("+-", None),
        ] {
            let found = Query::parse(text, &[]).unwrap().digits;
            assert_eq!(found.first().map(|word| &*word.text), digits, "{text}");
        }
    }

    #[test]
    fn a_query_of_nothing_or_too_much_is_refused() {
        for text in [
            "",
            " \t",
            "\u{301}",
            "\0",
            &"x".repeat(201),
            &["x"; 11].join(" "),
        ] {
            assert!(Query::parse(text, &[]).is_err(), "{text:?}");
        }
        for field in [0, 14, -1] {
            assert!(Query::parse("x", &[field]).is_err());
        }
    }

    #[test]
    fn neighbours_are_swapped_in_every_way() {
        assert_eq!(letter_swaps("jhon"), ["hjon", "john", "jhno"]);
        assert_eq!(letter_swaps("a-bcd"), ["-abcd", "a-cbd", "a-bdc"]);
    }

    #[test]
    fn latin_words_have_three_letters_in_a_row() {
        let words = |text: &str| Query::parse(text, &[]).unwrap().latin_words();
        assert_eq!(words("Müller al 12 o'b-c"), ["muller"]);
        assert_eq!(words("Иван"), ["ivan"]);
        assert_eq!(words("υλος"), ["los"]);
        assert!(words("李").is_empty());
    }

    #[test]
    fn a_slip_is_forgiven_in_words_only() {
        let word = |text: &str| Query::parse(text, &[]).unwrap().fuzzy_word();
        assert_eq!(word("hans mulelr").as_deref(), Some("mulelr"));
        assert_eq!(word("2025"), None);
        assert_eq!(word("an"), None);
    }
}
