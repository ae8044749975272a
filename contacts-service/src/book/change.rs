//! The effect of an update and of a deletion on a contact.

use chrono::{DateTime, Utc};
use prost::Message;
use proto::contacts::v1::Contact;

use crate::book::creation::NewContact;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::labels::keep_spelled;
use crate::contact::mask::UpdateMask;
use crate::contact::phone::{DefaultRegion, keep_parsed};
use crate::contact::photo::{Photo, PhotoHash};
use crate::contact::row::ContactRow;
use crate::contact::stored::Stored;
use crate::contact::{ContactId, etag};
use crate::error::{Error, Result};
use crate::model::share::rights::Rights;

/// A change of a contact.
#[derive(Clone, Debug)]
pub struct ContactUpdate {
    /// The contact.
    pub id: ContactId,
    /// The new values.
    pub patch: Contact,
    /// The vCard UID in the request, if any.
    pub uid: Option<String>,
    /// The fields to write.
    pub mask: UpdateMask,
    /// The region of national phone numbers.
    pub region: DefaultRegion,
    /// The required etag; empty for any.
    pub etag: String,
    /// Whether a missing contact is created.
    pub allow_missing: bool,
    /// Its photo, if it is to have another one; only in batches.
    pub photo: Option<Photo>,
}

/// The result of a change.
#[derive(Debug)]
pub(crate) enum Updated {
    /// The contact is as requested already, so nothing is written and nobody is woken.
    Unchanged(Stored),
    /// The contact gets another body.
    Replaced {
        /// The contact before.
        before: Stored,
        /// The new body.
        body: Vec<u8>,
        /// The keys of the new body.
        keys: Keys,
        /// The photo that the new body names, if the body before does not.
        photo: Option<Photo>,
    },
    /// A new contact, complete except for its version.
    Created(ContactRow),
}

impl ContactUpdate {
    /// Applies the change to the contact with its id: `None` if it is missing.
    /// Labels that the writer does not see stay as they are.
    pub(crate) fn apply(
        self,
        current: Option<Stored>,
        rights: &Rights,
        now: DateTime<Utc>,
    ) -> Result<Updated> {
        let current = match current {
            Some(current) if current.delete_time.is_none() => current,
            // Not with an etag: the caller has seen the contact, so it was removed since.
            None if self.allow_missing && self.etag.is_empty() => {
                let body = Body::parse(self.patch, self.region)?;
                let new = NewContact {
                    uid: self.uid,
                    body,
                    photo: None,
                };
                let row = new.row(self.id, now);
                rights.ensure_creatable(&row.keys)?;
                return Ok(Updated::Created(row));
            }
            _ => return Err(Error::NotFound(self.id)),
        };
        check_etag(&current, &self.etag)?;
        if self.uid.is_some_and(|uid| uid != current.uid) {
            return Err(Error::invalid(
                "UID_IMMUTABLE",
                "contact.uid",
                "cannot be changed",
            ));
        }
        let mut message = Contact::decode(&*current.body)?;
        let (known, labels) = (message.phones.clone(), message.labels.clone());
        rights.hide(&mut message.labels);
        self.mask.apply(self.patch, &mut message);
        message.labels = rights.relabel(&labels, message.labels)?;
        if let Some(photo) = &self.photo {
            message.photo = Some(photo.info());
        }
        keep_parsed(&mut message.phones, &known);
        keep_spelled(&mut message.labels, &labels);
        let body = Body::edited(message, self.region)?;
        let encoded = body.encode();
        if encoded == current.body {
            return Ok(Updated::Unchanged(current));
        }
        let known = PhotoHash::of_body(&current.body)?;
        Ok(Updated::Replaced {
            before: current,
            body: encoded,
            keys: Keys::of(&body).after(&labels),
            photo: self.photo.filter(|photo| known != Some(photo.hash)),
        })
    }
}

/// A deletion of a contact.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The contact.
    pub id: ContactId,
    /// The required etag; empty for any.
    pub etag: String,
    /// Whether a missing or deleted contact is accepted.
    pub allow_missing: bool,
}

impl Deletion {
    /// Whether a deletion must be written. False if the contact is missing or already
    /// deleted, and `allow_missing` is set.
    pub(crate) fn deletes(&self, current: Option<&Stored>) -> Result<bool> {
        match current {
            Some(live) if live.delete_time.is_none() => {
                check_etag(live, &self.etag)?;
                Ok(true)
            }
            _ if self.allow_missing => Ok(false),
            _ => Err(Error::NotFound(self.id)),
        }
    }
}

/// Refuses a contact that was changed after its etag was read.
pub(crate) fn check_etag(contact: &Stored, expected: &str) -> Result<()> {
    let current = etag(contact.version);
    if expected.is_empty() || expected == current {
        Ok(())
    } else {
        let id = contact.id;
        Err(Error::EtagMismatch { id: id.0, current })
    }
}

/// The counted size of a body.
pub(crate) fn size(body: &[u8]) -> i64 {
    i64::try_from(body.len()).unwrap_or(i64::MAX)
}
