//! Deletes expired data once an hour: sessions, challenges, failed attempts, revocations,
//! mail, remaining rows of deleted users, and unverified accounts.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::start::chores;
use chassis::start::lag::Lag;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use crate::accounts::deletion;
use crate::accounts::expiry::Expiry;
use crate::error::Result;
use crate::store;
use crate::throttle::MEMORY;

/// How long an ended session is kept, so that its tokens get a specific error.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Rows that one statement deletes: few enough not to disturb others.
const BATCH: i64 = 500;
const PAUSE: Duration = Duration::from_hours(1);

/// Purges expired data.
pub struct Purge {
    /// The database.
    pub db: Pool,
    /// The clock.
    pub clock: Clock,
    /// How far the clocks of this machine and of the database may differ; nothing is
    /// purged while they differ more.
    pub leeway: Duration,
    /// How long a revocation matters.
    pub token_life: TimeDelta,
    /// The deletion of unverified accounts, if configured.
    pub expiry: Option<Expiry>,
    /// Since when all has been purged.
    pub lag: Lag,
}

impl Purge {
    /// Purges periodically, in an endless loop.
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
        let count = forgotten + swept + ended;
        self.lag.after(count);
        Ok(count)
    }
}

/// Purges one batch of each; returns the number of rows.
pub async fn batch(
    db: impl PgExecutor<'_> + Copy,
    token_life: TimeDelta,
    now: DateTime<Utc>,
) -> Result<u64> {
    let sessions = store::session_ends::purge(db, now - KEPT, BATCH).await?;
    let challenges = store::mfa::purge_challenges(db, now, BATCH).await?;
    let attempts = store::throttles::purge(db, now - MEMORY, BATCH).await?;
    // Kept for another day, so that a disconnected subscriber can resume at its cursor.
    let over = now - token_life - TimeDelta::days(1);
    let revocations = store::revocations::purge(db, over, BATCH).await?;
    let tokens = store::email_tokens::purge(db, now, BATCH).await?;
    let wanted = store::wanted_emails::purge(db, now, BATCH).await?;
    // Kept for another hour, so that a sender can log that it gave up.
    let mails = store::outbox::purge(db, now - TimeDelta::hours(1), BATCH).await?;
    Ok(sessions + challenges + attempts + revocations + tokens + wanted + mails)
}
