//! The values that several contacts have in common.

use crate::model::duplicates::SharedValue;
use crate::store::duplicates::MatchKeys;

/// Every value that several of the contacts have, those of the fewest contacts first.
pub(super) fn shared_values(found: MatchKeys) -> Vec<SharedValue> {
    let MatchKeys { ids, mut keys } = found;
    keys.sort_unstable();
    let same = keys.chunk_by(|(one, _), (other, _)| one == other);
    let shared = same.filter_map(|same| {
        let kind = same.first().filter(|_| same.len() > 1)?.0.kind()?;
        let ids = same.iter().map(|(_, place)| ids[*place as usize]);
        Some(SharedValue {
            kind,
            ids: ids.collect(),
        })
    });
    let mut shared: Vec<SharedValue> = shared.collect();
    // Stable: of as many contacts, by key.
    shared.sort_by_key(|shared| shared.ids.len());
    shared
}
