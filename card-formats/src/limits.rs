//! What a reader accepts. A card over a limit is refused, the others of the file are read.

/// The bytes of a card, and of a line: a contact of 64 KiB and a photo of 2 MiB in base64,
/// with room for the sound and the logo that many programs add.
pub const CARD_BYTES: usize = 6 * 1024 * 1024;
/// The bytes of a row of a table, which has no photo.
pub const ROW_BYTES: usize = 1024 * 1024;
/// The columns of a table.
pub const COLUMNS: usize = 1000;
/// The properties of a vCard.
pub const PROPERTIES: usize = 2000;
/// How deep a vCard may be nested in others, as the property AGENT does it.
pub const NESTING: usize = 4;
/// The bytes of a photo; a larger one is dropped with a warning.
pub const PHOTO_BYTES: usize = 2 * 1024 * 1024;
/// The members of a group that is a card of its own.
pub const MEMBERS: usize = 50_000;
/// The characters of a property that is kept as it is; a longer one is dropped with a
/// warning.
pub const RAW_PROPERTY: usize = 16 * 1024;
/// The bytes of a property other than a photo or a note; a larger one is dropped with a
/// warning, because its parts would need many times as much.
pub const PROPERTY_BYTES: usize = 64 * 1024;
/// The bytes of the name and the parameters of a property; a larger one is dropped with a
/// warning.
pub const PARAMETERS_BYTES: usize = 16 * 1024;
/// The properties of a card that are kept as they are; more are dropped with a warning.
pub const RAW_PROPERTIES: usize = 100;
/// The bytes of an encoded contact. Raw properties that do not fit are dropped with a
/// warning.
pub const CONTACT_BYTES: usize = 60 * 1024;
/// The characters of an excerpt.
pub const EXCERPT: usize = 200;
/// The warnings of a card.
pub const WARNINGS: usize = 20;

// What the model of a contact accepts.

/// The elements of a list.
pub const ITEMS: usize = 100;
/// The characters of a label, and of the name of a custom field.
pub const LABEL: usize = 100;
/// The characters of a uid.
pub const UID: usize = 255;
/// The characters of a name.
pub const NAME: usize = 200;
/// The characters of another line.
pub const LINE: usize = 1000;
/// The characters of an e-mail address.
pub const EMAIL: usize = 254;
/// The characters of a phone number.
pub const PHONE: usize = 100;
/// The characters of a URL.
pub const URL: usize = 2000;
/// The bytes of the notes.
pub const NOTES_BYTES: usize = 16 * 1024;
