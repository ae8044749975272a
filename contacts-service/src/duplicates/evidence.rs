//! The evidence that two contacts are the same person.

use proto::contacts::v1::DuplicateReason;
use strsim::damerau_levenshtein;

use crate::contact::match_key::{MatchKey, ValueKind};
use crate::model::duplicates::Candidates;

/// How likely two contacts, or those of a group, are the same person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// The certainty, in thousandths.
    pub(super) score: u32,
    reasons: u8,
}

/// The certainty of each reason alone, in thousandths.
const CERTAINTIES: [(DuplicateReason, u32); 5] = [
    (DuplicateReason::SameEmail, 700),
    (DuplicateReason::SamePhone, 550),
    (DuplicateReason::SameName, 500),
    (DuplicateReason::SimilarName, 250),
    (DuplicateReason::SameBirthday, 400),
];
/// The fraction of the certainty, in thousandths, that remains if the names differ,
/// because families share a phone.
const OF_OTHER_NAMES: u32 = 400;
/// Names are similar if one letter is changed for so many of the longer one.
const CHARS_PER_CHANGE: usize = 5;
/// Longer names are similar only if they are equal.
const COMPARED_BYTES_MAX: usize = 64;

impl Evidence {
    /// That of the contacts in these places.
    pub(super) fn of(candidates: &Candidates, a: usize, b: usize) -> Self {
        let common = Kinds::common(candidates.keys(a), candidates.keys(b));
        let (name_a, name_b) = (candidates.name(a), candidates.name(b));
        let are_named = !name_a.is_empty() && !name_b.is_empty();
        let same_name = are_named && name_a == name_b;
        let similar_name = !same_name
            && (common.include(ValueKind::Words) || are_named && are_similar(name_a, name_b));
        let same_birthday = || {
            let known = candidates
                .birthday(a)
                .filter(|date| date.year > 0 && date.day > 0);
            known.is_some() && known == candidates.birthday(b)
        };
        let holds = |reason: DuplicateReason| match reason {
            DuplicateReason::Unspecified => false,
            DuplicateReason::SameEmail => common.include(ValueKind::Email),
            DuplicateReason::SamePhone => common.include(ValueKind::Phone),
            DuplicateReason::SameName => same_name,
            DuplicateReason::SimilarName => similar_name,
            DuplicateReason::SameBirthday => same_birthday(),
        };
        let (mut reasons, mut doubt) = (0, 1000);
        for (reason, certainty) in CERTAINTIES {
            if holds(reason) {
                reasons |= bit(reason);
                doubt = doubt * (1000 - certainty) / 1000;
            }
        }
        let other_names = are_named && !same_name && !similar_name;
        let score = 1000 - doubt;
        Self {
            score: if other_names {
                score * OF_OTHER_NAMES / 1000
            } else {
                score
            },
            reasons,
        }
    }

    /// Whether more speaks for it than a date of birth, which twins share.
    pub(super) fn is_any(self) -> bool {
        self.reasons & !bit(DuplicateReason::SameBirthday) != 0
    }

    /// The evidence for a group that needs both: the lower score, and the reasons of
    /// both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            score: self.score.min(other.score),
            reasons: self.reasons | other.reasons,
        }
    }

    pub(super) fn reasons(self) -> Vec<DuplicateReason> {
        let reasons = CERTAINTIES.iter().map(|(reason, _)| *reason);
        reasons
            .filter(|reason| self.reasons & bit(*reason) != 0)
            .collect()
    }
}

fn bit(reason: DuplicateReason) -> u8 {
    1 << i32::from(reason)
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default)]
struct Kinds(u8);

impl Kinds {
    /// Those of the keys that are in both; the keys are ascending.
    fn common(mut a: &[MatchKey], mut b: &[MatchKey]) -> Self {
        let mut kinds = Self::default();
        while let ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) = (a, b) {
            if first_a == first_b
                && let Some(kind) = first_a.kind()
            {
                kinds.0 |= 1 << kind as u8;
            }
            if first_a <= first_b {
                a = rest_a;
            }
            if first_b <= first_a {
                b = rest_b;
            }
        }
        kinds
    }

    fn include(self, kind: ValueKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

/// Whether two names differ by a few letters, or one of them lacks words of the other.
fn are_similar(a: &str, b: &str) -> bool {
    a.len().max(b.len()) <= COMPARED_BYTES_MAX
        && (has_words_of(a, b) || has_words_of(b, a) || are_near(a, b))
}

fn has_words_of(whole: &str, part: &str) -> bool {
    let is_in = |word| whole.split(' ').any(|other| other == word);
    part.split(' ').all(is_in)
}

/// Whether few letters must be changed to make one of the other.
fn are_near(a: &str, b: &str) -> bool {
    let [chars_a, chars_b] = [a, b].map(|name| name.chars().count());
    let changed_max = chars_a.max(chars_b) / CHARS_PER_CHANGE;
    // At least those that only one has.
    chars_a.abs_diff(chars_b) <= changed_max && damerau_levenshtein(a, b) <= changed_max
}
