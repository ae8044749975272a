//! The values that several contacts have in common.

use crate::contact::match_key::MatchKey;
use crate::model::duplicates::Candidates;

/// A key with the place of a contact that has it.
pub(super) type Holder = (MatchKey, u32);

/// Every key of every contact, ascending.
pub(super) fn holders(candidates: &Candidates) -> Vec<Holder> {
    let places = (0..).zip(0..candidates.len());
    let mut all = Vec::new();
    for (holder, place) in places {
        all.extend(candidates.keys(place).iter().map(|key| (*key, holder)));
    }
    all.sort_unstable();
    all
}

/// The holders of each value that several contacts have, those of the fewest first.
pub(super) fn shared_values(holders: &[Holder]) -> Vec<&[Holder]> {
    let same = holders.chunk_by(|(one, _), (other, _)| one == other);
    let is_shared = |holders: &&[Holder]| {
        let value = holders.first().and_then(|(key, _)| key.kind());
        holders.len() > 1 && value.is_some()
    };
    let mut shared: Vec<&[Holder]> = same.filter(is_shared).collect();
    // Stable: of as many contacts, by key.
    shared.sort_by_key(|holders| holders.len());
    shared
}
