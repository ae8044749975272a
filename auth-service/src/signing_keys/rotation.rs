//! Changes the states of signing keys for all instances, in one exclusive transaction
//! each time.

use chassis::clock::Clock;
use chassis::database::pool::{Pool, Transaction};
use chassis::settings::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};

use super::life::{Schedule, Step, due, staged, successor};
use crate::error::Result;
use crate::model::audit::Kind;
use crate::model::signing_key::{Algorithm, KeyState};
use crate::signing_keys::signer;
use crate::store::audit::Event;
use crate::store::signing_keys::KeyRow;
use crate::store::{self, signing_keys as stored};

/// Makes the changes that are due; returns how many keys changed their state. Of
/// concurrent instances one makes them and the others find them done.
pub async fn advance(db: &Pool, ring: &KeyRing, schedule: &Schedule, clock: &Clock) -> Result<u64> {
    // Nearly always there is nothing to do, which needs no lock.
    if due(&stored::published(db).await?, schedule, clock.now()).is_empty() {
        return Ok(0);
    }
    let change = KeyChange {
        tx: db.begin().await?,
        by: None,
        ip: "",
    };
    let mut turn = Turn::on(change, ring, schedule.algorithm, clock).await?;
    for step in due(&turn.keys().await?, schedule, turn.now) {
        turn.take(step).await?;
    }
    turn.commit().await
}

/// The transaction and the requester of a change.
pub struct KeyChange<'a> {
    /// Started by the requester; committed here.
    pub tx: Transaction,
    /// The requester; `None` for the service itself.
    pub by: Option<UserId>,
    /// The client's address.
    pub ip: &'a str,
}

/// The next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextKey {
    /// Its id.
    pub kid: String,
    /// Whether it was staged before.
    pub already_staged: bool,
}

/// Stages a new key, which signs when it has been published for long enough. If one is
/// staged already, that one is next.
pub async fn request_rotation(
    change: KeyChange<'_>,
    ring: &KeyRing,
    algorithm: Algorithm,
    clock: &Clock,
) -> Result<NextKey> {
    let mut turn = Turn::on(change, ring, algorithm, clock).await?;
    if let Some(key) = staged(&turn.keys().await?) {
        return Ok(NextKey {
            kid: key.kid.clone(),
            already_staged: true,
        });
    }
    let kid = turn.make(KeyState::Staged).await?;
    turn.commit().await?;
    Ok(NextKey {
        kid,
        already_staged: false,
    })
}

/// Revokes a key at once, because it may have leaked: its tokens are refused from the
/// next read on. If it was the active one, the staged key takes its place, or else a new
/// one, although not every reader knows it yet. Returns whether there was such a key.
pub async fn revoke(
    change: KeyChange<'_>,
    ring: &KeyRing,
    algorithm: Algorithm,
    kid: &str,
    clock: &Clock,
) -> Result<bool> {
    let mut turn = Turn::on(change, ring, algorithm, clock).await?;
    turn.take(Step::Revoke(kid.to_owned())).await?;
    if turn.changes.is_empty() {
        return Ok(false);
    }
    let keys = turn.keys().await?;
    if !keys.iter().any(|key| key.is(KeyState::Active)) {
        turn.take(successor(&keys)).await?;
    }
    turn.commit().await?;
    Ok(true)
}

/// A transaction with exclusive access to the keys.
struct Turn<'a> {
    change: KeyChange<'a>,
    ring: &'a KeyRing,
    algorithm: Algorithm,
    now: DateTime<Utc>,
    changes: Vec<(KeyState, String)>,
}

impl<'a> Turn<'a> {
    async fn on(
        mut change: KeyChange<'a>,
        ring: &'a KeyRing,
        algorithm: Algorithm,
        clock: &Clock,
    ) -> Result<Self> {
        stored::lock(&mut *change.tx).await?;
        Ok(Self {
            change,
            ring,
            algorithm,
            // The time of the change, not of the call, which may have waited.
            now: clock.now(),
            changes: Vec::new(),
        })
    }

    /// The keys after any earlier change.
    async fn keys(&mut self) -> Result<Vec<KeyRow>> {
        stored::published(&mut *self.change.tx).await
    }

    async fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Stage => self.make(KeyState::Staged).await.map(drop),
            Step::MakeActive => self.make(KeyState::Active).await.map(drop),
            Step::Activate(kid) => {
                stored::retire_active(&mut *self.change.tx, self.now).await?;
                let changed = stored::activate(&mut *self.change.tx, &kid, self.now).await?;
                self.record(changed, KeyState::Active, kid).await
            }
            Step::Revoke(kid) => {
                let changed = stored::revoke(&mut *self.change.tx, &kid, self.now).await?;
                self.record(changed, KeyState::Revoked, kid).await
            }
        }
    }

    /// Creates a key; returns its id.
    async fn make(&mut self, state: KeyState) -> Result<String> {
        let key = signer::generate(self.algorithm, self.ring)?;
        let made = stored::insert(&mut *self.change.tx, &key, state, self.now).await?;
        self.record(made, state, key.kid.clone()).await?;
        Ok(key.kid)
    }

    async fn record(&mut self, changed: bool, state: KeyState, kid: String) -> Result<()> {
        let what = match state {
            KeyState::Staged => Kind::SigningKeyStaged,
            KeyState::Active => Kind::SigningKeyActivated,
            KeyState::Revoked => Kind::SigningKeyRevoked,
            // Not recorded, because the activation of its successor is.
            KeyState::Retiring => return Ok(()),
        };
        if changed {
            let event = Event::of_key(what, &kid, self.change.ip);
            let event = self.change.by.map_or(event, |by| event.by(by));
            store::audit::insert(&mut *self.change.tx, event, self.now).await?;
            self.changes.push((state, kid));
        }
        Ok(())
    }

    async fn commit(self) -> Result<u64> {
        self.change.tx.commit().await?;
        for (state, kid) in &self.changes {
            tracing::info!(kid, state = state.name(), "a signing key changed its state");
        }
        Ok(self.changes.len() as u64)
    }
}
