//! What an update makes of a contact, and when a deletion deletes one.

use chrono::{DateTime, Utc};
use prost::Message;
use proto::contacts::v1::Contact;

use crate::book::creation::New;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::mask::UpdateMask;
use crate::contact::phone::{DefaultRegion, recall};
use crate::contact::stored::Stored;
use crate::contact::{ContactId, etag};
use crate::error::{Error, Result};

/// What to change of a contact.
#[derive(Clone, Debug)]
pub struct Change {
    /// The contact.
    pub id: ContactId,
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

/// What a change makes of a contact.
#[derive(Debug)]
pub(crate) enum Changed {
    /// Nothing else: there is nothing for anyone to notice.
    Not(Stored),
    /// Another one, but for its stamp.
    Into {
        /// The row and its keys.
        row: (Stored, Keys),
        /// By how much it has grown.
        bytes_added: i64,
    },
    /// A new one, but for its version.
    New((Stored, Keys)),
}

impl Change {
    /// Makes the contact of what is there under its id, deleted or not.
    pub(crate) fn apply(self, current: Option<Stored>, now: DateTime<Utc>) -> Result<Changed> {
        let current = match current {
            Some(current) if current.delete_time.is_none() => current,
            None if self.allow_missing => {
                let body = Body::parse(self.patch, self.region)?;
                let new = New {
                    uid: self.uid,
                    body,
                };
                return Ok(Changed::New(new.row(self.id, now)));
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
        self.mask.apply(self.patch, &mut message);
        recall(&mut message.phones, &known, self.region);
        let body = Body::parse(message, self.region)?;
        let encoded = body.encode();
        if encoded == current.body {
            return Ok(Changed::Not(current));
        }
        let bytes_added = size(&encoded) - size(&current.body);
        let contact = Stored {
            body: encoded,
            ..current
        };
        Ok(Changed::Into {
            row: (contact, Keys::of(&body).after(&labels)),
            bytes_added,
        })
    }
}

/// Which contact to delete.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The contact.
    pub id: ContactId,
    /// The etag that the contact must have, unless empty.
    pub etag: String,
    /// Whether a missing or deleted contact is fine.
    pub allow_missing: bool,
}

impl Deletion {
    /// Whether it deletes what is there under its id, deleted or not. With
    /// `allow_missing`, one that is deleted already stays as it is.
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

/// Refuses a contact that changed since its etag was read.
pub(crate) fn check_etag(contact: &Stored, expected: &str) -> Result<()> {
    let current = etag(contact.version);
    if expected.is_empty() || expected == current {
        Ok(())
    } else {
        let id = contact.id;
        Err(Error::EtagMismatch { id: id.0, current })
    }
}

/// The bytes of a body, as they are counted.
pub(crate) fn size(body: &[u8]) -> i64 {
    i64::try_from(body.len()).unwrap_or(i64::MAX)
}
