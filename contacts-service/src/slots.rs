//! How many long calls of a kind run at a time, on a replica and of one user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_stream::stream;
use chassis::user_id::UserId;
use futures_util::Stream;

/// The running calls of a kind.
#[derive(Debug)]
pub struct Slots {
    of_user: usize,
    of_replica: usize,
    users: Mutex<HashMap<UserId, usize>>,
}

impl Slots {
    /// At most this many of a user, and of all users.
    #[must_use]
    pub fn new(of_user: usize, of_replica: usize) -> Self {
        Self {
            of_user,
            of_replica,
            users: Mutex::default(),
        }
    }

    /// Takes one, which is given back when the result is dropped; `None` if all are taken.
    #[must_use]
    pub fn take(self: &Arc<Self>, user: UserId) -> Option<Slot> {
        let mut users = self.users();
        let all: usize = users.values().sum();
        let own = users.get(&user).copied().unwrap_or(0);
        if all >= self.of_replica || own >= self.of_user {
            return None;
        }
        users.insert(user, own + 1);
        drop(users);
        Some(Slot {
            slots: Arc::clone(self),
            user,
        })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One running call.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    user: UserId,
}

impl Slot {
    /// Keeps the slot until these items, which are what the call returns, are dropped.
    pub fn held_by<T>(self, items: impl Stream<Item = T>) -> impl Stream<Item = T> {
        stream! {
            let _slot = self;
            for await item in items {
                yield item;
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut users = self.slots.users();
        match users.get_mut(&self.user) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(users.remove(&self.user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_all_users_have_so_many_slots_and_give_them_back() {
        let slots = Arc::new(Slots::new(2, 3));
        let [a, b] = [1, 2].map(|id| UserId(uuid::Uuid::from_u128(id)));

        let first = slots.take(a);
        let second = slots.take(a);
        assert!(first.is_some() && second.is_some() && slots.take(a).is_none());
        let third = slots.take(b);
        assert!(third.is_some() && slots.take(b).is_none());
        drop(first);
        assert!(slots.take(b).is_some() && slots.take(a).is_some());
        drop((second, third));
        assert!(slots.users().is_empty());
    }
}
