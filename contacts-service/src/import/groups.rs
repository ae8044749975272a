//! Groups of a vCard file, which are applied at its end.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use card_formats::{Group, Problem};

use super::Place;
use crate::contact::ContactId;

/// The most contacts of a file that groups can name, and the most groups and members of them
/// all together.
const KNOWN_MAX: usize = 200_000;

/// Groups, and the contacts that they may name. Both are kept as hashes, because a file may
/// have many.
#[derive(Debug, Default)]
pub(super) struct Groups {
    waiting: Vec<Waiting>,
    members: usize,
    contacts: HashMap<u64, ContactId>,
}

/// A group whose members may follow it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) place: Place,
    pub(super) name: String,
    members: Vec<u64>,
}

impl Groups {
    /// Remembers which contact a card with a uid has become.
    pub(super) fn know(&mut self, uid: &str, id: ContactId) {
        if self.contacts.len() < KNOWN_MAX {
            self.contacts.insert(key(uid), id);
        }
    }

    pub(super) fn add(&mut self, place: Place, group: Group) -> Result<(), Problem> {
        self.members += 1 + group.members.len();
        if self.members > KNOWN_MAX {
            return Err(Problem::TooManyMembers);
        }
        self.waiting.push(Waiting {
            place,
            name: group.name,
            members: group.members.iter().map(|uid| key(uid)).collect(),
        });
        Ok(())
    }

    /// Removes and returns the groups.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.waiting)
    }

    /// The members that are in the file, each once.
    pub(super) fn members(&self, group: &Waiting) -> Vec<ContactId> {
        let members = group.members.iter();
        let mut ids: Vec<ContactId> = members
            .filter_map(|key| self.contacts.get(key).copied())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Groups write the uid of a member as a URN, also if its card does not.
fn key(uid: &str) -> u64 {
    let bare = match uid.split_at_checked(9) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("urn:uuid:") => rest,
        _ => uid,
    };
    let mut hasher = DefaultHasher::new();
    bare.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_without_members_are_limited_too() {
        let mut groups = Groups::default();
        let place = Place {
            index: 0,
            line: 1,
            byte_offset: 0,
            excerpt: String::new(),
            warnings: Vec::new(),
        };
        let mut add = || {
            let group = Group {
                uid: String::new(),
                name: "Empty".into(),
                members: Vec::new(),
            };
            groups.add(place.clone(), group)
        };
        assert!((0..KNOWN_MAX).all(|_| add().is_ok()));

        assert!(matches!(add(), Err(Problem::TooManyMembers)));
    }
}
