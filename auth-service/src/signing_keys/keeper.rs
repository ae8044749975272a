//! Keeps the keys that a service uses as the database has them.

use std::sync::Arc;
use std::time::Duration;

use chassis::access::token::KeySet;
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::start::chores;
use chassis::start::keyring::KeyRing;
use tokio::sync::Mutex;

use super::{Asked, KeysInForce, Next, Schedule, SigningKeys, SigningKeysError, rotation};
use crate::error::Result;
use crate::store;

/// Between two looks at the keys: what another replica changed is known here after it.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// Reads the keys now and then, and does what is due. Clones share what they read.
#[derive(Clone)]
pub struct Keeper(Arc<Shared>);

struct Shared {
    db: Pool,
    ring: Arc<KeyRing>,
    schedule: Schedule,
    clock: Clock,
    keys: KeysInForce,
    accepted: KeySet,
    /// Held while keys are read and put in force, so that a slow reader does not bring
    /// back keys that a later one saw revoked.
    reading: Mutex<()>,
}

impl Keeper {
    /// Reads the keys for the first time, and makes the first key where there is none.
    pub async fn start(
        db: Pool,
        ring: Arc<KeyRing>,
        schedule: Schedule,
        clock: Clock,
    ) -> Result<Self, SigningKeysError> {
        rotation::advance(&db, &ring, &schedule, &clock).await?;
        let rows = store::signing_keys::published(&db).await?;
        let keys = SigningKeys::read(&rows, &ring, None)?;
        let accepted = KeySet::default();
        accepted.replace(&keys.published.keys);
        Ok(Self(Arc::new(Shared {
            db,
            ring,
            schedule,
            clock,
            keys: KeysInForce::new(keys),
            accepted,
            reading: Mutex::new(()),
        })))
    }

    /// What to sign with and to publish.
    #[must_use]
    pub fn keys(&self) -> KeysInForce {
        self.0.keys.clone()
    }

    /// What to check this service's own callers with.
    #[must_use]
    pub fn accepted(&self) -> KeySet {
        self.0.accepted.clone()
    }

    /// Looks for ever.
    pub async fn forever(self) {
        chores::forever("signing keys changed their state", BEAT, || self.look()).await;
    }

    /// As [`rotation::request_rotation`]; the key is published here when this returns.
    pub async fn request_rotation(&self, asked: Asked<'_>) -> Result<Next> {
        let Shared {
            ring,
            schedule,
            clock,
            ..
        } = &*self.0;
        let next = rotation::request_rotation(asked, ring, schedule.algorithm, clock).await?;
        self.read().await?;
        Ok(next)
    }

    /// As [`rotation::revoke`]; this service neither signs with the key nor accepts it
    /// when this returns. So it does for a key that was revoked before.
    pub async fn revoke(&self, asked: Asked<'_>, kid: &str) -> Result<()> {
        let Shared {
            ring,
            schedule,
            clock,
            ..
        } = &*self.0;
        rotation::revoke(asked, ring, schedule.algorithm, kid, clock).await?;
        self.read().await?;
        Ok(())
    }

    async fn look(&self) -> Result<u64, SigningKeysError> {
        let Shared {
            db, ring, schedule, ..
        } = &*self.0;
        let changed = rotation::advance(db, ring, schedule, &self.0.clock).await?;
        self.read().await?;
        Ok(changed)
    }

    /// Puts the keys in force that the database has at this moment.
    pub(crate) async fn read(&self) -> Result<(), SigningKeysError> {
        let Shared {
            db,
            ring,
            keys,
            accepted,
            ..
        } = &*self.0;
        let _alone = self.0.reading.lock().await;
        let rows = store::signing_keys::published(db).await?;
        let read = SigningKeys::read(&rows, ring, Some(&keys.load()))?;
        // First: what is signed here is good here.
        accepted.replace(&read.published.keys);
        keys.replace(read);
        Ok(())
    }
}
