//! A contact with the keys that it is found by.

use super::keys::Keys;
use super::stored::Stored;

/// What a write puts into the table of contacts.
#[derive(Clone, Debug)]
pub struct ContactRow {
    /// The contact.
    pub contact: Stored,
    /// Its keys.
    pub keys: Keys,
}
