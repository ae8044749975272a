//! Keeps the keys that a service uses as the database has them.

use std::sync::Arc;

use chassis::chores;
use chassis::clock::Clock;
use chassis::keyring::KeyRing;
use chassis::pool::Pool;
use chassis::token::KeySet;

use super::{KeysInForce, Schedule, SigningKeys, SigningKeysError, rotation};
use crate::store;

/// Looks at the keys now and then, and does what is due.
pub struct Keeper {
    db: Pool,
    ring: Arc<KeyRing>,
    schedule: Schedule,
    clock: Clock,
    keys: KeysInForce,
    accepted: KeySet,
}

impl Keeper {
    /// Looks for the first time, and makes the first key where there is none.
    pub async fn start(
        db: Pool,
        ring: Arc<KeyRing>,
        schedule: Schedule,
        clock: Clock,
    ) -> Result<Self, SigningKeysError> {
        rotation::advance(&db, &ring, &schedule, clock.now()).await?;
        let rows = store::signing_keys::published(&db).await?;
        let keys = SigningKeys::read(&rows, &ring, None)?;
        let accepted = KeySet::default();
        accepted.replace(&keys.published.keys);
        Ok(Self {
            db,
            ring,
            schedule,
            clock,
            keys: KeysInForce::new(keys),
            accepted,
        })
    }

    /// What to sign with and to publish.
    #[must_use]
    pub fn keys(&self) -> KeysInForce {
        self.keys.clone()
    }

    /// What to check this service's own callers with.
    #[must_use]
    pub fn accepted(&self) -> KeySet {
        self.accepted.clone()
    }

    /// Looks for ever.
    pub async fn forever(self) {
        let pause = self.schedule.beat();
        chores::forever("signing keys changed their state", pause, || self.look()).await;
    }

    async fn look(&self) -> Result<u64, SigningKeysError> {
        let now = self.clock.now();
        let changed = rotation::advance(&self.db, &self.ring, &self.schedule, now).await?;
        let rows = store::signing_keys::published(&self.db).await?;
        let keys = SigningKeys::read(&rows, &self.ring, Some(&self.keys.load()))?;
        // First: what is signed here is good here.
        self.accepted.replace(&keys.published.keys);
        self.keys.replace(keys);
        Ok(changed)
    }
}
