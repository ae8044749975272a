//! The data that a write stores with the contacts that it changes.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;

use crate::contact::stored::Stored;

/// The version, time and kind of a write, stored with every contact that it changes.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The owner's version, which this write took.
    pub version: i64,
    /// The time of the write.
    pub time: DateTime<Utc>,
    /// The kind of change.
    pub change: ContactChange,
    /// The user who writes; `None` if the service does.
    pub writer: Option<UserId>,
    /// Whether there is room for another earlier revision of each contact.
    pub has_room: bool,
}

impl Stamp {
    /// The contact with this stamp.
    #[must_use]
    pub fn on(self, contact: Stored) -> Stored {
        Stored {
            version: self.version,
            update_time: self.time,
            ..contact
        }
    }
}
