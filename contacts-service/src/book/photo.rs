//! Sets and removes the photo of a contact.

use std::collections::HashSet;

use bytes::Bytes;
use chassis::user_id::UserId;
use proto::contacts::v1::{ContactChange, PhotoInfo};
use sqlx::PgExecutor;

use crate::book::Book;
use crate::book::change::check_etag;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::labels::are_alike;
use crate::contact::photo::{Photo, PhotoHash, info_of};
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
            Some(photo) => {
                let photos = std::iter::once((change.id, photo));
                write.attach_photos(photos).await?;
            }
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
    /// Stores photos for contacts whose bodies will name them ([`Body::with_photo`]), within
    /// the owner's quota. Call it before the write of the contacts, new or not.
    pub(super) async fn attach_photos<'a>(
        &mut self,
        photos: impl Iterator<Item = (ContactId, &'a Photo)> + Clone,
    ) -> Result<()> {
        let uses: Vec<_> = photos.clone().map(|(id, photo)| (id, photo.hash)).collect();
        if uses.is_empty() {
            return Ok(());
        }
        let owner = self.owner();
        let photos = photos.map(|(_, photo)| photo);
        let mut costs = PhotoCosts::of(&mut **self, owner, photos.clone()).await?;
        let new: Vec<&Photo> = photos.filter(|photo| costs.add(photo)).collect();
        if !new.is_empty() {
            let size = new.iter().map(|photo| photo.size()).sum();
            self.check_quota(0, size)?;
            photos::insert(&mut **self, owner, &new).await?;
            self.count_bytes(size);
        }
        self.refer_to_photos(&uses).await
    }

    /// Records that these contacts will have photos that the owner has.
    pub(super) async fn refer_to_photos(&mut self, uses: &[(ContactId, PhotoHash)]) -> Result<()> {
        let (owner, now) = (self.owner(), self.now());
        photos::refer(&mut **self, owner, uses, now).await
    }
}

/// What photos cost of an owner's quota: each counts once, however many contacts have it.
pub(super) struct PhotoCosts {
    counted: HashSet<PhotoHash>,
}

impl PhotoCosts {
    /// The costs of some of these photos.
    pub(super) async fn of(
        db: impl PgExecutor<'_>,
        owner: UserId,
        photos: impl Iterator<Item = &Photo>,
    ) -> Result<Self> {
        let hashes: Vec<_> = photos.map(|photo| photo.hash).collect();
        let counted = if hashes.is_empty() {
            HashSet::new()
        } else {
            photos::stored(db, owner, &hashes).await?
        };
        Ok(Self { counted })
    }

    /// The bytes that a photo would add.
    pub(super) fn bytes(&self, photo: Option<&Photo>) -> i64 {
        let new = photo.filter(|photo| !self.counted.contains(&photo.hash));
        new.map_or(0, Photo::size)
    }

    /// Counts a photo; returns whether it was not counted before.
    pub(super) fn add(&mut self, photo: &Photo) -> bool {
        self.counted.insert(photo.hash)
    }
}
