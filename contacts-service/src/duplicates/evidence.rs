//! The evidence that two contacts are the same person.

use std::collections::BTreeSet;

use proto::contacts::v1::{Date, DuplicateReason};
use strsim::normalized_damerau_levenshtein;

use crate::contact::ContactId;
use crate::contact::match_key::ValueKind;
use crate::model::duplicates::ComparedContact;

/// The compared data of a contact.
pub(super) struct Facts {
    pub(super) id: ContactId,
    pub(super) birthday: Option<Date>,
    name: Option<String>,
    /// The values that it shares with others, by number.
    pub(super) common: Vec<(usize, ValueKind)>,
}

impl Facts {
    pub(super) fn of(member: ComparedContact) -> Self {
        Self {
            id: member.id,
            birthday: member.birthday,
            name: member.name,
            common: Vec::new(),
        }
    }

    /// Sorts similar contacts next to each other.
    pub(super) fn order(&self) -> (Option<&str>, Option<[i32; 3]>, ContactId) {
        let birthday = self.birthday.map(|day| [day.year, day.month, day.day]);
        (self.name.as_deref(), birthday, self.id)
    }
}

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
/// The similarity from which on two names are similar, from 0 to 1.
const SIMILARITY_MIN: f64 = 0.8;
/// Longer names are similar only if they are equal.
const COMPARED_BYTES_MAX: usize = 64;

impl Evidence {
    pub(super) fn of(a: &Facts, b: &Facts) -> Self {
        let mut found = Vec::new();
        for common in &a.common {
            if b.common
                .binary_search_by_key(&common.0, |one| one.0)
                .is_ok()
            {
                found.push(common.1);
            }
        }
        let same_name = a.name.is_some() && a.name == b.name;
        let similar_name = !same_name
            && (found.contains(&ValueKind::Words)
                || matches!((&a.name, &b.name), (Some(a), Some(b)) if are_similar(a, b)));
        let is_full = a.birthday.is_some_and(|date| date.year > 0 && date.day > 0);
        let holds = |reason: DuplicateReason| match reason {
            DuplicateReason::Unspecified => false,
            DuplicateReason::SameEmail => found.contains(&ValueKind::Email),
            DuplicateReason::SamePhone => found.contains(&ValueKind::Phone),
            DuplicateReason::SameName => same_name,
            DuplicateReason::SimilarName => similar_name,
            DuplicateReason::SameBirthday => is_full && a.birthday == b.birthday,
        };
        let (mut reasons, mut doubt) = (0, 1000);
        for (reason, certainty) in CERTAINTIES {
            if holds(reason) {
                reasons |= bit(reason);
                doubt = doubt * (1000 - certainty) / 1000;
            }
        }
        let other_names = a.name.is_some() && b.name.is_some() && !same_name && !similar_name;
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

/// Whether two names differ by a few letters, or one of them lacks words of the other.
fn are_similar(a: &str, b: &str) -> bool {
    if a.len().max(b.len()) > COMPARED_BYTES_MAX {
        return false;
    }
    let (words_a, words_b): (BTreeSet<&str>, BTreeSet<&str>) =
        (a.split(' ').collect(), b.split(' ').collect());
    words_a.is_subset(&words_b)
        || words_b.is_subset(&words_a)
        || normalized_damerau_levenshtein(a, b) >= SIMILARITY_MIN
}
