//! Deletes, once an hour, what has expired: sessions, challenges of log-ins, failed attempts,
//! revocations, mail, what is left of deleted users, and accounts that nobody verified.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::start::chores;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use crate::accounts::deletion;
use crate::accounts::expiry::Expiry;
use crate::error::Result;
use crate::store;
use crate::throttle::MEMORY;

/// For how long an ended session is known, so that its tokens get an answer
/// that says why.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Rows that one statement deletes: few enough to disturb nobody.
const BATCH: i64 = 500;
const PAUSE: Duration = Duration::from_hours(1);

/// Purge what is over.
pub struct Purge {
    /// Where that is.
    pub db: Pool,
    /// The time.
    pub clock: Clock,
    /// How far the clocks of this machine and of the database may differ; nothing is
    /// forgotten while they differ more.
    pub leeway: Duration,
    /// For how long a revocation can matter.
    pub token_life: TimeDelta,
    /// Which accounts end that nobody confirms, if any.
    pub expiry: Option<Expiry>,
}

impl Purge {
    /// Purge for ever, now and then.
    pub async fn forever(self) {
        chores::forever(
            "deleted expired sessions, challenges, attempts, revocations, mail and accounts",
            PAUSE,
            async || self.all().await,
        )
        .await;
    }

    async fn all(&self) -> Result<u64> {
        if !self.clock.is_agreed(self.leeway) {
            return Ok(0);
        }
        let now = self.clock.now();
        let forgotten = batch(&self.db, self.token_life, now).await?;
        let swept = deletion::sweep(&self.db, now).await?;
        let ended = match &self.expiry {
            Some(expiry) => expiry.batch(&self.db, &self.clock).await?,
            None => 0,
        };
        Ok(forgotten + swept + ended)
    }
}

/// Purge one batch of each; returns how many that were.
pub async fn batch(
    db: impl PgExecutor<'_> + Copy,
    token_life: TimeDelta,
    now: DateTime<Utc>,
) -> Result<u64> {
    let sessions = store::session_ends::purge(db, now - KEPT, BATCH).await?;
    let challenges = store::mfa::purge_challenges(db, now, BATCH).await?;
    let attempts = store::throttles::purge(db, now - MEMORY, BATCH).await?;
    // A day more: a watcher that was away goes on at its cursor.
    let over = now - token_life - TimeDelta::days(1);
    let revocations = store::revocations::purge(db, over, BATCH).await?;
    let tokens = store::email_tokens::purge(db, now, BATCH).await?;
    let wanted = store::wanted_emails::purge(db, now, BATCH).await?;
    // An hour more: a sender logs what it gives up.
    let mails = store::outbox::purge(db, now - TimeDelta::hours(1), BATCH).await?;
    Ok(sessions + challenges + attempts + revocations + tokens + wanted + mails)
}
