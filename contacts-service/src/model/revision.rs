//! The states of a contact after each of its writes.

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
}
