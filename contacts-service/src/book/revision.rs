//! Revisions of contacts, and restoring them.

use bytes::Bytes;
use chrono::TimeDelta;
use proto::contacts::v1::ContactChange;

use crate::book::Book;
use crate::book::change::{check_etag, size};
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::store::{changes, contacts, revisions};

/// The number of revisions kept per contact; the last one is its current state.
pub const REVISIONS_MAX: i64 = 50;

/// How long a revision is kept after it was replaced.
pub const REVISIONS_KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// The state of a contact after one of its writes.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The contact; its version is that of the write, and identifies the revision.
    pub contact: Stored,
    /// The kind of write.
    pub change: ContactChange,
}

impl Book<'_> {
    /// Restores a contact, deleted or not, to one of its revisions, byte for byte: it is
    /// not validated again.
    pub async fn restore(&self, id: ContactId, version: i64, expected: &str) -> Result<Bytes> {
        let (mut tx, taken, rights) = self.begin().await?;
        let current = contacts::get(&mut *tx, self.owner, id).await?;
        let current = rights.open(current)?.ok_or(Error::NotFound(id))?;
        let body = if version == current.version {
            Some(current.body.clone())
        } else {
            revisions::body(&mut *tx, self.owner, id, version).await?
        };
        let found = body.as_deref().unwrap_or_default();
        if self
            .is_restored(&mut *tx, &current, expected, found)
            .await?
        {
            return Ok(current.encoded());
        }
        check_etag(&current, expected)?;
        let body = body.ok_or(Error::RevisionNotFound { id, version })?;
        if !rights.seen.holds(&body)? {
            return Err(Error::RevisionNotFound { id, version });
        }
        let is_live = current.delete_time.is_none();
        if is_live && body == current.body {
            return Ok(current.encoded());
        }
        let keys = Keys::of(&Body::decode(&body)?);
        rights.ensure_kept(&rights.before(Some(&current))?, &keys)?;
        let stamp = self.stamp(taken, ContactChange::Restored);
        let (live_added, bytes_added) = (i64::from(!is_live), size(&body) - size(&current.body));
        self.check_quota(taken, live_added, bytes_added)?;
        let contact = Stored {
            body,
            delete_time: None,
            merged_into: None,
            ..stamp.on(current)
        };
        let row = (contact, keys);
        changes::replace(&mut tx, self.owner, stamp, &row, live_added, bytes_added).await?;
        tx.commit().await?;
        Ok(row.0.encoded())
    }
}
