//! Writes to one owner's address book. Each begins by locking the owner's row, and wakes
//! the streams that watch the owner when it is committed (`write::Write`).

pub mod batch;
pub mod change;
pub mod creation;
pub mod import;
pub mod labels;
pub mod merge;
pub mod photo;
pub mod purge;
pub mod revision;
pub mod settings;
pub mod shares;

mod label_members;
mod repeat;
mod write;

use bytes::Bytes;
use chassis::database::pool::{Pool, Transaction};
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;
use sqlx::PgExecutor;

use self::write::Write;
use crate::book::change::{ContactUpdate, Deletion, Updated};
use crate::contact::ContactId;
use crate::error::{Error, Result};
use crate::model::duplicates::IgnoredPair;
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::store::{self, ignored_pairs, owners};
use crate::watch::hub::Hub;

/// One owner's address book, as one user writes to it.
pub struct Book<'a> {
    db: Pool,
    owner: UserId,
    /// The owner, or another user with whom it is shared.
    writer: UserId,
    now: DateTime<Utc>,
    quota: Quota,
    hub: &'a Hub,
}

impl<'a> Book<'a> {
    /// The address book of `owner`, to be written by `writer`.
    #[must_use]
    pub fn new(
        db: Pool,
        owner: UserId,
        writer: UserId,
        now: DateTime<Utc>,
        quota: Quota,
        hub: &'a Hub,
    ) -> Self {
        Self {
            db,
            owner,
            writer,
            now,
            quota,
            hub,
        }
    }

    /// Opens a transaction. Until it is this write's turn among those of the owner, it
    /// uses no database connection.
    async fn open(&self) -> Result<Transaction> {
        Ok(self.db.begin_in_turn(self.owner.0).await?)
    }

    /// What the writer may do now. Refuses a writer who may not write anything.
    async fn rights(&self, db: impl PgExecutor<'_>) -> Result<Rights> {
        if !self.is_shared() {
            return Ok(Rights::all());
        }
        let rights = Rights::of(&store::shares::grants(db, self.owner, self.writer).await?)?;
        rights.ensure_any()?;
        Ok(rights)
    }

    fn is_shared(&self) -> bool {
        self.writer != self.owner
    }

    /// Changes a contact that is not deleted. A repeat returns the response of the first
    /// call.
    pub async fn update(&self, change: ContactUpdate) -> Result<Bytes> {
        let mut write = Write::begin(self).await?;
        let current = write.contact(change.id).await?;
        if let Some(current) = &current {
            let rights = write.rights().clone();
            let named = [(&change, current)];
            let repeated = self.repeated(&mut *write, &rights, &named).await?;
            if !repeated.is_empty() {
                return write.encoded(current.clone());
            }
        }
        let contact = match change.apply(current, write.rights(), self.now)? {
            Updated::Unchanged(contact) => return write.encoded(contact),
            Updated::Replaced {
                before, body, keys, ..
            } => {
                let change = ContactChange::Updated;
                write.replace(change, before, body, keys).await?
            }
            Updated::Created(row) => {
                write.ensure_free(row.contact.id).await?;
                write.insert(std::slice::from_ref(&row)).await?;
                write.stamp(ContactChange::Created).on(row.contact)
            }
        };
        let contact = write.encoded(contact)?;
        write.commit().await?;
        Ok(contact)
    }

    /// Deletes a contact; it can be undeleted. Returns `None` if the contact is missing
    /// and `allow_missing` is set.
    pub async fn delete(&self, deletion: &Deletion) -> Result<Option<Bytes>> {
        let mut write = Write::begin(self).await?;
        let current = write.contact(deletion.id).await?;
        if !deletion.deletes(current.as_ref())? {
            return current.map(|contact| write.encoded(contact)).transpose();
        }
        let deleted = write.delete(current.into_iter().collect()).await?;
        let deleted = deleted.into_iter().next();
        let deleted = deleted.map(|contact| write.encoded(contact)).transpose()?;
        write.commit().await?;
        Ok(deleted)
    }

    /// Undeletes a contact.
    pub async fn undelete(&self, id: ContactId) -> Result<Bytes> {
        let mut write = Write::begin(self).await?;
        let current = write.contact(id).await?.ok_or(Error::NotFound(id))?;
        if current.delete_time.is_none() {
            return Err(Error::NotDeleted);
        }
        let revived = write
            .revive(ContactChange::Undeleted, vec![current])
            .await?;
        let contact = revived.into_iter().next().ok_or(Error::NotFound(id))?;
        let contact = write.encoded(contact)?;
        write.commit().await?;
        Ok(contact)
    }

    /// Excludes each pair of these contacts, which are sorted, from the suggested
    /// duplicates. Clients do not sync such pairs, so this takes no version and wakes no
    /// stream.
    pub async fn ignore(&self, sorted: &[ContactId]) -> Result<()> {
        let mut tx = self.open().await?;
        owners::lock(&mut tx, self.owner).await?;
        self.rights(&mut *tx).await?.ensure_all()?;
        ignored_pairs::insert(&mut tx, self.owner, sorted).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends that for one pair.
    pub async fn unignore(&self, pair: IgnoredPair) -> Result<()> {
        let mut tx = self.open().await?;
        owners::lock(&mut tx, self.owner).await?;
        self.rights(&mut *tx).await?.ensure_all()?;
        ignored_pairs::delete(&mut *tx, self.owner, pair).await?;
        tx.commit().await?;
        Ok(())
    }
}
