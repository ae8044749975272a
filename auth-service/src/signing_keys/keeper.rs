//! Keeps the keys of a service in step with the database.

use std::sync::Arc;
use std::time::Duration;

use chassis::access::token::KeySet;
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::settings::keyring::KeyRing;
use chassis::start::chores;
use tokio::sync::Mutex;

use super::{KeyChange, KeysInForce, NextKey, Schedule, SigningKeys, SigningKeysError, rotation};
use crate::error::Result;
use crate::store;

/// The time between two reads of the keys, after which changes of other replicas are
/// known.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// Reads the keys periodically, and makes the changes that are due. Clones share the
/// result.
#[derive(Clone)]
pub struct Keeper(Arc<Shared>);

struct Shared {
    db: Pool,
    ring: Arc<KeyRing>,
    schedule: Schedule,
    clock: Clock,
    keys: KeysInForce,
    accepted: KeySet,
    /// Held while keys are read and applied, so that a slow read does not restore keys
    /// that a later one saw revoked.
    reading: Mutex<()>,
}

impl Keeper {
    /// Reads the keys for the first time, and creates the first key if there is none.
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

    /// The keys to sign with and to publish.
    #[must_use]
    pub fn keys(&self) -> KeysInForce {
        self.0.keys.clone()
    }

    /// The keys that verify this service's own callers.
    #[must_use]
    pub fn accepted(&self) -> KeySet {
        self.0.accepted.clone()
    }

    /// Reads in an endless loop.
    pub async fn forever(self) {
        chores::forever("signing keys changed their state", BEAT, || self.look()).await;
    }

    /// Like [`rotation::request_rotation`]; the key is published here when this returns.
    pub async fn request_rotation(&self, change: KeyChange<'_>) -> Result<NextKey> {
        let Shared {
            ring,
            schedule,
            clock,
            ..
        } = &*self.0;
        let next = rotation::request_rotation(change, ring, schedule.algorithm, clock).await?;
        self.read().await?;
        Ok(next)
    }

    /// Like [`rotation::revoke`]; this service neither signs with the key nor accepts it
    /// when this returns, even if it was revoked before.
    pub async fn revoke(&self, change: KeyChange<'_>, kid: &str) -> Result<()> {
        let Shared {
            ring,
            schedule,
            clock,
            ..
        } = &*self.0;
        rotation::revoke(change, ring, schedule.algorithm, kid, clock).await?;
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

    /// Applies the database's current keys.
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
        // Replaced first, so that tokens signed here are accepted here.
        accepted.replace(&read.published.keys);
        keys.replace(read);
        Ok(())
    }
}
