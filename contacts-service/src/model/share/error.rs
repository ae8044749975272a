//! Errors about shares.

use chassis::status::Refusal;
use tonic::Code;

use crate::model::share::books::BOOKS_MAX;
use crate::model::share::{SHARES_MAX, ShareId};

/// Why a call about a share failed.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// Missing, or between other users.
    #[error("share not found")]
    NotFound,
    /// A reader may not write.
    #[error("the contacts are shared with you for reading only")]
    ReadOnly,
    /// The call needs a whole address book.
    #[error("this call needs the whole address book to be shared with you, not only a label")]
    OfLabel,
    /// Only the owner may do this.
    #[error("only the owner of the contacts can purge them")]
    NotOwner,
    /// The share changed while the contacts were read.
    #[error("what is shared with you changed during the call; retry")]
    Changed,
    /// The same contacts are already shared with the same address.
    #[error("the same contacts are already shared with this address")]
    Exists(ShareId),
    /// The caller has no verified address to show to the recipient.
    #[error("verify your e-mail address first, because it is shown to the recipient")]
    EmailNotVerified,
    /// The owner has too many shares.
    #[error("there are too many shares")]
    QuotaExceeded,
    /// More address books are shared with the caller than one call reads.
    #[error("too many users share contacts with you; name one of them as `owner_id`")]
    TooManyOwners,
}

impl ShareError {
    /// The error for clients.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let text = self.to_string();
        match self {
            Self::NotFound => Refusal::new(Code::NotFound, "SHARE_NOT_FOUND", text),
            Self::ReadOnly => Refusal::new(Code::PermissionDenied, "SHARE_READ_ONLY", text),
            Self::OfLabel => Refusal::new(Code::PermissionDenied, "SHARE_OF_LABEL", text),
            Self::NotOwner => Refusal::new(Code::PermissionDenied, "SHARE_NOT_OWNER", text),
            Self::Changed => Refusal::new(Code::Aborted, "SHARE_CHANGED", text),
            Self::Exists(id) => Refusal::new(Code::AlreadyExists, "SHARE_EXISTS", text)
                .metadata("id", id.to_string()),
            Self::EmailNotVerified => {
                Refusal::new(Code::FailedPrecondition, "EMAIL_NOT_VERIFIED", text)
            }
            Self::QuotaExceeded => {
                Refusal::new(Code::ResourceExhausted, "SHARE_QUOTA_EXCEEDED", text)
                    .quota("shares", format!("at most {SHARES_MAX} shares"))
            }
            Self::TooManyOwners => Refusal::new(Code::FailedPrecondition, "TOO_MANY_OWNERS", text)
                .metadata("owners_max", BOOKS_MAX.to_string()),
        }
    }
}
