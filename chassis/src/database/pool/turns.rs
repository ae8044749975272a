//! Queues in which callers wait outside of the pool, one for each key. A limited number
//! of callers of a key proceed at a time, in the order of arrival.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Queues by key.
pub struct Turns {
    at_a_time: usize,
    /// The queues that are in use.
    queues: Mutex<HashMap<Uuid, Arc<Semaphore>>>,
}

/// The permit to proceed, until dropped.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    /// One that it needs in addition.
    _other: Option<OwnedSemaphorePermit>,
    // Declared after the permit and so dropped after it; the last place removes the
    // queue.
    _place: Place,
}

/// A place in a queue.
struct Place {
    key: Uuid,
    queue: Arc<Semaphore>,
    turns: Arc<Turns>,
}

impl Turn {
    /// Gives back this permit, too, when the turn ends.
    pub(super) fn with(self, permit: OwnedSemaphorePermit) -> Self {
        Self {
            _other: Some(permit),
            ..self
        }
    }
}

impl Turns {
    /// Lets `at_a_time` callers of each key proceed at a time.
    #[must_use]
    pub fn new(at_a_time: usize) -> Arc<Self> {
        Arc::new(Self {
            at_a_time,
            queues: Mutex::default(),
        })
    }

    /// Waits for a turn.
    pub async fn take(self: &Arc<Self>, key: Uuid) -> sqlx::Result<Turn> {
        let place = self.place(key);
        let permit = Arc::clone(&place.queue).acquire_owned().await;
        Ok(Turn {
            _permit: permit.map_err(|_| sqlx::Error::PoolClosed)?,
            _other: None,
            _place: place,
        })
    }

    fn place(self: &Arc<Self>, key: Uuid) -> Place {
        let mut queues = self.queues();
        let new = || Arc::new(Semaphore::new(self.at_a_time));
        let queue = Arc::clone(queues.entry(key).or_insert_with(new));
        Place {
            key,
            queue,
            turns: Arc::clone(self),
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Semaphore>>> {
        // A panic under the lock cannot leave the map half changed.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        // Clones are made under this lock only, so two are the map's and this one.
        if Arc::strong_count(&self.queue) <= 2 {
            queues.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn each_key_has_its_own_queue_in_order() {
        let turns = Turns::new(1);
        let first = turns.take(ADA).await.unwrap();
        let mut second = Box::pin(turns.take(ADA));
        let mut third = Box::pin(turns.take(ADA));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        let other = turns.take(BOB).now_or_never();
        assert!(other.is_some());

        drop(first);

        assert!((&mut third).now_or_never().is_none());
        let second = second.now_or_never().unwrap();
        drop(second);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_empty_queue_takes_no_memory() {
        let turns = Turns::new(2);
        let two = (turns.take(ADA).await, turns.take(ADA).await);
        // A waiter that was cancelled.
        assert!(turns.take(ADA).now_or_never().is_none());
        let other = turns.take(BOB).await;
        assert_eq!(turns.queues().len(), 2);

        drop((two, other));

        assert_eq!(turns.queues().len(), 0);
    }
}
