//! Writes to one owner's address book, each a transaction that begins with the
//! owner's row.

use chassis::pool::Pool;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use proto::contacts::v1::Contact;
use sqlx::PgConnection;

use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::mask::UpdateMask;
use crate::contact::phone::{DefaultRegion, recall};
use crate::contact::stored::Stored;
use crate::contact::{ContactId, etag};
use crate::error::{Error, Result};
use crate::store::requests::Answered;
use crate::store::{contacts, owners, requests};

/// For how long the answer to a call with a `request_id` is remembered.
pub const ANSWERS_KEPT: TimeDelta = TimeDelta::hours(24);

/// One owner's address book, to be written.
pub struct Book<'a> {
    db: &'a Pool,
    owner: UserId,
    now: DateTime<Utc>,
    quota: i64,
}

/// A contact to be stored.
#[derive(Clone, Debug)]
pub struct New {
    /// The vCard UID; made when there is none.
    pub uid: Option<String>,
    /// What it holds.
    pub body: Body,
}

/// A call that may come twice.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// What the client calls it.
    pub request_id: String,
    /// SHA-256 of what it asks for.
    pub hash: [u8; 32],
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

    /// Stores a new contact; with `validate_only`, does all but that.
    pub async fn create(
        &self,
        new: New,
        repeatable: Option<Repeatable>,
        validate_only: bool,
    ) -> Result<Contact> {
        let mut tx = self.db.begin().await?;
        let taken = owners::take(&mut tx, self.owner).await?;
        if let Some(call) = &repeatable {
            let since = self.now - ANSWERS_KEPT;
            let answered = requests::find(&mut tx, self.owner, &call.request_id, since).await?;
            if let Some(answered) = answered {
                return repeated(call, &answered);
            }
        }
        let id = ContactId::generate();
        let contact = self.insert(&mut tx, taken, id, new).await?.message()?;
        if validate_only {
            return Ok(contact);
        }
        if let Some(call) = repeatable {
            let answered = Answered {
                body_hash: call.hash.to_vec(),
                response: contact.encode_to_vec(),
            };
            requests::insert(&mut tx, self.owner, &call.request_id, &answered, self.now).await?;
        }
        tx.commit().await?;
        Ok(contact)
    }

    /// Changes a live contact.
    pub async fn update(&self, id: ContactId, change: Change) -> Result<Contact> {
        let mut tx = self.db.begin().await?;
        let taken = owners::take(&mut tx, self.owner).await?;
        let contact = match contacts::get(&mut *tx, self.owner, id).await? {
            Some(current) if current.delete_time.is_none() => {
                self.replace(&mut tx, taken, current, change).await?
            }
            None if change.allow_missing => {
                let new = New {
                    uid: change.uid,
                    body: Body::parse(change.patch, change.region)?,
                };
                self.insert(&mut tx, taken, id, new).await?
            }
            _ => return Err(Error::NotFound(id)),
        };
        tx.commit().await?;
        contact.message()
    }

    /// Deletes a live contact for a while. With `allow_missing`, one that is
    /// deleted already stays as it is, and a missing one is nothing.
    pub async fn delete(
        &self,
        id: ContactId,
        expected: &str,
        allow_missing: bool,
    ) -> Result<Option<Contact>> {
        let mut tx = self.db.begin().await?;
        let taken = owners::take(&mut tx, self.owner).await?;
        let current = contacts::get(&mut *tx, self.owner, id).await?;
        match current {
            Some(live) if live.delete_time.is_none() => check_etag(&live, expected)?,
            gone if allow_missing => return gone.map(|gone| gone.message()).transpose(),
            _ => return Err(Error::NotFound(id)),
        }
        let deleted = Some(self.now);
        let contact =
            contacts::set_delete_time(&mut tx, self.owner, id, taken.version, self.now, deleted)
                .await?;
        tx.commit().await?;
        contact.message().map(Some)
    }

    /// Brings a deleted contact back.
    pub async fn undelete(&self, id: ContactId) -> Result<Contact> {
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
        contact.message()
    }

    async fn insert(
        &self,
        tx: &mut PgConnection,
        taken: owners::Taken,
        id: ContactId,
        new: New,
    ) -> Result<Stored> {
        self.check_quota(taken)?;
        let contact = Stored {
            id,
            uid: new.uid.unwrap_or_else(|| format!("urn:uuid:{id}")),
            version: taken.version,
            create_time: self.now,
            update_time: self.now,
            delete_time: None,
            merged_into: None,
            body: new.body.encode(),
        };
        if contacts::insert(tx, self.owner, &contact, &Keys::of(&new.body)).await? {
            Ok(contact)
        } else {
            Err(Error::UidTaken)
        }
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
        let mut message = current.message()?;
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

fn repeated(call: &Repeatable, answered: &Answered) -> Result<Contact> {
    if answered.body_hash != call.hash {
        return Err(Error::invalid(
            "REQUEST_ID_REUSED",
            "request_id",
            "was used for another contact",
        ));
    }
    Ok(Contact::decode(answered.response.as_slice())?)
}
