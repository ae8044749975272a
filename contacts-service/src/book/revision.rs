//! Revisions of contacts, and restoring them.

use bytes::Bytes;
use proto::contacts::v1::ContactChange;

use crate::book::Book;
use crate::book::change::check_etag;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::labels::are_alike;
use crate::error::{Error, Result};
use crate::store::revisions;

impl Book<'_> {
    /// Restores a contact, deleted or not, to one of its revisions, byte for byte: it is
    /// not validated again.
    pub async fn restore(&self, id: ContactId, version: i64, expected: &str) -> Result<Bytes> {
        let mut write = Write::begin(self).await?;
        let current = write.contact(id).await?.ok_or(Error::NotFound(id))?;
        let body = if version == current.version {
            Some(current.body.clone())
        } else {
            revisions::body(&mut *write, self.owner, id, version).await?
        };
        let found = body.as_deref().unwrap_or_default();
        let restored = self
            .is_restored(&mut *write, &current, expected, found)
            .await?;
        if restored {
            return Ok(current.encoded());
        }
        check_etag(&current, expected)?;
        let body = body.ok_or(Error::RevisionNotFound { id, version })?;
        if !write.rights().seen.includes(&body)? {
            return Err(Error::RevisionNotFound { id, version });
        }
        if current.delete_time.is_none() && are_alike(&body, &current.body)? {
            return Ok(current.encoded());
        }
        let (change, keys) = (ContactChange::Restored, Keys::of(&Body::decode(&body)?));
        let contact = write.replace(change, current, body, keys).await?;
        write.commit().await?;
        Ok(contact.encoded())
    }
}
