//! Sets and removes the photo of a contact.

use bytes::Bytes;
use proto::contacts::v1::{ContactChange, PhotoInfo};

use crate::book::Book;
use crate::book::change::check_etag;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::labels::are_alike;
use crate::contact::photo::{Photo, PhotoHash, info_of};
use crate::contact::row::ContactRow;
use crate::contact::stored::{Stored, labels};
use crate::error::{Error, Result};
use crate::store::photos;

/// The contact whose photo is changed.
#[derive(Clone, Debug)]
pub struct PhotoChange {
    /// The contact.
    pub id: ContactId,
    /// The required etag; empty for any.
    pub etag: String,
}

impl Book<'_> {
    /// Sets the photo of a contact, or removes it. A repeat returns the response of the first
    /// call.
    pub async fn set_photo(&self, change: &PhotoChange, photo: Option<&Photo>) -> Result<Bytes> {
        let mut write = Write::begin(self).await?;
        let current = write.contact(change.id).await?;
        let current = current.filter(|contact| contact.delete_time.is_none());
        let current = current.ok_or(Error::NotFound(change.id))?;
        let info = photo.map(Photo::info);
        if self
            .is_photo_set(&mut write, &current, &change.etag, info.as_ref())
            .await?
        {
            return write.encoded(current);
        }
        check_etag(&current, &change.etag)?;
        if info_of(&current.body)? == info {
            return match photo {
                Some(_) => write.encoded(current),
                None => Err(Error::PhotoNotFound(change.id)),
            };
        }
        let known = labels(&current.body)?;
        let body = Body::decode(&current.body)?.with_photo(info)?;
        match photo {
            Some(photo) => write.attach_photo(change.id, photo).await?,
            None => photos::look_again(&mut *write, self.owner, change.id, self.now).await?,
        }
        let keys = Keys::of(&body).after(&known);
        let contact = write
            .replace(ContactChange::Updated, current, body.encode(), keys)
            .await?;
        let contact = write.encoded(contact)?;
        write.commit().await?;
        Ok(contact)
    }

    /// Whether the last write of a contact replaced the version with the etag `expected` by
    /// the same contact with this photo.
    async fn is_photo_set(
        &self,
        write: &mut Write<'_>,
        current: &Stored,
        expected: &str,
        photo: Option<&PhotoInfo>,
    ) -> Result<bool> {
        let named = [(current, expected)].into_iter();
        let before = self.replaced(&mut **write, named).await?;
        let Some(before) = before.get(&current.id) else {
            return Ok(false);
        };
        if info_of(&before.body)?.as_ref() == photo {
            return Ok(false);
        }
        let again = Body::decode(&before.body)?.with_photo(photo.cloned())?;
        are_alike(&again.encode(), &current.body)
    }
}

impl Write<'_> {
    /// Stores a photo for a contact whose body will name it ([`Body::with_photo`]), within
    /// the owner's quota. Call it before the write of the contact, new or not.
    pub(super) async fn attach_photo(&mut self, contact: ContactId, photo: &Photo) -> Result<()> {
        let owner = self.owner();
        if !photos::exists(&mut **self, owner, photo.hash).await? {
            self.check_quota(0, photo.size())?;
            photos::insert(&mut **self, owner, photo).await?;
            self.count_bytes(photo.size());
        }
        self.refer_to_photo(contact, photo.hash).await
    }

    /// Stores the photos of these contacts.
    pub(super) async fn attach_photos(&mut self, rows: &[ContactRow]) -> Result<()> {
        for row in rows {
            if let Some(photo) = &row.photo {
                self.attach_photo(row.contact.id, photo).await?;
            }
        }
        Ok(())
    }

    /// The same for a photo that another contact of the owner has.
    pub(super) async fn refer_to_photo(
        &mut self,
        contact: ContactId,
        hash: PhotoHash,
    ) -> Result<()> {
        let (owner, now) = (self.owner(), self.now());
        photos::refer(&mut **self, owner, contact, hash, now).await
    }
}
