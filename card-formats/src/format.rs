//! The formats of files.

/// What a file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// What the beginning of the file looks like.
    #[default]
    Auto,
    /// vCard 2.1, 3.0 (RFC 2426) or 4.0 (RFC 6350); the cards of a file may be of different
    /// versions.
    VCard,
    /// A table exported by Google, with the header of either generation.
    GoogleCsv,
    /// A table exported by Outlook.
    OutlookCsv,
    /// Any other table, with the field of each column.
    MappedCsv(Vec<Column>),
    /// Cards of JSContact (RFC 9553): an array of them, or one after the other.
    JsContact,
    /// A `Contact` in the JSON of protocol buffers on each line; the member `photoData`
    /// contains its photo in base64.
    JsonLines,
}

/// What a column of a table contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The column's name in the first row.
    pub header: String,
    /// The path of the field, such as `given_name` or `emails[0].address`; see
    /// [`is_column_field`](crate::is_column_field).
    pub field: String,
}

/// How a file is read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {}

/// Why a file as a whole cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It begins like an archive, which has to be unpacked first.
    #[error("the file is a {0}; unpack it and import what is in it")]
    Archive(&'static str),
    /// It is none of the formats, or not the one that was named.
    #[error("the file is not {0}")]
    Unknown(&'static str),
}
