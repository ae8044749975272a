//! The feed of revocations, for services that verify access tokens without a call.
//!
//! Rows are read in order of time, but a transaction that started earlier may commit
//! later: each reading therefore goes back by more than a transaction can last, and skips
//! what was already sent. No revocation of any replica is missed.

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

/// The pause between two readings; a revocation must reach every service within a second.
const PAUSE: Duration = Duration::from_millis(300);
/// The longest time without a message.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// More than the difference between the clocks of replicas with one database.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);
/// Longer than a transaction can last and clocks can differ.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// A message to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// `None` in a heartbeat, which means that all earlier revocations were sent.
    pub revocation: Option<Revocation>,
    /// Resumes the stream from here.
    pub cursor: Cursor,
}

/// The time up to which revocations were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(DateTime<Utc>);

impl Cursor {
    /// Parses a cursor of [`Self::text`]; the empty text means the oldest one.
    /// Revocations that cannot concern valid tokens are skipped.
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

/// Sends the revocations after a cursor, until `stop` is true. Before the revocation of a
/// key is sent, `keeper` has removed that key, so that a subscriber that reads the keys
/// at once gets the next one.
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
                    // Found revocations are not sorted by the feed's cursor. A client
                    // that is disconnected after this one must receive the others again.
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

/// The revocations sent recently.
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

    /// Returns the revocations not sent before.
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
        // The window advances with the time only: a revocation with a time in the future
        // must not advance it past those that others write meanwhile.
        self.cursor = Cursor(now);
        let since = self.cursor.0 - OVERLAP;
        self.told.retain(|(time, _)| *time > since);
        Ok(new)
    }
}

/// Logs that a clock is or was wrong.
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
    fn a_cursor_is_parsed_to_the_time_that_it_was_made_from() {
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
