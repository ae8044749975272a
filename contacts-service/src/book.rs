//! Writes to one owner's address book, each a transaction that begins with the
//! owner's row. They return contacts as encoded messages.

use bytes::Bytes;
use chassis::pool::Pool;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use prost::Message;
use proto::contacts::v1::Contact;
use sqlx::PgConnection;

use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::mask::UpdateMask;
use crate::contact::phone::{DefaultRegion, recall};
use crate::contact::stored::Stored;
use crate::contact::{ContactId, etag};
use crate::creation::New;
use crate::error::{Error, Result};
use crate::store::{contacts, owners};

/// One owner's address book, to be written.
pub struct Book<'a> {
    pub(crate) db: &'a Pool,
    pub(crate) owner: UserId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) quota: i64,
}

/// What to change of a contact.
#[derive(Clone, Debug)]
pub struct Change {
    /// The new values.
    pub patch: Contact,
    /// The vCard UID that was sent, if any.
    pub uid: Option<String>,
    /// Which of them count.
    pub mask: UpdateMask,
    /// Whose national phone numbers are meant.
    pub region: DefaultRegion,
    /// The etag that the contact must have, unless empty.
    pub etag: String,
    /// Whether a missing contact is stored.
    pub allow_missing: bool,
}

impl<'a> Book<'a> {
    /// The owner's book, with room for `quota` live contacts.
    #[must_use]
    pub fn of(db: &'a Pool, owner: UserId, now: DateTime<Utc>, quota: i64) -> Self {
        Self {
            db,
            owner,
            now,
            quota,
        }
    }

    /// Changes a live contact.
    pub async fn update(&self, id: ContactId, change: Change) -> Result<Bytes> {
        let updated = self.update_existing(id, &change).await;
        if !change.allow_missing || !matches!(updated, Err(Error::NotFound(_))) {
            return updated;
        }
        let new = New {
            uid: change.uid.clone(),
            body: Body::parse(change.patch.clone(), change.region)?,
        };
        let inserted = self.insert(self.db, &[new.row(id, self.now)]).await;
        let there = matches!(inserted, Err(Error::UidTaken { .. }))
            && contacts::get(self.db, self.owner, id).await?.is_some();
        if there {
            // Deleted, or stored by another call in between.
            return self.update_existing(id, &change).await;
        }
        Ok(inserted?.pop().unwrap_or_default())
    }

    /// Deletes a live contact for a while. With `allow_missing`, one that is
    /// deleted already stays as it is, and a missing one is nothing.
    pub async fn delete(
        &self,
        id: ContactId,
        expected: &str,
        allow_missing: bool,
    ) -> Result<Option<Bytes>> {
        let mut tx = self.db.begin().await?;
        let taken = owners::take(&mut tx, self.owner).await?;
        let current = contacts::get(&mut *tx, self.owner, id).await?;
        match current {
            Some(live) if live.delete_time.is_none() => check_etag(&live, expected)?,
            gone if allow_missing => return Ok(gone.map(Stored::encoded)),
            _ => return Err(Error::NotFound(id)),
        }
        let deleted = Some(self.now);
        let contact =
            contacts::set_delete_time(&mut tx, self.owner, id, taken.version, self.now, deleted)
                .await?;
        tx.commit().await?;
        Ok(Some(contact.encoded()))
    }

    /// Brings a deleted contact back.
    pub async fn undelete(&self, id: ContactId) -> Result<Bytes> {
        let mut tx = self.db.begin().await?;
        let taken = owners::take(&mut tx, self.owner).await?;
        let current = contacts::get(&mut *tx, self.owner, id).await?;
        if current.ok_or(Error::NotFound(id))?.delete_time.is_none() {
            return Err(Error::NotDeleted);
        }
        self.check_quota(taken)?;
        let contact =
            contacts::set_delete_time(&mut tx, self.owner, id, taken.version, self.now, None)
                .await?;
        tx.commit().await?;
        Ok(contact.encoded())
    }

    async fn update_existing(&self, id: ContactId, change: &Change) -> Result<Bytes> {
        let mut tx = self.db.begin().await?;
        let taken = owners::take(&mut tx, self.owner).await?;
        let current = contacts::get(&mut *tx, self.owner, id).await?;
        let live = current.filter(|current| current.delete_time.is_none());
        let live = live.ok_or(Error::NotFound(id))?;
        let contact = self.replace(&mut tx, taken, live, change.clone()).await?;
        tx.commit().await?;
        Ok(contact.encoded())
    }

    async fn replace(
        &self,
        tx: &mut PgConnection,
        taken: owners::Taken,
        current: Stored,
        change: Change,
    ) -> Result<Stored> {
        check_etag(&current, &change.etag)?;
        if change.uid.is_some_and(|uid| uid != current.uid) {
            return Err(Error::invalid(
                "UID_IMMUTABLE",
                "contact.uid",
                "cannot be changed",
            ));
        }
        let mut message = Contact::decode(&*current.body)?;
        let known = message.phones.clone();
        change.mask.apply(change.patch, &mut message);
        recall(&mut message.phones, &known, change.region);
        let body = Body::parse(message, change.region)?;
        let encoded = body.encode();
        if encoded == current.body {
            // Nothing for anyone to notice: the version stays.
            return Ok(current);
        }
        let size = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let bytes_added = size(&encoded) - size(&current.body);
        let contact = Stored {
            version: taken.version,
            update_time: self.now,
            body: encoded,
            ..current
        };
        contacts::update(tx, self.owner, &contact, &Keys::of(&body), bytes_added).await?;
        Ok(contact)
    }

    fn check_quota(&self, taken: owners::Taken) -> Result<()> {
        if taken.live_count >= self.quota {
            return Err(Error::QuotaExceeded { limit: self.quota });
        }
        Ok(())
    }
}

fn check_etag(contact: &Stored, expected: &str) -> Result<()> {
    let current = etag(contact.version);
    if expected.is_empty() || expected == current {
        Ok(())
    } else {
        Err(Error::EtagMismatch { current })
    }
}
