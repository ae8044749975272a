//! The values by which duplicates are found.

use proto::contacts::v1::Date;

use crate::contact::ContactId;
use crate::contact::match_key::MatchKey;

/// The contacts among which duplicates are looked for, in flat buffers, because a book has
/// tens of thousands. A contact is named by its place.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Ascending.
    ids: Vec<ContactId>,
    /// The names and the keys, one contact after the other, and where those of each end.
    names: String,
    keys: Vec<MatchKey>,
    ends: Vec<(usize, usize)>,
}

impl Candidates {
    /// Adds a contact with a higher id than those before. `name` is the identity of its
    /// display name, empty if it names nobody; `keys` are ascending.
    pub fn add(&mut self, id: ContactId, name: &str, keys: impl Iterator<Item = MatchKey>) {
        self.ids.push(id);
        self.names.push_str(name);
        self.keys.extend(keys);
        self.ends.push((self.names.len(), self.keys.len()));
    }

    /// The number of contacts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The contacts, by place.
    #[must_use]
    pub fn ids(&self) -> &[ContactId] {
        &self.ids
    }

    /// The place of a contact; `None` if it is not one of these.
    #[must_use]
    pub fn place_of(&self, id: ContactId) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// The name of the contact in this place.
    #[must_use]
    pub fn name(&self, place: usize) -> &str {
        &self.names[self.start(place).0..self.ends[place].0]
    }

    /// The keys of the contact in this place.
    #[must_use]
    pub fn keys(&self, place: usize) -> &[MatchKey] {
        &self.keys[self.start(place).1..self.ends[place].1]
    }

    /// The date of birth of the contact in this place: its last key, if it is known.
    #[must_use]
    pub fn birthday(&self, place: usize) -> Option<Date> {
        self.keys(place).last()?.birthday()
    }

    fn start(&self, place: usize) -> (usize, usize) {
        place
            .checked_sub(1)
            .map_or((0, 0), |before| self.ends[before])
    }
}

/// Two contacts that are known to be different people.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct IgnoredPair {
    /// The lower id.
    pub low: ContactId,
    /// The higher one.
    pub high: ContactId,
}

impl IgnoredPair {
    /// The pair of two different contacts.
    #[must_use]
    pub fn of(a: ContactId, b: ContactId) -> Self {
        Self {
            low: a.min(b),
            high: a.max(b),
        }
    }
}
