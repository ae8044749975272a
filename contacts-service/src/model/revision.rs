//! The states of a contact after each of its writes.

use chassis::user_id::UserId;
use chrono::TimeDelta;
use proto::contacts::v1::ContactChange;

use crate::contact::stored::Stored;

/// The maximum number of revisions of a contact; the last one is its current state.
pub const REVISIONS_MAX: i64 = 50;

/// How long a revision is kept after another one has replaced it.
pub const REVISIONS_KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// The state of a contact after one of its writes.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The contact; its version is that of the write, and names the revision.
    pub contact: Stored,
    /// What the write did.
    pub change: ContactChange,
    /// Who wrote it, if that is known.
    pub writer: Option<UserId>,
    /// How long it was the contact's state.
    pub state: State,
}

/// Whether a state of a contact is its current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    Current,
    /// The write with this version replaced it.
    Until(i64),
}

impl State {
    /// Whether it was the contact's state after this version, for however long.
    #[must_use]
    pub fn lasted_after(self, version: i64) -> bool {
        match self {
            Self::Current => true,
            Self::Until(end) => end > version,
        }
    }
}
