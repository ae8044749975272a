//! The end of accounts that nobody confirms and nobody uses: they hold addresses that may
//! be somebody else's.

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

/// Accounts that are looked at in one go.
const BATCH: i64 = 100;

/// Ends accounts whose e-mail nobody has ever confirmed.
pub struct Expiry {
    /// How long an account waits for that.
    pub after: TimeDelta,
    /// Forgets the failed log-ins of those that end.
    pub throttle: Throttle,
}

impl Expiry {
    /// Looks at a batch of accounts that have waited for long enough, and ends those that
    /// nobody uses; returns of how many the state is another.
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

    /// Ends an account; false where somebody uses it after all.
    async fn end(&self, db: &Pool, id: UserId, now: DateTime<Utc>, clock: &Clock) -> Result<bool> {
        let mut tx = db.begin().await?;
        let Some(user) = store::users::get(&mut *tx, id).await? else {
            return Ok(false);
        };
        let Some(taken) = deletion::take(&mut tx, &user, None).await? else {
            return Ok(false);
        };
        // Whoever confirmed the e-mail or logged in before is seen now, and nobody can any
        // more.
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
