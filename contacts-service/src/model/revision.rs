//! What a contact was after each of its writes.

use chrono::TimeDelta;
use proto::contacts::v1::ContactChange;

use crate::contact::stored::Stored;

/// How many revisions of a contact are kept; the last one is what it is now.
pub const REVISIONS_MAX: i64 = 50;

/// For how long a revision is kept when another one has come.
pub const REVISIONS_KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// What a contact was after one of its writes.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The contact; its version is that of the write, and names the revision.
    pub contact: Stored,
    /// What the write did.
    pub change: ContactChange,
}
