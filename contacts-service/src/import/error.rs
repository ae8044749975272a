//! What can go wrong in an import.

use card_formats::{FormatError, Problem};
use chassis::status::Refusal;
use tonic::Code;

use super::{AT_A_TIME, OF_USER};
use crate::pace::{SLOWEST, TooSlow};

/// Why an import, or a card of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file as a whole cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A card cannot be read.
    #[error("the card {0}")]
    Card(#[from] Problem),
    /// A card is that of a deleted contact.
    #[error("the contact was deleted")]
    Deleted,
    /// The messages are not in their order.
    #[error("the first message must have a header, and no other one")]
    Header,
    /// Too many imports are running.
    #[error("too many imports are running; wait until yours is done, or retry later")]
    TooMany,
    /// The client makes the service wait for too long.
    #[error("the file was sent too slowly, or the responses were read too slowly: {SLOWEST}")]
    TooSlow,
}

impl From<TooSlow> for ImportError {
    fn from(TooSlow: TooSlow) -> Self {
        Self::TooSlow
    }
}

impl ImportError {
    pub(crate) fn refusal(&self) -> Refusal {
        let text = self.to_string();
        let (reason, field) = match self {
            Self::Format(_) => ("IMPORT_FORMAT_INVALID", "chunk"),
            Self::Header => ("IMPORT_HEADER_INVALID", "header"),
            Self::Deleted => ("CARD_DELETED", "card"),
            Self::Card(Problem::Empty) => ("CARD_EMPTY", "card"),
            Self::Card(Problem::Malformed(_)) => ("CARD_MALFORMED", "card"),
            Self::Card(
                Problem::TooLarge
                | Problem::TooDeep
                | Problem::TooManyMembers
                | Problem::TooManyProperties,
            ) => ("CARD_TOO_LARGE", "card"),
            Self::TooSlow => {
                return Refusal::new(Code::Aborted, "IMPORT_TOO_SLOW", text);
            }
            Self::TooMany => {
                return Refusal::new(Code::ResourceExhausted, "IMPORT_LIMIT_EXCEEDED", text).quota(
                    "imports",
                    format!("at most {OF_USER} of a user and {AT_A_TIME} in all at a time"),
                );
            }
        };
        Refusal::new(Code::InvalidArgument, reason, text.clone()).violation(field, text)
    }
}
