//! A contact with the keys that it is found by.

use super::keys::Keys;
use super::photo::Photo;
use super::stored::Stored;

/// A row of the table of contacts, as a write stores it.
#[derive(Clone, Debug)]
pub struct ContactRow {
    /// The contact.
    pub contact: Stored,
    /// Its keys.
    pub keys: Keys,
    /// The photo that its body names, if the owner may not have it yet.
    pub photo: Option<Photo>,
}

impl ContactRow {
    /// The size that counts against the owner's quota, with a photo that may be new.
    #[must_use]
    pub fn size(&self) -> i64 {
        let body = i64::try_from(self.contact.body.len()).unwrap_or(i64::MAX);
        body + self.photo.as_ref().map_or(0, Photo::size)
    }
}
