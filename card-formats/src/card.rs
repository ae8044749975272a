//! What a reader returns.

use std::fmt;

use proto::contacts::v1::Contact;

/// One entry of a file: a card, a row of a table, or a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Its number in the file, from 0. Entries that cannot be read have one, too.
    pub index: u64,
    /// The number of its first line, from 1.
    pub line: u64,
    /// Where its first line begins, in bytes. In a file in UTF-16, in the bytes of its text
    /// in UTF-8.
    pub byte_offset: u64,
    /// Its beginning, on one line, to recognize it by.
    pub excerpt: String,
    /// What it contains.
    pub outcome: Result<Entry, Problem>,
    /// What was not understood, or not kept as it was.
    pub warnings: Vec<Warning>,
}

/// What a card describes.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A person or an organization.
    Contact(Box<Parsed>),
    /// A group whose members are cards of the same file, before or after it.
    Group(Group),
}

/// A contact of a file. Its texts are neither validated nor normalized, except that they
/// fit the fields: one line where one is allowed, and no control characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The contact: without an id, with the uid of the file or without one.
    pub contact: Contact,
    /// Its photo.
    pub photo: Option<Photo>,
}

/// A group of cards, which becomes a label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its own uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The uids of its members.
    pub members: Vec<String>,
}

/// The bytes of a photo.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    /// Such as "image/jpeg", as the file says: it may be wrong. Empty if the file says none
    /// that is known.
    pub media_type: String,
    /// The file of the picture.
    pub data: Vec<u8>,
}

impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {:?}", self.data.len(), self.media_type)
    }
}

/// Why a card cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// See [`limits::CARD_BYTES`](crate::limits::CARD_BYTES).
    #[error("has more than 6 MiB")]
    TooLarge,
    /// See [`limits::PROPERTIES`](crate::limits::PROPERTIES).
    #[error("has too many properties")]
    TooManyProperties,
    /// See [`limits::NESTING`](crate::limits::NESTING); in JSON, more than 32 levels.
    #[error("is nested too deep")]
    TooDeep,
    /// See [`limits::MEMBERS`](crate::limits::MEMBERS).
    #[error("is a group of more than 50,000 members")]
    TooManyMembers,
    /// The card has no property that says something about a person.
    #[error("is empty")]
    Empty,
    /// The entry is not of its format; the text says what is wrong.
    #[error("cannot be read: {0}")]
    Malformed(String),
}

/// What a reader did with a part of a card that it could not take as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The property, column or member, such as `BDAY`.
    pub property: String,
    /// What is wrong with it, and what was done.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.property.is_empty() {
            return f.write_str(&self.text);
        }
        write!(f, "{}: {}", self.property, self.text)
    }
}
