//! What a write leaves on the contacts that it changes.

use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;

use crate::contact::stored::Stored;

/// What a write puts on every contact that it changes.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The owner's version that was taken for it.
    pub version: i64,
    /// When it happens.
    pub time: DateTime<Utc>,
    /// What it does.
    pub change: ContactChange,
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
