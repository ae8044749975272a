//! Positions in the feed, and sync tokens.

use chassis::page_token::{Scope, Sealer};
use chassis::user_id::UserId;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::{Error, Result};
use crate::store::feed::State;

/// The position of a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SyncCursor {
    /// The history of versions that it belongs to; zero before the first.
    #[serde(rename = "e")]
    pub epoch: Uuid,
    /// The version that was read last.
    #[serde(rename = "v")]
    pub version: i64,
    /// The last id read of that version; `None` if it was read completely: a batch has
    /// one version.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ContactId>,
    /// The version at which the reader started from the beginning: earlier deletions are
    /// not sent.
    #[serde(rename = "s")]
    pub start: i64,
    /// Which contacts the reader sees, as [`Visible::labels_hash`] says it.
    ///
    /// [`Visible::labels_hash`]: crate::model::share::visible::Visible::labels_hash
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Uuid>,
}

impl SyncCursor {
    /// The last id of its version that was read; ids after it are still to be read.
    pub(super) fn last_id(&self) -> Uuid {
        self.after.map_or(Uuid::max(), |id| id.0)
    }

    /// Refuses a cursor after which a reader could miss something.
    pub(super) fn check(&self, state: Option<&State>, mark: Option<Uuid>) -> Result<()> {
        // A reader that has read nothing yet cannot have missed anything.
        let is_before_all = self.version == 0 && self.epoch.is_nil();
        let is_good = match state {
            None => is_before_all,
            Some(state) => {
                (is_before_all || state.had(self.epoch, self.version))
                    && state.knows_purges_since(self.complete())
            }
        };
        if is_good && self.mark == mark {
            Ok(())
        } else {
            Err(Error::SyncTokenExpired)
        }
    }

    /// The version up to which the reader has received every purge.
    fn complete(&self) -> i64 {
        let is_cut = i64::from(self.after.is_some());
        (self.version - is_cut).max(self.start)
    }
}

/// The sync tokens of one owner.
#[derive(Clone)]
pub struct SyncTokens<'a> {
    sealer: &'a Sealer,
    owner: UserId,
}

impl<'a> SyncTokens<'a> {
    /// Sealed by `sealer`.
    #[must_use]
    pub fn new(sealer: &'a Sealer, owner: UserId) -> Self {
        Self { sealer, owner }
    }

    fn scope(&self) -> Scope<'static> {
        Scope {
            method: "SyncContacts",
            owner: self.owner.0,
            // The same for all requests, because a cursor is valid for each of them.
            request_hash: [0; 32],
        }
    }

    /// Parses the token in the field `field`; `None` for an empty one.
    pub fn open(
        &self,
        reason: &'static str,
        field: &'static str,
        token: &str,
    ) -> Result<Option<SyncCursor>> {
        if token.is_empty() {
            return Ok(None);
        }
        let cursor = self.sealer.open(self.scope(), token);
        let problem = "was not issued for these contacts";
        cursor
            .map(Some)
            .ok_or_else(|| Error::invalid(reason, field, problem))
    }

    /// The token of a cursor.
    #[must_use]
    pub fn seal(&self, cursor: &SyncCursor) -> String {
        self.sealer.seal(self.scope(), cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Uuid = Uuid::from_u128(7);

    fn cursor(version: i64, start: i64) -> SyncCursor {
        SyncCursor {
            epoch: EPOCH,
            version,
            after: None,
            start,
            mark: None,
        }
    }

    fn cut(cursor: SyncCursor) -> SyncCursor {
        SyncCursor {
            after: Some(ContactId(Uuid::from_u128(1))),
            ..cursor
        }
    }

    fn is_good(cursor: SyncCursor, version: i64, min_version: i64) -> bool {
        let state = State {
            version,
            min_version,
            epoch: EPOCH,
            keyed_version: 0,
        };
        cursor.check(Some(&state), None).is_ok()
    }

    #[test]
    fn a_cursor_is_valid_until_a_later_tombstone_is_deleted() {
        assert!(is_good(cursor(5, 0), 9, 5));
        assert!(!is_good(cursor(5, 0), 9, 6));
    }

    #[test]
    fn a_cursor_within_a_version_needs_the_tombstones_of_that_version() {
        assert!(is_good(cut(cursor(5, 0)), 9, 4));
        assert!(!is_good(cut(cursor(5, 0)), 9, 5));
    }

    #[test]
    fn a_reader_that_started_empty_needs_no_earlier_tombstones() {
        assert!(is_good(cut(cursor(2, 8)), 9, 8));
        assert!(!is_good(cut(cursor(2, 8)), 9, 9));
    }

    #[test]
    fn a_cursor_from_before_a_restored_backup_is_refused() {
        // A backup was restored: it has not come as far, or has another epoch.
        assert!(!is_good(cursor(10, 0), 9, 0));
        let other = SyncCursor {
            epoch: Uuid::from_u128(8),
            ..cursor(5, 0)
        };
        assert!(!is_good(other, 9, 0));
        assert!(cursor(5, 0).check(None, None).is_err());
    }

    #[test]
    fn the_first_cursor_is_valid_in_every_history() {
        assert!(SyncCursor::default().check(None, None).is_ok());
        assert!(is_good(SyncCursor::default(), 9, 0));
        assert!(!is_good(SyncCursor::default(), 9, 1));
    }
}
