//! Finds contacts that may be the same person. Contacts that share an e-mail, a phone or
//! a name are compared pair by pair, and the pairs form groups.

mod evidence;
mod groups;
mod search;
mod shared;

use std::collections::HashSet;

use proto::contacts::v1::DuplicateReason;

use crate::contact::ContactId;
use crate::model::duplicates::{Candidates, IgnoredPair};
use evidence::Evidence;
use groups::Groups;
use shared::{Holder, holders, shared_values};

pub use search::{AT_A_TIME, DuplicatesCursor, DuplicatesPage, FoundGroup, find};

/// Contacts that may be the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The certainty, in thousandths.
    pub score: u32,
    /// The reasons, in the order of the enum.
    pub reasons: Vec<DuplicateReason>,
    /// The contacts, the oldest first.
    pub ids: Vec<ContactId>,
}

impl Group {
    /// The certainty, from 0 to 1.
    #[must_use]
    pub fn certainty(&self) -> f64 {
        f64::from(self.score) / 1000.0
    }

    /// Its position: the higher score first, then the older contact.
    #[must_use]
    pub fn place(&self) -> (u32, Option<ContactId>) {
        (u32::MAX - self.score, self.ids.first().copied())
    }
}

/// The maximum number of contacts of one group: as many as one call can merge.
pub const GROUP_MAX: usize = crate::model::merge::OTHERS_MAX + 1;

/// If so many contacts or fewer share a value, each pair is compared. If more do, each is
/// compared with its neighbours by name, and must also be similar to them, because a
/// company's phone does not make duplicates.
const ALL_PAIRS_MAX: usize = 10;

/// The maximum number of compared pairs.
const PAIRS_MAX: usize = 200_000;

/// The lowest score at which a pair is probably one person.
const LIKELY: u32 = 400;

/// Forms groups, sorted by position. Each contact is in at most one.
#[must_use]
pub fn groups(candidates: &Candidates, ignored: &[IgnoredPair]) -> Vec<Group> {
    let holders = holders(candidates);
    let mut pairs = compared(candidates, &shared_values(&holders));
    pairs.sort_unstable_by_key(|(evidence, a, b)| (u32::MAX - evidence.score, *a, *b));
    let mut groups = Groups::of(candidates);
    for pair in ignored {
        let places = [pair.low, pair.high].map(|id| candidates.place_of(id));
        if let [Some(a), Some(b)] = places {
            groups.keep_apart(a, b);
        }
    }
    let likely = pairs.partition_point(|(evidence, ..)| evidence.score >= LIKELY);
    for (evidence, a, b) in &pairs[..likely] {
        groups.unite(*a, *b, *evidence);
    }
    // A doubtful pair is not added to contacts that are probably the same; once these are
    // merged, it is suggested separately.
    let settled = groups.united();
    for (evidence, a, b) in &pairs[likely..] {
        if !settled[*a] && !settled[*b] {
            groups.unite(*a, *b, *evidence);
        }
    }
    let mut groups = groups.into_groups();
    groups.sort_unstable_by_key(Group::place);
    groups
}

/// Compares contacts with shared values, rare values first.
fn compared(candidates: &Candidates, values: &[&[Holder]]) -> Vec<(Evidence, usize, usize)> {
    let order = order(candidates);
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for holders in values {
        let places = holders.iter().map(|(_, place)| *place as usize);
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable_by_key(|place| order[*place]);
        let is_rare = places.len() <= ALL_PAIRS_MAX;
        let reach = if is_rare { places.len() } else { 2 };
        for (at, a) in places.iter().enumerate() {
            for b in places[at + 1..].iter().take(reach - 1) {
                let pair = (*a.min(b), *a.max(b));
                // Compared before, because of a rarer value.
                if seen.contains(&pair) {
                    continue;
                }
                if seen.len() == PAIRS_MAX {
                    return pairs;
                }
                let evidence = Evidence::of(candidates, pair.0, pair.1);
                if evidence.is_any() && (is_rare || evidence.score >= LIKELY) {
                    seen.insert(pair);
                    pairs.push((evidence, pair.0, pair.1));
                }
            }
        }
    }
    pairs
}

/// The position of each contact in an order in which similar ones are next to each other.
fn order(candidates: &Candidates) -> Vec<usize> {
    let mut places: Vec<usize> = (0..candidates.len()).collect();
    places.sort_unstable_by_key(|place| {
        let birthday = candidates.birthday(*place);
        let birthday = birthday.map(|date| [date.year, date.month, date.day]);
        (candidates.name(*place), birthday, *place)
    });
    let mut order = vec![0; places.len()];
    for (position, place) in places.into_iter().enumerate() {
        order[place] = position;
    }
    order
}

#[cfg(test)]
mod tests;
