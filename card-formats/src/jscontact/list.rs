//! The maps of a card, whose entries are the elements of a list.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::json::{Json, Members};

/// The entries for the elements of a list: those that are kept, with their ids, as far as
/// they say the same. Between them are those that say nothing to us.
pub(super) fn entries<T>(
    items: &[T],
    kept: Members,
    read: impl Fn(&Json) -> Option<T>,
    is_same: impl Fn(&T, &T) -> bool,
    write: impl Fn(&T) -> Json,
) -> Members {
    let mut ids = Ids::new(&kept);
    let mut says: Vec<Option<T>> = kept.iter().map(|(_, entry)| read(entry)).collect();
    let mut others: VecDeque<usize> = (0..says.len()).filter(|at| says[*at].is_none()).collect();
    let mut kept: Vec<Option<(String, Json)>> = kept.into_iter().map(Some).collect();
    let mut entries = Vec::new();
    for item in items {
        let is_it = |says: &Option<T>| says.as_ref().is_some_and(|says| is_same(item, says));
        let Some(at) = says.iter().position(is_it) else {
            entries.push((ids.next(), write(item)));
            continue;
        };
        says[at] = None;
        while let Some(other) = others.pop_front_if(|other| *other < at) {
            entries.extend(kept[other].take());
        }
        entries.extend(kept[at].take());
    }
    entries.extend(others.into_iter().filter_map(|other| kept[other].take()));
    for (id, _) in &mut entries {
        ids.settle(id);
    }
    entries
}

/// Sorts entries as the kept ones were; new ones are last.
pub(super) fn sort_as(kept: &Members, entries: &mut Members) {
    let places: HashMap<&str, usize> = kept
        .iter()
        .enumerate()
        .map(|(at, (id, _))| (id.as_str(), at))
        .collect();
    entries.sort_by_key(|(id, _)| places.get(id.as_str()).copied().unwrap_or(usize::MAX));
}

/// The ids of the entries of a map.
struct Ids {
    /// Of kept entries, also of those that are written later.
    known: HashSet<String>,
    taken: HashSet<String>,
    last: usize,
}

impl Ids {
    fn new(kept: &Members) -> Self {
        Self {
            known: kept.iter().map(|(id, _)| id.clone()).collect(),
            taken: HashSet::new(),
            last: 0,
        }
    }

    /// Changes an id that another entry has: kept entries may come from two cards.
    fn settle(&mut self, id: &mut String) {
        if !self.taken.insert(id.clone()) {
            *id = self.next();
            self.taken.insert(id.clone());
        }
    }

    /// The next number that is not an id.
    fn next(&mut self) -> String {
        loop {
            self.last += 1;
            let id = self.last.to_string();
            if !self.known.contains(&id) {
                return id;
            }
        }
    }
}
