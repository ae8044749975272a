//! The size limits of a contact; the proto's comments document them.

/// A name, in characters.
pub(super) const NAME: usize = 200;
/// Any other single line, in characters.
pub(super) const LINE: usize = 1000;
/// A label, or the key of a custom field, in characters.
pub(crate) const LABEL: usize = 100;
/// A phone number, in characters.
pub(super) const PHONE: usize = 100;
/// An e-mail address, in characters.
pub(super) const EMAIL: usize = 254;
/// A URL or URI, in characters.
pub(super) const URL: usize = 2000;
/// A vCard UID, in characters.
pub(super) const UID: usize = 255;
/// The notes, in bytes.
pub(super) const NOTES_BYTES: usize = 16 * 1024;
/// A raw vCard property, in characters.
pub(super) const RAW_PROPERTY: usize = 16 * 1024;
/// Elements of any list.
pub(super) const ITEMS: usize = 100;
/// The whole contact, encoded, in bytes; the table's CHECK has the same limit.
pub(super) const BODY_BYTES: usize = 64 * 1024;
