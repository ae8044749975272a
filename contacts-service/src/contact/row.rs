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
    /// The photo that its body names, if the body before, if any, does not.
    pub photo: Option<Photo>,
}
