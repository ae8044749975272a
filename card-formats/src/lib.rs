//! Reads and writes files of contacts: vCard, CSV, JSContact, and JSON lines.
//!
//! A [`Reader`] takes the bytes of a file piece by piece and returns its cards one by one; a
//! [`Writer`] returns the bytes of a file contact by contact. Neither does I/O. The memory
//! that they need does not grow with the file: see [`limits`].
//!
//! Whatever a file contains, a card that cannot be read costs only itself, and what the
//! model of a contact does not define is kept in `Contact.raw_properties`.

mod card;
mod csv;
mod encoding;
mod format;
mod jscontact;
mod json;
mod json_lines;
pub mod limits;
mod lines;
mod name;
mod photo;
mod raw;
mod reader;
mod sniff;
mod vcard;
mod writer;

pub use card::{Card, Entry, Group, Parsed, Photo, Problem, Warning};
pub use csv::is_column_field;
pub use format::{Column, Format, FormatError, Options};
pub use name::{display_name, is_east_asian};
pub use reader::Reader;
pub use vcard::VCardVersion;
pub use vcard::date::date_text;
pub use writer::{ExportFormat, Writer};
