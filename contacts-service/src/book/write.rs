//! A write to an address book, from its beginning to its commit.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use chassis::database::pool::Connection;
use chassis::database::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;
use uuid::Uuid;

use crate::book::Book;
use crate::book::change::size;
use crate::book::creation::default_uid;
use crate::contact::ContactId;
use crate::contact::keys::Keys;
use crate::contact::photo::Photo;
use crate::contact::row::ContactRow;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::model::stamp::Stamp;
use crate::store::insertion::{self, InsertVersion};
use crate::store::{changes, contacts, owners, parts};

/// A write that has begun. It holds the lock on the owner's row, so that the writes of
/// one owner run one after the other. Dropped without [`Write::commit`], it changes
/// nothing and wakes no stream.
pub(super) struct Write<'a> {
    book: &'a Book<'a>,
    tx: Transaction,
    /// The owner's next version, which this write takes.
    version: i64,
    /// The owner's usage before this write.
    used: Quota,
    /// Whether the owner's earlier revisions leave room for more.
    has_room: bool,
    rights: Rights,
}

impl<'a> Write<'a> {
    /// Begins a write to contacts or labels: locks the owner's row, takes the next
    /// version, and reads what the writer may do, which cannot change until the write
    /// ends.
    pub(super) async fn begin(book: &'a Book<'a>) -> Result<Self> {
        let mut write = Self::begin_of_shares(book).await?;
        write.rights = book.rights(&mut *write.tx).await?;
        Ok(write)
    }

    /// Begins a write to shares. It gives no right to any contact: the caller must check
    /// who may change a share.
    pub(super) async fn begin_of_shares(book: &'a Book<'a>) -> Result<Self> {
        let mut tx = book.open().await?;
        let row = owners::begin_write(&mut tx, book.owner).await?;
        Ok(Self {
            book,
            tx,
            version: row.version,
            used: row.used,
            has_room: row.revision_bytes < book.quota.revision_bytes(),
            rights: Rights::none(),
        })
    }

    /// Commits, and wakes the streams that watch the owner's contacts.
    pub(super) async fn commit(self) -> Result<()> {
        let committed = self.tx.commit().await;
        // Also after an error: the transaction may be committed although the response was
        // lost.
        self.book.hub.report_write(self.book.owner);
        Ok(committed?)
    }

    pub(super) fn owner(&self) -> UserId {
        self.book.owner
    }

    pub(super) fn version(&self) -> i64 {
        self.version
    }

    pub(super) fn used(&self) -> Quota {
        self.used
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.book.now
    }

    /// Adds bytes that this write has stored beside its contacts to the owner's usage.
    pub(super) fn count_bytes(&mut self, bytes: i64) {
        self.used.bytes += bytes;
    }

    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The version, time and kind of change that this write stores with every contact.
    pub(super) fn stamp(&self, change: ContactChange) -> Stamp {
        Stamp {
            version: self.version,
            time: self.book.now,
            change,
            writer: Some(self.book.writer),
            has_room: self.has_room,
        }
    }

    /// Refuses to add more live contacts or bytes than the owner may have.
    pub(super) fn check_quota(&self, live_added: i64, bytes_added: i64) -> Result<()> {
        let added = Quota {
            contacts: live_added,
            bytes: bytes_added,
        };
        let exceeded = self.book.quota.exceeded_limit(self.used, added);
        exceeded.map_or(Ok(()), |exceeded| Err(exceeded.into()))
    }

    /// The encoded message of a contact, as the writer sees it.
    pub(super) fn encoded(&self, contact: Stored) -> Result<Bytes> {
        self.rights.encoded(contact)
    }

    /// Returns a contact that the writer may change, deleted or not.
    pub(super) async fn contact(&mut self, id: ContactId) -> Result<Option<Stored>> {
        let contact = contacts::get(&mut *self.tx, self.book.owner, id).await?;
        self.rights.writable(contact)
    }

    /// Refuses the id of a contact that the writer does not see, for a new one.
    pub(super) async fn ensure_free(&mut self, id: ContactId) -> Result<()> {
        let is_taken = self.book.is_shared()
            && contacts::get(&mut *self.tx, self.book.owner, id)
                .await?
                .is_some();
        if is_taken {
            return Err(Error::NotFound(id));
        }
        Ok(())
    }

    /// Returns the contacts with these ids, deleted or not. The caller checks the rights.
    pub(super) async fn contacts(&mut self, ids: &[Uuid]) -> Result<HashMap<ContactId, Stored>> {
        contacts::get_many(&mut *self.tx, self.book.owner, ids).await
    }

    /// Replaces the body of a contact. A deleted contact is undeleted.
    pub(super) async fn replace(
        &mut self,
        change: ContactChange,
        before: Stored,
        body: Vec<u8>,
        keys: Keys,
    ) -> Result<Stored> {
        self.rights.ensure_labels_kept(&before, &keys)?;
        let live_added = i64::from(before.delete_time.is_some());
        let (owner, stamp, size_before) = (self.book.owner, self.stamp(change), size(&before.body));
        let contact = Stored {
            body,
            ..revived(before, stamp)
        };
        let mut row = ContactRow {
            contact,
            keys,
            photo: None,
        };
        self.spell_labels(stamp, std::slice::from_mut(&mut row))
            .await?;
        let bytes_added = size(&row.contact.body) - size_before;
        self.check_quota(live_added, bytes_added)?;
        changes::replace(&mut self.tx, owner, stamp, &row, live_added, bytes_added).await?;
        Ok(row.contact)
    }

    /// Replaces the bodies of contacts that are not deleted. The rows are complete except
    /// for their stamp. The caller has checked the rights and the quota.
    pub(super) async fn replace_many(
        &mut self,
        mut rows: Vec<ContactRow>,
        mut bytes_added: i64,
    ) -> Result<Vec<Stored>> {
        let (owner, stamp) = (self.book.owner, self.stamp(ContactChange::Updated));
        if !rows.is_empty() {
            self.attach_photos(pictured(&rows)).await?;
            bytes_added += self.spell_labels(stamp, &mut rows).await?;
            changes::replace_many(&mut self.tx, owner, stamp, &rows, bytes_added).await?;
        }
        let contacts = rows.into_iter().map(|row| stamp.on(row.contact));
        Ok(contacts.collect())
    }

    /// Stores new contacts, complete except for their version, and creates their new
    /// labels.
    pub(super) async fn insert(&mut self, rows: &[ContactRow]) -> Result<Vec<Stored>> {
        for row in rows {
            self.rights.ensure_creatable(&row.keys)?;
        }
        self.take_uids(rows).await?;
        self.attach_photos(pictured(rows)).await?;
        let (book, stamp) = (self.book, self.stamp(ContactChange::Created));
        let mut rows = rows.to_vec();
        self.spell_labels(stamp, &mut rows).await?;
        for part in parts::split(&rows, |row| row.contact.body.len()) {
            let version = InsertVersion::Taken;
            insertion::insert(
                &mut *self.tx,
                book.owner,
                book.writer,
                part,
                book.quota,
                book.now,
                version,
            )
            .await?;
        }
        let contacts = rows.into_iter().map(|row| stamp.on(row.contact));
        Ok(contacts.collect())
    }

    /// Takes the uids of new contacts from deleted ones, which come back with others.
    async fn take_uids(&mut self, rows: &[ContactRow]) -> Result<()> {
        let given = rows.iter().map(|row| &row.contact);
        let given = given.filter(|contact| contact.uid != default_uid(contact.id));
        let uids: Vec<&str> = given.map(|contact| &*contact.uid).collect();
        if uids.is_empty() {
            return Ok(());
        }
        let holders = contacts::uid_holders(&mut *self.tx, self.book.owner, &uids).await?;
        if let Some(live) = holders.iter().find(|holder| !holder.is_deleted) {
            return Err(Error::uid_taken(self.rights.known(live.id)));
        }
        let deleted: Vec<Uuid> = holders.iter().map(|holder| holder.id.0).collect();
        if !deleted.is_empty() {
            contacts::renew_uids(&mut *self.tx, self.book.owner, &deleted).await?;
        }
        Ok(())
    }

    /// Deletes contacts that are not deleted yet; they can be undeleted.
    pub(super) async fn delete(&mut self, contacts: Vec<Stored>) -> Result<Vec<Stored>> {
        let (owner, stamp) = (self.book.owner, self.stamp(ContactChange::Deleted));
        let (ids, deleted) = (ids(&contacts), Some(stamp.time));
        changes::set_delete_time(&mut self.tx, owner, stamp, &ids, deleted).await?;
        let contacts = contacts.into_iter().map(|contact| Stored {
            delete_time: deleted,
            delete_version: Some(stamp.version),
            ..stamp.on(contact)
        });
        Ok(contacts.collect())
    }

    /// Undeletes contacts. Their bytes counted against the quota all the time.
    pub(super) async fn revive(
        &mut self,
        change: ContactChange,
        contacts: Vec<Stored>,
    ) -> Result<Vec<Stored>> {
        self.check_quota(i64::try_from(contacts.len()).unwrap_or(i64::MAX), 0)?;
        let (owner, stamp, ids) = (self.book.owner, self.stamp(change), ids(&contacts));
        changes::set_delete_time(&mut self.tx, owner, stamp, &ids, None).await?;
        let contacts = contacts.into_iter();
        Ok(contacts.map(|contact| revived(contact, stamp)).collect())
    }
}

/// Dereferences to the connection of the transaction.
impl Deref for Write<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.tx
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.tx
    }
}

/// The new photos of rows.
fn pictured(rows: &[ContactRow]) -> impl Iterator<Item = (ContactId, &Photo)> + Clone {
    rows.iter()
        .filter_map(|row| Some((row.contact.id, row.photo.as_ref()?)))
}

fn ids(contacts: &[Stored]) -> Vec<Uuid> {
    contacts.iter().map(|contact| contact.id.0).collect()
}

fn revived(contact: Stored, stamp: Stamp) -> Stored {
    Stored {
        delete_time: None,
        delete_version: None,
        merged_into: None,
        ..stamp.on(contact)
    }
}
