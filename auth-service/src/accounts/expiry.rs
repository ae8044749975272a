//! Deletes accounts that are neither verified nor used, because they hold addresses that
//! may be somebody else's.

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::deletion;
use crate::error::Result;
use crate::model::audit::Kind;
use crate::store;
use crate::store::audit::Event;
use crate::throttle::Throttle;

/// Accounts in one batch.
const BATCH: i64 = 100;

/// Deletes accounts whose e-mail was never verified.
pub struct Expiry {
    /// How long an account can stay unverified.
    pub after: TimeDelta,
    /// Resets the failed log-ins of deleted accounts.
    pub throttle: Throttle,
}

impl Expiry {
    /// Checks a batch of accounts that are due, and deletes the unused ones; returns how
    /// many changed.
    pub async fn batch(&self, db: &Pool, clock: &Clock) -> Result<u64> {
        let now = clock.now();
        let begun = store::unconfirmed::begin(db, BATCH, now).await?;
        let waiting = store::unconfirmed::waiting(db, now - self.after, BATCH).await?;
        let mut changed = begun;
        for id in waiting {
            if store::unconfirmed::is_in_use(db, id, now).await? {
                store::unconfirmed::begin_anew(db, id, now).await?;
                changed += 1;
            } else {
                changed += u64::from(self.end(db, id, now, clock).await?);
            }
        }
        Ok(changed)
    }

    /// Deletes an account; false if it is used after all.
    async fn end(&self, db: &Pool, id: UserId, now: DateTime<Utc>, clock: &Clock) -> Result<bool> {
        let mut tx = db.begin().await?;
        let Some(user) = store::users::get(&mut *tx, id).await? else {
            return Ok(false);
        };
        let Some(taken) = deletion::take(&mut tx, &user, None).await? else {
            return Ok(false);
        };
        // An earlier verification or log-in is visible now, and no new one can happen.
        let locked = store::users::lock_for_change(&mut *tx, id).await?;
        if locked.is_none_or(|user| user.email_verified)
            || store::unconfirmed::is_in_use(&mut *tx, id, now).await?
        {
            return Ok(false);
        }
        let ended = deletion::end(&mut tx, taken, &self.throttle, clock).await?;
        let Some(now) = ended else { return Ok(false) };
        let event = Event::new(id, Kind::UserExpired, "");
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}
