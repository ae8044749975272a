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
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::revision::Revision;
use crate::store::revisions;

impl Book<'_> {
    /// Restores a contact, deleted or not, to one of its revisions, byte for byte: it is
    /// not validated again.
    pub async fn restore(&self, id: ContactId, version: i64, expected: &str) -> Result<Bytes> {
        let mut write = Write::begin(self).await?;
        let current = write.contact(id).await?.ok_or(Error::NotFound(id))?;
        let body = self.earlier_body(&mut write, &current, version).await?;
        let found = body.as_deref().unwrap_or_default();
        let restored = self
            .is_restored(&mut *write, &current, expected, found)
            .await?;
        if restored {
            return write.encoded(current);
        }
        check_etag(&current, expected)?;
        let body = body.ok_or(Error::RevisionNotFound { id, version })?;
        if current.delete_time.is_none() && are_alike(&body, &current.body)? {
            return write.encoded(current);
        }
        let (change, keys) = (ContactChange::Restored, Keys::of(&Body::decode(&body)?));
        let contact = write.replace(change, current, body, keys).await?;
        let contact = write.encoded(contact)?;
        write.commit().await?;
        Ok(contact)
    }

    /// The body of a contact in one of the revisions that the writer sees; labels that the
    /// writer does not see are those of the current one.
    async fn earlier_body(
        &self,
        write: &mut Write<'_>,
        current: &Stored,
        version: i64,
    ) -> Result<Option<Vec<u8>>> {
        if version == current.version {
            return Ok(Some(current.body.clone()));
        }
        let found = revisions::get(&mut **write, self.owner, current, version).await?;
        let Some(Revision { contact, state, .. }) = found else {
            return Ok(None);
        };
        let rights = write.rights();
        let Some(seen) = rights.seen.show_state(contact, state)? else {
            return Ok(None);
        };
        Ok(Some(rights.with_hidden_labels(seen.body, &current.body)?))
    }
}
