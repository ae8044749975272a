//! Ranks contacts for a query: a total order, computed from the stored folded lines.

use std::cmp::Ordering;

use proto::contacts::v1::{MatchTier, SearchField};

use crate::contact::ContactId;
use crate::contact::search_text::LineKind;
use crate::model::query::{Query, Word};

/// The rank of a contact among the results; smaller is better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Rank {
    /// The number of the [`MatchTier`].
    pub tier: i32,
    /// Whether the contact is not a favourite.
    pub plain: bool,
    /// The place of the [`SearchField`] among the others; a position of an earlier release has
    /// the number of the field instead, as `weight`.
    pub place: i32,
    /// The sort key of family and given name.
    pub family_key: String,
    /// The tie-breaker.
    pub id: ContactId,
}

impl Rank {
    /// The parts in the order in which they are compared.
    pub(super) fn key(&self) -> (i32, bool, i32, &str, ContactId) {
        let family_key = &*self.family_key;
        (self.tier, self.plain, self.place, family_key, self.id)
    }
}

/// A field, compared by its importance; the most important one is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed(pub SearchField);

impl Weighed {
    /// The place of the field among the others.
    #[must_use]
    pub fn place(self) -> i32 {
        match self.0 {
            // Before the others were searched, notes were the last field.
            SearchField::Notes => i32::MAX,
            other => other.into(),
        }
    }
}

impl Ord for Weighed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Weighed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The tier of a match, and its most important field.
pub type Place = (MatchTier, Weighed);

/// How a contact matches a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The tier.
    pub tier: MatchTier,
    /// The most important field of that tier.
    pub weight: Weighed,
    /// Every field that contains a word of the query, in order.
    pub fields: Vec<SearchField>,
}

/// The query as typed, and without the apostrophes and hyphens in it.
pub(super) fn readings(query: &Query) -> impl Iterator<Item = &Query> {
    [query].into_iter().chain(query.closed.as_deref())
}

/// Compares a query with a search text; `None` if it does not match.
#[must_use]
pub fn exact(query: &Query, search_text: &str) -> Option<Match> {
    let matches = readings(query).filter_map(|query| {
        compare(query, search_text, |kind, line, number| {
            kind.tier(line, &query.words[number])
        })
    });
    matches.min_by_key(|found| (found.tier, found.weight))
}

/// Like [`exact`], but with other spellings of names; `None` if no word needs one.
#[must_use]
pub fn spelled(query: &Query, search_text: &str) -> Option<Match> {
    readings(query).find_map(|query| spelled_as(query, search_text))
}

fn spelled_as(query: &Query, search_text: &str) -> Option<Match> {
    let found = compare(query, search_text, |kind, line, number| {
        let word = &query.words[number];
        let begins = |word: &Word| word_tier(line, word) == Some(MatchTier::WordPrefix);
        let is_any = |spellings: &[Vec<Word>]| spellings[number].iter().any(&begins);
        let spelled = || {
            let is_spelled = match kind {
                LineKind::Spelling => begins(word) || is_any(&query.spellings),
                LineKind::Romanised => is_any(&query.romanised),
                LineKind::Text => is_any(&query.spellings) || is_any(&query.romanised),
                LineKind::Joined | LineKind::Digits => false,
            };
            is_spelled.then_some(MatchTier::Spelling)
        };
        kind.tier(line, word).or_else(spelled)
    });
    found.filter(|found| found.tier == MatchTier::Spelling)
}

/// Like [`exact`], but tolerates a typing error in each word.
#[must_use]
pub fn fuzzy(query: &Query, search_text: &str) -> Option<Match> {
    compare(query, search_text, |kind, line, number| {
        let word = &query.words[number];
        let is_text = matches!(kind, LineKind::Text | LineKind::Digits);
        let similar = || {
            let resembles = is_text && resembles(line, &word.text);
            resembles.then_some(MatchTier::Fuzzy)
        };
        kind.tier(line, word).or_else(similar)
    })
}

fn compare(
    query: &Query,
    search_text: &str,
    tier_of: impl Fn(LineKind, &str, usize) -> Option<MatchTier>,
) -> Option<Match> {
    // The best match of the query as a whole, and of each word.
    let mut whole: Option<Place> = None;
    let mut words: Vec<Option<Place>> = vec![None; query.words.len()];
    let mut fields = Vec::new();
    for line in search_text.split('\n') {
        let mut chars = line.chars();
        let Some(code) = chars.next() else { continue };
        let Some((field, kind)) = query.searched_line(code) else {
            continue;
        };
        let text = chars.as_str();
        let mut found = false;
        let mut note = |best: &mut Option<Place>, tier: Option<MatchTier>| {
            if let Some(tier) = tier {
                found = true;
                let place = (tier, Weighed(field));
                *best = Some(best.map_or(place, |best| best.min(place)));
            }
        };
        if kind == LineKind::Digits {
            let mut digits = query.digits.iter();
            let held = digits.any(|digits| digits.find(text).is_some());
            note(&mut whole, held.then_some(MatchTier::PhoneDigits));
        } else if !matches!(kind, LineKind::Spelling | LineKind::Romanised) {
            note(&mut whole, whole_tier(text, &query.text));
        }
        for (number, best) in words.iter_mut().enumerate() {
            note(best, tier_of(kind, text, number));
        }
        if found && !fields.contains(&field) {
            fields.push(field);
        }
    }
    // The worst word determines the rank.
    let worst = words.into_iter().collect::<Option<Vec<_>>>();
    let worst = worst.and_then(|words| words.into_iter().max());
    let (tier, weight) = whole.into_iter().chain(worst).min()?;
    fields.sort_unstable();
    Some(Match {
        tier,
        weight,
        fields,
    })
}

fn whole_tier(line: &str, text: &str) -> Option<MatchTier> {
    if line == text {
        Some(MatchTier::Field)
    } else {
        line.starts_with(text).then_some(MatchTier::FieldPrefix)
    }
}

impl LineKind {
    /// How a word matches a line of this kind as it is typed.
    fn tier(self, line: &str, word: &Word) -> Option<MatchTier> {
        match self {
            Self::Text | Self::Digits => word_tier(line, word),
            Self::Joined if line.starts_with(&word.text) => Some(MatchTier::WordPrefix),
            Self::Joined | Self::Spelling | Self::Romanised => None,
        }
    }
}

/// Whether a word matches at a word's beginning, or anywhere.
fn word_tier(line: &str, word: &Word) -> Option<MatchTier> {
    let mut tier = None;
    for at in word.positions(line) {
        let before = line[..at].chars().next_back();
        if before.is_none_or(|c| !c.is_alphanumeric()) {
            return Some(MatchTier::WordPrefix);
        }
        if !word.is_abbreviated {
            tier = Some(MatchTier::Substring);
        }
    }
    tier
}

/// Whether a word of the line differs from `word` by few typing errors.
fn resembles(line: &str, word: &str) -> bool {
    let slips = slips(word);
    let mut others = line.split(|c: char| !c.is_alphanumeric());
    slips > 0 && others.any(|other| differs_by(other, word, slips))
}

/// The number of typing errors that are forgiven in a word: one, or two in a long one.
pub(super) fn slips(word: &str) -> u32 {
    match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

/// Whether at most so many typing errors make one word of the other.
pub(super) fn differs_by(other: &str, word: &str, slips: u32) -> bool {
    let slips = slips as usize;
    let length = |word: &str| word.chars().count();
    length(other).abs_diff(length(word)) <= slips && strsim::osa_distance(other, word) <= slips
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANS: &str = "\n\u{2}hans\n\u{2}muller\n\u{2}hans muller\n\u{3}hansi\n\u{4}hans.m@example.com\n\u{5}4930123456\n\u{5}030123456\n\u{6}030 123456\n\u{7}acme gmbh\n\u{8}met 100% at fair\n";

    fn tier(text: &str) -> Option<(MatchTier, SearchField)> {
        let query = Query::parse(text, &[]).unwrap();
        exact(&query, HANS).map(|found| (found.tier, found.weight.0))
    }

    #[test]
    fn every_tier_is_told_apart() {
        use {MatchTier as Tier, SearchField as Field};
        for (text, expected) in [
            ("Müller", Some((Tier::Field, Field::Name))),
            ("hans müller", Some((Tier::Field, Field::Name))),
            ("hans m", Some((Tier::FieldPrefix, Field::Name))),
            ("acme", Some((Tier::FieldPrefix, Field::Organization))),
            ("gmbh", Some((Tier::WordPrefix, Field::Organization))),
            ("müller hans", Some((Tier::WordPrefix, Field::Name))),
            ("muller acme", Some((Tier::WordPrefix, Field::Organization))),
            ("+49 30 123", Some((Tier::PhoneDigits, Field::Phone))),
            ("030-123", Some((Tier::FieldPrefix, Field::Phone))),
            ("ulle", Some((Tier::Substring, Field::Name))),
            ("%", Some((Tier::Substring, Field::Notes))),
            ("00% at", Some((Tier::Substring, Field::Notes))),
            ("hans smith", None),
            ("mueller", None),
            ("_", None),
        ] {
            assert_eq!(tier(text), expected, "{text}");
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_forgiven_only_by_the_fuzzy_tier() {
        for (text, forgiven) in [
            ("mueller", true),
            ("hnas", true),
            ("hans mulelr", true),
            ("hxxs", false),
            ("ha", true),
            ("xq", false),
        ] {
            let query = Query::parse(text, &[]).unwrap();
            assert_eq!(fuzzy(&query, HANS).is_some(), forgiven, "{text}");
        }
    }

    #[test]
    fn fields_that_hold_a_word_are_named_in_order() {
        let query = Query::parse("hans", &[]).unwrap();
        let fields = exact(&query, HANS).unwrap().fields;
        assert_eq!(
            fields,
            [SearchField::Name, SearchField::Nickname, SearchField::Email]
        );
    }

    #[test]
    fn only_the_fields_asked_for_are_looked_at() {
        let query = Query::parse("hans", &[SearchField::Email.into()]).unwrap();
        let found = exact(&query, HANS).unwrap();
        assert_eq!(
            (found.weight.0, found.tier),
            (SearchField::Email, MatchTier::FieldPrefix)
        );
        let query = Query::parse("muller", &[SearchField::Email.into()]).unwrap();
        assert_eq!(exact(&query, HANS), None);
    }
}
