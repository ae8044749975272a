//! Finds contacts that may be the same person. Contacts that share an e-mail, a phone or
//! a name are compared pair by pair, and the pairs form groups.

mod evidence;
mod groups;
mod search;
mod shared;

use std::collections::{HashMap, HashSet};

use proto::contacts::v1::DuplicateReason;

use crate::contact::ContactId;
use crate::model::duplicates::{ComparedContact, IgnoredPair, SharedValue};
use evidence::{Evidence, Facts};
use groups::Groups;

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
pub fn groups(
    shared: &[SharedValue],
    mut members: Vec<ComparedContact>,
    ignored: &[IgnoredPair],
) -> Vec<Group> {
    // The groups do not depend on the order of the input, because pages must be
    // consistent.
    members.sort_unstable_by_key(|member| member.id);
    let places: HashMap<ContactId, usize> = members
        .iter()
        .enumerate()
        .map(|(place, member)| (member.id, place))
        .collect();
    let mut facts: Vec<Facts> = members.into_iter().map(Facts::of).collect();
    let mut sharers = Vec::new();
    for (number, shared) in shared.iter().enumerate() {
        let ids: HashSet<ContactId> = shared.ids.iter().copied().collect();
        let mut places: Vec<usize> = ids
            .iter()
            .filter_map(|id| places.get(id))
            .copied()
            .collect();
        for place in &places {
            facts[*place].common.push((number, shared.kind));
        }
        places.sort_unstable_by(|a, b| facts[*a].order().cmp(&facts[*b].order()));
        sharers.push(places);
    }

    let mut pairs: Vec<(Evidence, usize, usize)> = compared(&facts, &sharers);
    pairs.sort_unstable_by_key(|(evidence, a, b)| (u32::MAX - evidence.score, *a, *b));
    let mut groups = Groups::of(&facts);
    for pair in ignored {
        if let (Some(a), Some(b)) = (places.get(&pair.low), places.get(&pair.high)) {
            groups.keep_apart(*a, *b);
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
fn compared(facts: &[Facts], sharers: &[Vec<usize>]) -> Vec<(Evidence, usize, usize)> {
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for places in sharers {
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
                let evidence = Evidence::of(&facts[pair.0], &facts[pair.1]);
                if evidence.is_any() && (is_rare || evidence.score >= LIKELY) {
                    seen.insert(pair);
                    pairs.push((evidence, pair.0, pair.1));
                }
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
