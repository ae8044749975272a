//! Which copies are held: as many as fit the memory, without those that were used least
//! recently.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::user_id::UserId;

use super::book::Book;
use crate::model::quota::Quota;

/// What is known of an owner.
#[derive(Clone, Debug)]
pub enum Known {
    /// The contacts.
    Book(Arc<Book>),
    /// A copy did not fit; the owner had so much then.
    TooLarge(Quota),
}

/// Whether there is room for a copy in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Found,
    /// Other copies in the making take it.
    Taken,
    /// The copy is larger than the budget.
    Never,
}

/// The memory of an owner beside the book, in both maps.
const PLACE_BYTES: usize = 256;

impl Known {
    /// The memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Book(book) => PLACE_BYTES + book.bytes(),
            Self::TooLarge(_) => PLACE_BYTES,
        }
    }
}

/// The copies.
#[derive(Debug)]
pub struct Held {
    budget: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    places: HashMap<UserId, Place>,
    /// The owners in the order of their last use.
    order: BTreeMap<u64, UserId>,
    uses: u64,
    /// The memory of places and reservations.
    bytes: usize,
    /// The memory of reservations.
    reserved: usize,
    dropped: usize,
}

#[derive(Debug)]
struct Place {
    known: Known,
    bytes: usize,
    last_use: u64,
}

impl Held {
    /// Holds copies of at most so many bytes.
    #[must_use]
    pub fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self {
            budget,
            table: Mutex::default(),
        })
    }

    /// The maximum size.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// What is known of the owner, which counts as a use.
    #[must_use]
    pub fn get(&self, owner: UserId) -> Option<Known> {
        let mut table = self.table();
        let place = table.remove(owner)?;
        let known = place.known.clone();
        table.insert(owner, place);
        Some(known)
    }

    /// Stores what is known of the owner, if it fits.
    pub fn put(&self, owner: UserId, known: Known) {
        let mut table = self.table();
        table.remove(owner);
        let bytes = known.bytes();
        if table.make_room(bytes, self.budget) {
            let last_use = 0;
            table.insert(
                owner,
                Place {
                    known,
                    bytes,
                    last_use,
                },
            );
        }
    }

    /// Forgets the owner.
    pub fn forget(&self, owner: UserId) {
        self.table().remove(owner);
    }

    /// Reserves no memory yet, for a copy in the making.
    #[must_use]
    pub fn reserve(self: &Arc<Self>) -> Reserved {
        Reserved {
            held: Arc::clone(self),
            bytes: 0,
        }
    }

    /// The number of owners, and the bytes in use.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let table = self.table();
        (table.places.len(), table.bytes)
    }

    /// How many copies were dropped to make room.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.table().dropped
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No change under the lock can be left incomplete.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, owner: UserId, place: Place) {
        self.uses += 1;
        self.bytes += place.bytes;
        self.order.insert(self.uses, owner);
        let last_use = self.uses;
        self.places.insert(owner, Place { last_use, ..place });
    }

    fn remove(&mut self, owner: UserId) -> Option<Place> {
        let place = self.places.remove(&owner)?;
        self.order.remove(&place.last_use);
        self.bytes -= place.bytes;
        Some(place)
    }

    /// Drops what was used least recently until so many bytes fit, and nothing where they
    /// cannot.
    fn make_room(&mut self, bytes: usize, budget: usize) -> bool {
        if self.reserved + bytes > budget {
            return false;
        }
        while self.bytes + bytes > budget
            && let Some((_, owner)) = self.order.pop_first()
        {
            self.remove(owner);
            self.dropped += 1;
        }
        true
    }
}

/// Memory of a copy in the making, until dropped.
#[derive(Debug)]
pub struct Reserved {
    held: Arc<Held>,
    bytes: usize,
}

impl Reserved {
    /// Reserves so many bytes more, if they fit.
    pub fn grow(&mut self, bytes: usize) -> Room {
        let budget = self.held.budget;
        if self.bytes + bytes > budget {
            return Room::Never;
        }
        let mut table = self.held.table();
        if !table.make_room(bytes, budget) {
            return Room::Taken;
        }
        table.bytes += bytes;
        table.reserved += bytes;
        self.bytes += bytes;
        Room::Found
    }

    /// Reserves so many bytes in all, if they fit.
    pub fn grow_to(&mut self, bytes: usize) -> Room {
        self.grow(bytes.saturating_sub(self.bytes))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut table = self.held.table();
        table.bytes -= self.bytes;
        table.reserved -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn owner(number: usize) -> UserId {
        UserId(Uuid::from_u128(number as u128))
    }

    fn book() -> Known {
        Known::Book(Arc::default())
    }

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let held = Held::new(3 * book().bytes());
        for number in 0..3 {
            held.put(owner(number), book());
        }
        assert!(held.get(owner(0)).is_some());

        held.put(owner(3), book());

        let known = (0..4).map(|number| held.get(owner(number)).is_some());
        assert_eq!(known.collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(held.size(), (3, 3 * book().bytes()));
        assert_eq!(held.dropped(), 1);
    }

    #[test]
    fn copies_in_the_making_count() {
        let held = Held::new(2 * book().bytes());
        held.put(owner(0), book());
        held.put(owner(1), book());
        let mut reserved = held.reserve();

        assert_eq!(reserved.grow(book().bytes()), Room::Found);
        assert!(held.get(owner(0)).is_none() && held.get(owner(1)).is_some());
        assert_eq!(reserved.grow(book().bytes()), Room::Found);
        assert_eq!(reserved.grow(1), Room::Never);
        assert_eq!(held.reserve().grow(1), Room::Taken);
        held.put(owner(2), book());
        assert!(held.get(owner(2)).is_none(), "there is no room for it");

        drop(reserved);
        assert_eq!(held.size(), (0, 0));
        held.put(owner(2), book());
        held.forget(owner(2));
        assert_eq!(held.size(), (0, 0));
    }

    #[test]
    fn what_cannot_fit_drops_no_other_copy() {
        let held = Held::new(3 * book().bytes());
        held.put(owner(0), book());
        let mut small = held.reserve();
        assert_eq!(small.grow(book().bytes()), Room::Found);

        assert_eq!(held.reserve().grow(3 * book().bytes()), Room::Taken);
        assert_eq!(held.reserve().grow(3 * book().bytes() + 1), Room::Never);

        assert!(held.get(owner(0)).is_some());
        assert_eq!(held.dropped(), 0);
    }

    #[test]
    fn another_version_takes_the_place_of_the_one_before() {
        let held = Held::new(book().bytes());
        for _ in 0..3 {
            held.put(owner(0), book());
            assert_eq!(held.size(), (1, book().bytes()));
        }
        held.put(owner(0), Known::TooLarge(Quota::default()));
        assert_eq!(held.size(), (1, PLACE_BYTES));
    }
}
