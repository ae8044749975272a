//! Deleted users, and positions in their list.

use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Longer than a call or a transaction can last and clocks can differ.
pub(crate) const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// A deleted user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedUser {
    /// The user's id.
    pub user_id: UserId,
    /// When it was deleted.
    pub delete_time: DateTime<Utc>,
}

/// A position between two deleted users, by time. The default is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeletedUsersCursor {
    /// The deletion time of the user before the position.
    pub time: DateTime<Utc>,
    /// The id of the user before the position.
    pub user_id: Uuid,
}

impl DeletedUsersCursor {
    /// Parses a cursor of [`Self::text`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, user_id) = text.strip_prefix("d1_")?.split_once('_')?;
        Some(Self {
            time: DateTime::from_timestamp_micros(micros.parse().ok()?)?,
            user_id: Uuid::try_parse(user_id).ok()?,
        })
    }

    /// The cursor as text.
    #[must_use]
    pub fn text(self) -> String {
        let (micros, user_id) = (self.time.timestamp_micros(), self.user_id.simple());
        format!("d1_{micros}_{user_id}")
    }

    /// The cursor, or the latest one that can be valid: a later one was issued by a wrong
    /// clock, and would skip users.
    #[must_use]
    pub fn clamped(self, token_life: TimeDelta, now: DateTime<Utc>) -> Self {
        let latest = Self::settled(token_life, now);
        if self > latest {
            tracing::error!("a cursor of deleted users is in the future; going back");
        }
        self.min(latest)
    }

    /// The latest cursor before which no deletion can appear any more.
    pub(crate) fn settled(token_life: TimeDelta, now: DateTime<Utc>) -> Self {
        Self {
            time: now - token_life - OVERLAP,
            user_id: Uuid::nil(),
        }
    }

    /// The cursor directly after this user.
    #[must_use]
    pub fn of(deleted: &DeletedUser) -> Self {
        Self {
            time: deleted.delete_time,
            user_id: deleted.user_id.0,
        }
    }
}
