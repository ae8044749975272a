//! Limits the bytes that clients make the server hold, by connection, user and address:
//! those of requests that have not arrived completely, and of responses that nobody has
//! read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::access::client::Client;
use crate::user_id::UserId;

/// Messages up to this size are not counted: the limit on open calls bounds them.
pub(crate) const SMALL: usize = 1024;

/// Who holds bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    User(UserId),
    /// An IPv4 address, or an IPv6 /64.
    Network(IpAddr),
}

/// What bytes are counted for, besides their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountedFor {
    /// The user, or without one the address.
    UserElseAddress,
    /// The user and the address.
    UserAndAddress,
}

/// The bytes of a server's clients, shared by its threads. A client without any has no
/// entry.
#[derive(Debug)]
pub(crate) struct Budget {
    of_connection: u64,
    of_client: u64,
    by: CountedFor,
    /// The bytes of all clients.
    bytes: AtomicU64,
    clients: Mutex<HashMap<Holder, u64>>,
}

impl Budget {
    pub(crate) fn new(of_connection: u64, of_client: u64, by: CountedFor) -> Self {
        Self {
            of_connection,
            of_client,
            by,
            bytes: AtomicU64::new(0),
            clients: Mutex::default(),
        }
    }

    /// The bytes of all clients.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<Holder, u64>> {
        // A panic under the lock cannot leave the map half changed.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holders(&self, client: &Client) -> [Option<Holder>; 2] {
        let user = client.user().map(Holder::User);
        let network = client.network.map(Holder::Network);
        match (self.by, user) {
            (CountedFor::UserElseAddress, Some(_)) => [user, None],
            _ => [user, network],
        }
    }
}

/// What the bytes of a call are counted for.
pub(crate) struct Account {
    pub(crate) budget: Arc<Budget>,
    /// The bytes that its connection holds.
    pub(crate) connection: Arc<AtomicU64>,
    pub(crate) client: Arc<Client>,
}

impl Account {
    /// Reserves so many bytes; `None` if that exceeds a limit.
    pub(crate) fn hold(&self, bytes: u64) -> Option<Held> {
        let mut held = Held {
            holders: self.budget.holders(&self.client),
            budget: Arc::clone(&self.budget),
            connection: Arc::clone(&self.connection),
            bytes: 0,
        };
        held.grow(bytes).then_some(held)
    }
}

/// Bytes that are reserved until this is dropped.
pub(crate) struct Held {
    budget: Arc<Budget>,
    connection: Arc<AtomicU64>,
    holders: [Option<Holder>; 2],
    bytes: u64,
}

impl Held {
    /// Reserves so many more. A client that holds nothing else always gets them, or a
    /// message larger than the limit could never be sent.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let own = self.bytes;
        let fits = |held: u64, most: u64| held == own || held + bytes <= most;
        let of_connection = self.budget.of_connection;
        let sum = |held| fits(held, of_connection).then_some(held + bytes);
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.connection.fetch_update(set, get, sum).is_err() {
            return false;
        }
        let mut clients = self.budget.clients();
        let mut holders = self.holders.iter().flatten();
        let held = |holder: &Holder| clients.get(holder).copied().unwrap_or_default();
        if !holders.all(|holder| fits(held(holder), self.budget.of_client)) {
            self.connection.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        for holder in self.holders.iter().flatten() {
            *clients.entry(*holder).or_default() += bytes;
        }
        self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connection.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        let mut clients = self.budget.clients();
        for holder in self.holders.iter().flatten() {
            if let Some(held) = clients.get_mut(holder) {
                *held = held.saturating_sub(self.bytes);
                if *held == 0 {
                    clients.remove(holder);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts calls of three connections, of a user and from an address if they have one.
    struct World {
        budget: Arc<Budget>,
        connections: [Arc<AtomicU64>; 3],
    }

    impl World {
        fn new(by: CountedFor) -> Self {
            Self {
                budget: Arc::new(Budget::new(100, 150, by)),
                connections: Default::default(),
            }
        }

        fn account(&self, connection: usize, user: Option<u128>, host: Option<u8>) -> Account {
            let address = |host| IpAddr::from([192, 0, 2, host]);
            let client = Client::new(host.map(address));
            if let Some(user) = user {
                client.identify(UserId(uuid::Uuid::from_u128(user)));
            }
            Account {
                budget: Arc::clone(&self.budget),
                connection: Arc::clone(&self.connections[connection]),
                client: Arc::new(client),
            }
        }
    }

    #[test]
    fn a_connection_and_a_user_are_limited_but_one_message_always_fits() {
        let world = World::new(CountedFor::UserElseAddress);
        let of = |connection, user| world.account(connection, user, Some(1));

        let first = of(0, Some(7)).hold(100);
        assert!(first.is_some());
        assert!(of(0, None).hold(1).is_none(), "the connection is full");
        let second = of(1, Some(7)).hold(50);
        assert!(second.is_some());
        assert!(of(1, Some(7)).hold(1).is_none(), "the user is full");
        assert!(of(1, Some(8)).hold(50).is_some(), "another user");
        assert!(of(2, Some(8)).hold(1000).is_some(), "nothing was held");

        assert_eq!(world.budget.bytes(), 150);
        drop((first, second));

        assert_eq!(world.budget.bytes(), 0);
        assert!(world.budget.clients().is_empty());
        let held = world.connections.iter();
        assert!(held.map(|held| held.load(Ordering::Relaxed)).sum::<u64>() == 0);
    }

    #[test]
    fn a_reservation_grows_within_the_limit_and_beyond_it_if_it_is_the_only_one() {
        let world = World::new(CountedFor::UserElseAddress);
        let mut first = world.account(0, Some(7), None).hold(60).unwrap();
        assert!(first.grow(1000), "it is the only one");
        drop(first);

        let mut first = world.account(0, Some(7), None).hold(60).unwrap();
        let second = world.account(1, Some(7), None).hold(60).unwrap();
        assert!(first.grow(30));
        assert!(!first.grow(1), "the user is full");
        drop(second);
        assert!(first.grow(1));
        drop(first);
        assert!(world.budget.clients().is_empty());
    }

    #[test]
    fn an_address_is_counted_for_strangers_and_if_configured_for_users() {
        let alone = World::new(CountedFor::UserElseAddress);
        let _stranger = alone.account(0, None, Some(1)).hold(100).unwrap();
        assert!(alone.account(1, None, Some(1)).hold(51).is_none());
        assert!(alone.account(1, None, Some(2)).hold(51).is_some());
        assert!(alone.account(1, Some(7), Some(1)).hold(51).is_some());

        let both = World::new(CountedFor::UserAndAddress);
        let _first = both.account(0, Some(7), Some(1)).hold(100).unwrap();
        assert!(both.account(1, Some(8), Some(1)).hold(51).is_none());
        assert!(both.account(1, Some(7), Some(2)).hold(51).is_none());
        assert!(both.account(1, Some(8), Some(2)).hold(51).is_some());
    }
}
