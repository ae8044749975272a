//! Forgets what is over: sessions, log-ins without their second factor, attempts that
//! failed, revocations, mail, and what was written of users who are gone.

use std::time::Duration;

use chassis::chores;
use chassis::clock::Clock;
use chassis::pool::Pool;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use crate::deletion;
use crate::error::{Error, Result};
use crate::store;
use crate::throttle::MEMORY;

/// For how long an ended session is known, so that its tokens get an answer
/// that says why.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Sessions that one statement forgets: few enough to disturb nobody.
const BATCH: i64 = 500;
const PAUSE: Duration = Duration::from_hours(1);

/// Forgets for ever, now and then, while the clocks of this machine and of the database
/// differ by no more than `leeway`. `token_life` is for how long a revocation can matter.
pub async fn forever(db: Pool, clock: Clock, leeway: Duration, token_life: TimeDelta) {
    let forget = async || {
        if !clock.is_agreed(leeway) {
            return Ok(0);
        }
        let now = clock.now();
        Ok::<_, Error>(batch(&db, token_life, now).await? + deletion::sweep(&db, now).await?)
    };
    chores::forever(
        "forgot old sessions, challenges, attempts, revocations and mail",
        PAUSE,
        forget,
    )
    .await;
}

/// Forgets one batch of each; returns how many that were.
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
    // An hour more: a sender tells of what it gives up.
    let mails = store::outbox::purge(db, now - TimeDelta::hours(1), BATCH).await?;
    Ok(sessions + challenges + attempts + revocations + tokens + mails)
}
