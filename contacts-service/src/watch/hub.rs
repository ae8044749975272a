//! The watchers of all threads of a replica.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::user_id::UserId;
use tokio::sync::{Notify, watch};

use crate::error::{Error, Result};

/// The maximum number of streams per user, whatever their owners.
pub const STREAMS_MAX: usize = 100;
/// The maximum number of owners that wait for a notification; other replicas' pollers
/// find the rest.
const WRITTEN_MAX: usize = 10_000;

/// Wakes the streams of an owner.
#[derive(Debug, Default)]
pub struct Hub {
    streams: Mutex<Streams>,
    written: Option<Written>,
}

#[derive(Debug, Default)]
struct Streams {
    /// The streams of each watched owner.
    owners: HashMap<UserId, Watched>,
    /// The number of streams per user.
    users: HashMap<UserId, usize>,
}

#[derive(Debug, Default)]
struct Watched {
    signal: watch::Sender<Signal>,
    streams: usize,
}

/// The data of an owner outside of the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Signal {
    /// The version found by the poller.
    version: i64,
    /// The number of hints so far.
    hints: u64,
}

/// Owners that wait for a notification.
#[derive(Debug, Default)]
struct Written {
    owners: Mutex<HashSet<UserId>>,
    some: Notify,
}

impl Hub {
    /// With `notifies_replicas`, writes here are collected for [`Hub::take_written`].
    #[must_use]
    pub fn new(notifies_replicas: bool) -> Self {
        Self {
            streams: Mutex::default(),
            written: notifies_replicas.then(Written::default),
        }
    }

    /// Watches an owner's contacts for a user until the watch is dropped.
    pub fn watch(self: &Arc<Self>, owner: UserId, user: UserId) -> Result<Watch> {
        let mut streams = lock(&self.streams);
        let of_user = streams.users.entry(user).or_default();
        if *of_user >= STREAMS_MAX {
            return Err(Error::TooManyWatches { limit: STREAMS_MAX });
        }
        *of_user += 1;
        let watched = streams.owners.entry(owner).or_default();
        watched.streams += 1;
        let signal = watched.signal.subscribe();
        Ok(Watch {
            hub: Arc::clone(self),
            owner,
            user,
            signal,
            hints: 0,
        })
    }

    /// Records that this replica wrote, or may have written, to the owner's contacts.
    pub fn report_write(&self, owner: UserId) {
        self.wake(owner);
        if let Some(written) = &self.written {
            let mut owners = lock(&written.owners);
            if owners.len() < WRITTEN_MAX && owners.insert(owner) {
                written.some.notify_one();
            }
        }
    }

    /// Wakes the streams of an owner whose contacts may have been written anywhere.
    pub fn wake(&self, owner: UserId) {
        if let Some(watched) = lock(&self.streams).owners.get(&owner) {
            watched.signal.send_modify(|signal| signal.hints += 1);
        }
    }

    /// The watched owners.
    #[must_use]
    pub fn watched(&self) -> Vec<UserId> {
        lock(&self.streams).owners.keys().copied().collect()
    }

    /// Sets the versions of these owners; 0 for one who never wrote.
    pub fn publish(&self, versions: impl Iterator<Item = (UserId, i64)>) {
        let streams = lock(&self.streams);
        for (owner, version) in versions {
            if let Some(watched) = streams.owners.get(&owner) {
                watched.signal.send_if_modified(|signal| {
                    std::mem::replace(&mut signal.version, version) != version
                });
            }
        }
    }

    /// Waits until something was written here; for ever if replicas are not notified.
    pub async fn any_written(&self) {
        match &self.written {
            Some(written) => written.some.notified().await,
            None => std::future::pending().await,
        }
    }

    /// The owners written here since the last call.
    #[must_use]
    pub fn take_written(&self) -> HashSet<UserId> {
        let written = self.written.as_ref();
        written.map_or_else(HashSet::new, |written| {
            std::mem::take(&mut *lock(&written.owners))
        })
    }
}

/// Releases memory after many streams have ended.
fn shrink<T>(map: &mut HashMap<UserId, T>) {
    if map.capacity() > 4 * map.len() + 64 {
        map.shrink_to_fit();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under a lock cannot leave its data half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One stream's watch on an owner's contacts.
#[derive(Debug)]
pub struct Watch {
    hub: Arc<Hub>,
    owner: UserId,
    user: UserId,
    signal: watch::Receiver<Signal>,
    /// The hints that the stream has handled.
    hints: u64,
}

impl Watch {
    /// The stream reads the feed now, which handles all hints so far.
    pub fn mark_seen(&mut self) {
        self.hints = self.signal.borrow_and_update().hints;
    }

    /// Completes when there may be changes after `version`. A lower version also counts;
    /// the feed handles it.
    pub async fn changed(&mut self, version: i64) {
        // The hub outlives its watches, and so does the sender.
        while self.signal.changed().await.is_ok() {
            let signal = *self.signal.borrow_and_update();
            if signal.hints != self.hints || signal.version != version {
                return;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut streams = lock(&self.hub.streams);
        let Streams { owners, users } = &mut *streams;
        if let Some(watched) = owners.get_mut(&self.owner) {
            watched.streams -= 1;
            if watched.streams == 0 {
                owners.remove(&self.owner);
            }
        }
        if let Some(count) = users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                users.remove(&self.user);
            }
        }
        shrink(owners);
        shrink(users);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;

    const OWNER: UserId = UserId(Uuid::from_u128(1));

    fn is_woken(watch: &mut Watch, version: i64) -> bool {
        watch.changed(version).now_or_never().is_some()
    }

    #[test]
    fn a_watch_is_woken_by_a_hint_and_by_another_version() {
        let hub = Arc::new(Hub::new(false));
        let mut watch = hub.watch(OWNER, OWNER).unwrap();

        hub.wake(OWNER);
        assert!(is_woken(&mut watch, 5));
        watch.mark_seen();
        for (version, wakes) in [(5, false), (5, false), (6, true), (4, true), (5, false)] {
            hub.publish([(OWNER, version)].into_iter());
            assert_eq!(is_woken(&mut watch, 5), wakes, "{version}");
        }
    }

    #[test]
    fn a_hint_from_before_the_feed_is_read_does_not_wake_the_stream_again() {
        let hub = Arc::new(Hub::new(false));
        let mut watch = hub.watch(OWNER, OWNER).unwrap();

        hub.report_write(OWNER);
        watch.mark_seen();
        assert!(!is_woken(&mut watch, 0));
        hub.report_write(OWNER);
        assert!(is_woken(&mut watch, 0));
    }

    #[test]
    fn an_owner_is_forgotten_with_the_last_watch() {
        let hub = Arc::new(Hub::new(false));
        let watches: Vec<_> = (0..STREAMS_MAX).map(|_| hub.watch(OWNER, OWNER)).collect();

        assert!(matches!(
            hub.watch(OWNER, OWNER),
            Err(Error::TooManyWatches { limit: STREAMS_MAX })
        ));
        assert!(hub.watch(OWNER, UserId(Uuid::from_u128(2))).is_ok());
        assert_eq!(hub.watched(), [OWNER]);
        drop(watches);
        assert_eq!(hub.watched(), []);
    }

    #[test]
    fn many_writes_of_an_owner_are_one_notification() {
        let hub = Hub::new(true);

        hub.report_write(OWNER);
        hub.report_write(OWNER);
        assert!(hub.any_written().now_or_never().is_some());
        assert_eq!(hub.take_written().len(), 1);
        assert_eq!(hub.take_written().len(), 0);
    }
}
