//! The feed of what is revoked, for services that check access tokens without a
//! call.
//!
//! Rows come in order of time, but a transaction that began earlier may commit
//! later: each reading goes back by more than a transaction can last, and drops
//! what was sent already. Nothing is missed, whichever replica wrote it.

use std::collections::HashSet;
use std::time::Duration;

use async_stream::try_stream;
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::Stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};
use crate::model::revocation::{Revocation, Subject};
use crate::signing_keys::Keeper;
use crate::store;

/// Between two readings: a second is promised from the act to the last service.
const PAUSE: Duration = Duration::from_millis(300);
/// The longest silence.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// More than the clocks of replicas differ that go by one database.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);
/// More than a transaction can last, and clocks can differ.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// What a watcher receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// `None` in a sign of life: everything that was revoked before has been sent.
    pub revocation: Option<Revocation>,
    /// To go on from here.
    pub cursor: Cursor,
}

/// The time of the latest revocation that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(DateTime<Utc>);

impl Cursor {
    /// Reads a cursor as [`Self::text`] wrote it; the empty text means the oldest one.
    /// Revocations that no valid token can be about are left out.
    pub fn parse(text: &str, now: DateTime<Utc>, token_life: TimeDelta) -> Result<Self> {
        let oldest = now - token_life;
        if text.is_empty() {
            return Ok(Self(oldest));
        }
        let micros = text.strip_prefix("r1_").and_then(|text| text.parse().ok());
        let time = micros.and_then(DateTime::from_timestamp_micros);
        let problem = "was not issued by this service";
        time.map(|time| Self(time.clamp(oldest, now)))
            .ok_or_else(|| Error::invalid("CURSOR_INVALID", "since_cursor", problem))
    }

    /// The cursor as text.
    #[must_use]
    pub fn text(self) -> String {
        format!("r1_{}", self.0.timestamp_micros())
    }
}

/// Sends what was revoked after a cursor, until `stop` is true. Before the revocation of a
/// key is sent, `keeper` has taken that key out, so that a reader who asks for the keys at
/// once gets the next one.
pub fn watch(
    db: Pool,
    keeper: Keeper,
    clock: Clock,
    cursor: Cursor,
    mut stop: watch::Receiver<bool>,
) -> impl Stream<Item = Result<FeedItem>> {
    try_stream! {
        let mut feed = Feed::from(cursor);
        let mut told_at: Option<Instant> = None;
        loop {
            let found = feed.read(&db, clock.now()).await?;
            if found.iter().any(|found| matches!(found.subject, Subject::Key(_))) {
                keeper.read().await?;
            }
            let is_late = told_at.is_none_or(|at| at.elapsed() + PAUSE > SIGN_OF_LIFE);
            if is_late || !found.is_empty() {
                told_at = Some(Instant::now());
                for revocation in found {
                    // Not the feed's: the next ones may never arrive.
                    let cursor = Cursor(revocation.revoke_time.min(feed.cursor.0));
                    yield FeedItem {
                        revocation: Some(revocation),
                        cursor,
                    };
                }
                yield FeedItem {
                    revocation: None,
                    cursor: feed.cursor,
                };
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
    }
}

/// What was sent lately.
struct Feed {
    cursor: Cursor,
    told: HashSet<(DateTime<Utc>, Subject)>,
}

impl Feed {
    fn from(cursor: Cursor) -> Self {
        Self {
            cursor,
            told: HashSet::new(),
        }
    }

    /// Returns what was not sent before.
    async fn read(&mut self, db: &Pool, now: DateTime<Utc>) -> Result<Vec<Revocation>> {
        let since = self.cursor.0 - OVERLAP;
        let found = store::revocations::later_than(db, since).await?;
        let new = found.into_iter().filter(|found| {
            let key = (found.revoke_time, found.subject.clone());
            self.told.insert(key)
        });
        let new: Vec<_> = new.collect();
        for revocation in &new {
            alarm(revocation, now);
        }
        // The window moves on with the time alone: a revocation that is stamped in the
        // future must not take it along, past those that others write meanwhile.
        self.cursor = Cursor(now);
        let since = self.cursor.0 - OVERLAP;
        self.told.retain(|(time, _)| *time > since);
        Ok(new)
    }
}

/// Says that a clock is wrong, or was.
fn alarm(revocation: &Revocation, now: DateTime<Utc>) {
    let ahead = revocation.revoke_time - now;
    if ahead > CLOCKS_DIFFER {
        let ahead_seconds = ahead.num_seconds();
        tracing::error!(ahead_seconds, "a revocation has a time in the future");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Cursor> {
        Cursor::parse(text, now(), TimeDelta::minutes(10))
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap()
    }

    #[test]
    fn a_cursor_is_read_as_it_was_told() {
        let cursor = Cursor(now() - TimeDelta::minutes(3));

        assert_eq!(parse(&cursor.text()).unwrap(), cursor);
        for text in ["r1_", "r1_x", "1800000000", "r1_99999999999999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cursor_goes_back_no_further_than_tokens_live() {
        let oldest = now() - TimeDelta::minutes(10);
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);

        for text in [String::new(), Cursor(first).text(), "r1_0".to_owned()] {
            assert_eq!(parse(&text).unwrap(), Cursor(oldest), "{text}");
        }
        assert_eq!(parse(&Cursor(last).text()).unwrap(), Cursor(now()));
    }
}
