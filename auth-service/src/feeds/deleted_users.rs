//! Whose account is gone, for services that keep data of users.
//!
//! Nothing may be missed, however long a service was away: it keeps a cursor of its
//! own. A cursor stays behind the time by more than an access token lives, so that
//! a user is told again until no late call can write, and a transaction that
//! commits late is still in front of it.

use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;
use crate::store;

/// More than a call or a transaction can last, and clocks can differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// A user whose account is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Who it was.
    pub user_id: UserId,
    /// When it was deleted.
    pub delete_time: DateTime<Utc>,
}

/// Between two deleted users, by time. The default is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Of the one before.
    pub time: DateTime<Utc>,
    /// Of the one before.
    pub user_id: Uuid,
}

impl Position {
    /// Reads a position as it was told.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, user_id) = text.strip_prefix("d1_")?.split_once('_')?;
        Some(Self {
            time: DateTime::from_timestamp_micros(micros.parse().ok()?)?,
            user_id: Uuid::try_parse(user_id).ok()?,
        })
    }

    /// The position as text.
    #[must_use]
    pub fn text(self) -> String {
        let (micros, user_id) = (self.time.timestamp_micros(), self.user_id.simple());
        format!("d1_{micros}_{user_id}")
    }

    /// The position, or the latest one that can have been told as a cursor: one beyond it
    /// was made when a clock was wrong, and would pass over users.
    #[must_use]
    pub fn clamped(self, token_life: TimeDelta, now: DateTime<Utc>) -> Self {
        let latest = Self::settled(token_life, now);
        if self > latest {
            tracing::error!("a cursor of deleted users is in the future; going back");
        }
        self.min(latest)
    }

    /// Nothing happens any more before it.
    fn settled(token_life: TimeDelta, now: DateTime<Utc>) -> Self {
        Self {
            time: now - token_life - OVERLAP,
            user_id: Uuid::nil(),
        }
    }

    fn of(deleted: &Deleted) -> Self {
        Self {
            time: deleted.delete_time,
            user_id: deleted.user_id.0,
        }
    }
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The earliest first.
    pub deleted: Vec<Deleted>,
    /// Where it goes on.
    pub next: Option<Position>,
    /// Where another pass may begin.
    pub keep: Position,
}

/// Lists up to `size` users behind `since`.
pub async fn list(
    db: impl PgExecutor<'_>,
    since: Position,
    size: usize,
    token_life: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Page> {
    // One more than asked for tells whether there is another page.
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let deleted = store::deletion::behind(db, since, limit).await?;
    Ok(page(
        deleted,
        since,
        size,
        Position::settled(token_life, now),
    ))
}

fn page(mut deleted: Vec<Deleted>, since: Position, size: usize, settled: Position) -> Page {
    let more = deleted.len() > size;
    deleted.truncate(size);
    let last = deleted.last().map(Position::of);
    let is_settled = |deleted: &&Deleted| deleted.delete_time <= settled.time;
    let last_settled = deleted.iter().rfind(is_settled).map(Position::of);
    Page {
        next: last.filter(|_| more),
        // Within a pass `since` can be further on than what may be kept.
        keep: last_settled.unwrap_or(since.min(settled)),
        deleted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn deleted(seconds: &[i64]) -> Vec<Deleted> {
        let user = |second: &i64| Deleted {
            user_id: UserId(Uuid::from_u128(9)),
            delete_time: at(*second),
        };
        seconds.iter().map(user).collect()
    }

    fn position(second: i64) -> Position {
        Position {
            time: at(second),
            user_id: Uuid::from_u128(9),
        }
    }

    fn settled() -> Position {
        Position {
            time: at(20),
            user_id: Uuid::nil(),
        }
    }

    #[test]
    fn a_cursor_in_the_future_goes_back_to_what_is_settled() {
        let (life, now) = (TimeDelta::minutes(10), at(1_800_000_000));
        let latest = now - life - OVERLAP;

        assert_eq!(position(1).clamped(life, now), position(1));
        for future in [now - life, now + TimeDelta::days(1)] {
            let future = position(future.timestamp());
            assert_eq!(future.clamped(life, now).time, latest);
        }
    }

    #[test]
    fn a_position_is_read_as_it_was_told() {
        let told = position(1_800_000_000);

        assert_eq!(Position::parse(&told.text()), Some(told));
        for text in [
            "",
            "d1_",
            "d1_1",
            "d1_1_x",
            "d1_99999999999999999999_",
            "r1_1",
        ] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_kept_stays_behind_what_can_still_happen() {
        let first = page(deleted(&[10, 20, 30]), Position::default(), 5, settled());
        assert_eq!((first.next, first.keep), (None, position(20)));

        let young = page(deleted(&[30, 40]), position(10), 5, settled());
        assert_eq!(young.keep, position(10));
        let none = page(Vec::new(), position(10), 5, settled());
        assert_eq!(none.keep, position(10));
    }

    #[test]
    fn a_later_page_keeps_no_more_than_the_pages_before_have_told() {
        let later = page(deleted(&[40, 50]), position(30), 1, settled());

        assert_eq!(later.next, Some(position(40)));
        assert!(later.keep >= position(19) && later.keep <= position(20));
    }
}
