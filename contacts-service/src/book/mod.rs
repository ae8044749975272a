//! Writes to one owner's address book, each a transaction that locks the owner's row
//! first. They return contacts as encoded messages.

pub mod batch;
pub mod change;
pub mod creation;
pub mod labels;
pub mod merge;
pub mod revision;
pub mod shares;

mod label_members;
mod repeat;

use bytes::Bytes;
use chassis::database::pool::{Pool, Transaction};
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;
use sqlx::{PgConnection, PgExecutor};

use crate::book::change::{Change, Changed, Deletion};
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::store::changes::Stamp;
use crate::store::insertion::Under;
use crate::store::owners::Taken;
use crate::store::{self, changes, contacts, duplicates, owners};
use crate::watch::hub::Hub;

/// One owner's address book, for writing.
pub struct Book<'a> {
    pub(crate) db: Pool,
    pub(crate) owner: UserId,
    /// The writer: the owner, or a user with whom it is shared.
    pub(crate) writer: UserId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) quota: Quota,
    pub(crate) hub: &'a Hub,
}

/// Wakes watchers after a write, or a possible write.
impl Drop for Book<'_> {
    fn drop(&mut self) {
        self.hub.wrote(self.owner);
    }
}

impl Book<'_> {
    /// Opens a transaction that locks the owner's row: writes of one owner run one after
    /// the other, and wait without a connection.
    pub(crate) async fn open(&self) -> Result<Transaction> {
        Ok(self.db.begin_in_turn(self.owner.0).await?)
    }

    /// Starts a write: takes the owner's next version, then reads the writer's rights,
    /// which cannot change meanwhile.
    pub(crate) async fn begin(&self) -> Result<(Transaction, Taken, Rights)> {
        let mut tx = self.open().await?;
        let (taken, rights) = self.take(&mut tx).await?;
        Ok((tx, taken, rights))
    }

    /// The same in an open transaction.
    pub(crate) async fn take(&self, tx: &mut PgConnection) -> Result<(Taken, Rights)> {
        let taken = owners::take(tx, self.owner).await?;
        Ok((taken, self.rights(tx).await?))
    }

    /// The writer's current rights; refuses a writer without any.
    pub(crate) async fn rights(&self, db: impl PgExecutor<'_>) -> Result<Rights> {
        if !self.is_shared() {
            return Ok(Rights::all());
        }
        let rights = Rights::of(&store::shares::grants(db, self.owner, self.writer).await?)?;
        rights.ensure_some()?;
        Ok(rights)
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.writer != self.owner
    }

    /// Changes a contact that is not deleted. A repeated update returns the same
    /// response.
    pub async fn update(&self, change: Change) -> Result<Bytes> {
        let (mut tx, taken, rights) = self.begin().await?;
        let current = contacts::get(&mut *tx, self.owner, change.id).await?;
        let current = rights.open(current)?;
        let current = match current {
            Some(current) => {
                let repeated = self.repeated(&mut *tx, &[(&change, &current)]).await?;
                if !repeated.is_empty() {
                    return Ok(current.encoded());
                }
                Some(current)
            }
            None => None,
        };
        let before = rights.before(current.as_ref())?;
        let contact = match change.apply(current, self.now)? {
            Changed::Not(contact) => return Ok(contact.encoded()),
            Changed::Into {
                row: (contact, keys),
                bytes_added,
            } => {
                rights.ensure_kept(&before, &keys)?;
                self.check_quota(taken, 0, bytes_added)?;
                let stamp = self.stamp(taken, ContactChange::Updated);
                let row = (stamp.on(contact), keys);
                changes::replace(&mut tx, self.owner, stamp, &row, 0, bytes_added).await?;
                row.0.encoded()
            }
            Changed::New(row) => {
                rights.ensure_kept(&before, &row.1)?;
                let inserted = self.insert(&mut tx, &[row], Under::VersionTaken).await?;
                inserted.into_iter().next().unwrap_or_default()
            }
        };
        tx.commit().await?;
        Ok(contact)
    }

    /// Deletes a contact, which can be undeleted. Returns `None` if the contact is
    /// missing and `allow_missing` is set.
    pub async fn delete(&self, deletion: &Deletion) -> Result<Option<Bytes>> {
        let (mut tx, taken, rights) = self.begin().await?;
        let current = contacts::get(&mut *tx, self.owner, deletion.id).await?;
        let current = rights.open(current)?;
        if !deletion.deletes(current.as_ref())? {
            return Ok(current.map(Stored::encoded));
        }
        let stamp = self.stamp(taken, ContactChange::Deleted);
        let (ids, deleted) = ([deletion.id.0], Some(self.now));
        changes::set_delete_time(&mut tx, self.owner, stamp, &ids, deleted).await?;
        tx.commit().await?;
        let contact = current.map(|contact| self.deleted(contact, stamp));
        Ok(contact.map(Stored::encoded))
    }

    /// Undeletes a contact.
    pub async fn undelete(&self, id: ContactId) -> Result<Bytes> {
        let (mut tx, taken, rights) = self.begin().await?;
        let current = contacts::get(&mut *tx, self.owner, id).await?;
        let current = rights.open(current)?.ok_or(Error::NotFound(id))?;
        if current.delete_time.is_none() {
            return Err(Error::NotDeleted);
        }
        // Its bytes are still counted.
        self.check_quota(taken, 1, 0)?;
        let stamp = self.stamp(taken, ContactChange::Undeleted);
        changes::set_delete_time(&mut tx, self.owner, stamp, &[id.0], None).await?;
        tx.commit().await?;
        Ok(Self::revived(current, stamp).encoded())
    }

    /// Excludes a pair of contacts from suggested duplicates. This does not affect syncs,
    /// so it takes no version.
    pub async fn ignore(&self, pair: [ContactId; 2]) -> Result<()> {
        let mut tx = self.open().await?;
        owners::hold(&mut tx, self.owner).await?;
        self.rights(&mut *tx).await?.ensure_all()?;
        duplicates::ignore(&mut *tx, self.owner, pair).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) fn stamp(&self, taken: Taken, change: ContactChange) -> Stamp {
        Stamp {
            version: taken.version,
            time: self.now,
            change,
        }
    }

    /// The effect of a deletion.
    pub(crate) fn deleted(&self, contact: Stored, stamp: Stamp) -> Stored {
        Stored {
            delete_time: Some(self.now),
            ..stamp.on(contact)
        }
    }

    /// The effect of an undeletion.
    pub(crate) fn revived(contact: Stored, stamp: Stamp) -> Stored {
        Stored {
            delete_time: None,
            merged_into: None,
            ..stamp.on(contact)
        }
    }

    /// Whether the quota allows so many more contacts and bytes.
    pub(crate) fn check_quota(&self, taken: Taken, live: i64, bytes: i64) -> Result<()> {
        let added = Quota {
            contacts: live,
            bytes,
        };
        let full = self.quota.full(taken.used(), added);
        full.map_or(Ok(()), |full| Err(full.into()))
    }
}
