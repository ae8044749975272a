//! Everything that can go wrong in this service, and its gRPC status.

use chassis::access::token::TokenError;
use chassis::auth_client::identity::IdentityError;
use chassis::database::Failure;
use chassis::paging::PageError;
use chassis::status::Refusal;
use prost::Message;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::contact::ContactId;
use crate::export::error::ExportError;
use crate::import::error::ImportError;
use crate::model::label::{LABELS_MAX, LabelId};
use crate::model::quota::ExceededLimit;

pub use crate::model::share::error::ShareError;

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is unknown, or not allowed to do this.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The request has an invalid page size or page token.
    #[error("{0}")]
    Page(#[from] PageError),
    /// The request is invalid.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// Missing, or owned by someone else.
    #[error("contact not found")]
    NotFound(ContactId),
    /// The contact has no photo.
    #[error("the contact has no photo")]
    PhotoNotFound(ContactId),
    /// The contact has no such revision, or it was deleted.
    #[error("the contact has no such revision")]
    RevisionNotFound {
        /// The contact.
        id: ContactId,
        /// The revision.
        version: i64,
    },
    /// The contact or label was changed after the caller read it.
    #[error("the resource was changed in the meantime; read it again")]
    EtagMismatch {
        /// The contact's or label's.
        id: Uuid,
        /// The etag it has now.
        current: String,
    },
    /// There is no such contact, or it is not the caller's.
    #[error("there is no contact with this uid")]
    UidNotFound(String),
    /// Another contact of the owner has this uid.
    #[error("another contact has this uid")]
    UidTaken {
        /// The path of the uid in the request.
        field: String,
        /// That contact, if the caller may know it.
        holder: Option<ContactId>,
    },
    /// The contact to undelete is not deleted.
    #[error("the contact is not deleted")]
    NotDeleted,
    /// The contact to purge is not deleted.
    #[error("the contact is not deleted")]
    StillLive(ContactId),
    /// The merged contact would be invalid.
    #[error("the merged contact would be too large: {0}")]
    MergeTooLarge(Invalid),
    /// The merge does not exist, was undone, or is too old.
    #[error("the merge does not exist, is undone already, or is too old")]
    MergeNotFound,
    /// A contact was written or purged after the merge.
    #[error("a contact of the merge was changed since")]
    MergeChanged(ContactId),
    /// The owner has too many ignored pairs.
    #[error("too many pairs are ignored")]
    TooManyIgnored {
        /// The maximum number of pairs.
        limit: i64,
    },
    /// The owner's quota is exceeded.
    #[error("the address book is full")]
    QuotaExceeded(ExceededLimit),
    /// The sync token has expired.
    #[error("the sync token has expired; start again with an empty one")]
    SyncTokenExpired,
    /// The caller has too many streams.
    #[error("you have too many open watch streams")]
    TooManyWatches {
        /// The maximum number of streams.
        limit: usize,
    },
    /// An error about a label.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// An error about a share.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// An error about an import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// An error about an export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The auth service did not return the caller.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// One request of a batch failed.
    #[error("request {number} of the batch: {error}")]
    InBatch {
        /// Its number, from 0.
        number: usize,
        /// The error.
        error: Box<Error>,
    },
    /// A database call failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Stored bytes are not a valid contact.
    #[error("a stored contact cannot be read")]
    Corrupt(#[from] prost::DecodeError),
}

/// Why a call about a label failed.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// Missing, or owned by someone else.
    #[error("label not found")]
    NotFound(LabelId),
    /// Another label of the owner has this name.
    #[error("another label has this name")]
    Taken(LabelId),
    /// The owner has too many labels.
    #[error("there are too many labels")]
    QuotaExceeded,
    /// The label has more contacts than one call can rewrite.
    #[error("too many contacts have this label")]
    TooLarge {
        /// The maximum number of contacts.
        limit: usize,
    },
}

impl LabelError {
    fn refusal(&self) -> Refusal {
        let text = self.to_string();
        match self {
            Self::NotFound(id) => {
                Refusal::new(Code::NotFound, "LABEL_NOT_FOUND", text).metadata("id", id.to_string())
            }
            Self::Taken(id) => Refusal::new(Code::AlreadyExists, "LABEL_TAKEN", text)
                .metadata("id", id.to_string())
                .violation("label.name", "is that of another label"),
            Self::QuotaExceeded => {
                Refusal::new(Code::ResourceExhausted, "LABEL_QUOTA_EXCEEDED", text)
                    .quota("labels", format!("at most {LABELS_MAX} labels"))
            }
            Self::TooLarge { limit } => {
                Refusal::new(Code::FailedPrecondition, "LABEL_TOO_LARGE", text)
                    .metadata("contacts_max", limit.to_string())
            }
        }
    }
}

/// An invalid request: one reason, and every field concerned.
#[derive(Debug, thiserror::Error)]
#[error("{}", describe(violations))]
pub struct Invalid {
    reason: &'static str,
    violations: Vec<(String, String)>,
}

fn describe(violations: &[(String, String)]) -> String {
    match violations {
        [] => String::new(),
        [(field, problem)] => format!("{field} {problem}"),
        [(field, problem), rest @ ..] => {
            format!("{field} {problem} (and {} more)", rest.len())
        }
    }
}

impl Invalid {
    /// The maximum number of violations in a response, because trailers must stay small.
    const SHOWN: usize = 20;

    /// Several fields at a time, as pairs of path and problem.
    #[must_use]
    pub fn many(reason: &'static str, violations: Vec<(String, String)>) -> Self {
        Self { reason, violations }
    }

    fn shown_on(&self, refusal: Refusal) -> Refusal {
        let shown = self.violations.iter().take(Self::SHOWN);
        shown.fold(refusal, |refusal, (field, problem)| {
            refusal.violation(field.clone(), problem.clone())
        })
    }
}

/// The result of calls in this service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One invalid field: its path in the request, and the problem.
    pub fn invalid(
        reason: &'static str,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Invalid::many(reason, vec![(field.into(), problem.into())]).into()
    }

    /// Another contact has the uid of a new one.
    #[must_use]
    pub fn uid_taken(holder: Option<ContactId>) -> Self {
        let field = "contact.uid".to_owned();
        Self::UidTaken { field, holder }
    }

    /// The same error for the request with this number in a batch.
    #[must_use]
    pub fn within(self, number: usize) -> Self {
        let path = |field: &str| format!("requests[{number}].{field}");
        match self {
            Self::Invalid(invalid) => {
                let violations = invalid.violations.into_iter();
                let violations = violations.map(|(field, problem)| (path(&field), problem));
                Invalid::many(invalid.reason, violations.collect()).into()
            }
            Self::UidTaken { field, holder } => Self::UidTaken {
                field: path(&field),
                holder,
            },
            Self::NotFound(_) | Self::EtagMismatch { .. } | Self::Share(_) => Self::InBatch {
                number,
                error: Box::new(self),
            },
            error => error,
        }
    }

    fn refusal(&self) -> Refusal {
        let text = self.to_string();
        match self {
            Self::Token(error) => (*error).into(),
            Self::Page(error) => (*error).into(),
            Self::Invalid(invalid) => {
                let refusal = Refusal::new(Code::InvalidArgument, invalid.reason, text);
                invalid.shown_on(refusal)
            }
            Self::MergeTooLarge(invalid) => {
                let refusal = Refusal::new(Code::FailedPrecondition, "MERGE_TOO_LARGE", text);
                invalid.shown_on(refusal)
            }
            Self::MergeNotFound => Refusal::new(Code::NotFound, "MERGE_NOT_FOUND", text),
            Self::MergeChanged(id) => Refusal::new(Code::FailedPrecondition, "MERGE_CHANGED", text)
                .metadata("id", id.to_string()),
            Self::TooManyIgnored { limit } => {
                Refusal::new(Code::ResourceExhausted, "IGNORED_PAIRS_EXCEEDED", text)
                    .quota("ignored pairs", format!("at most {limit} pairs"))
            }
            Self::NotFound(id) => Refusal::new(Code::NotFound, "CONTACT_NOT_FOUND", text)
                .metadata("id", id.to_string()),
            Self::PhotoNotFound(id) => photo_not_found(*id, text),
            Self::UidNotFound(uid) => {
                Refusal::new(Code::NotFound, "CONTACT_NOT_FOUND", text).metadata("uid", uid.clone())
            }
            Self::RevisionNotFound { id, version } => {
                Refusal::new(Code::NotFound, "REVISION_NOT_FOUND", text)
                    .metadata("id", id.to_string())
                    .metadata("revision_id", version.to_string())
            }
            Self::EtagMismatch { id, current } => {
                Refusal::new(Code::Aborted, "ETAG_MISMATCH", text)
                    .metadata("id", id.to_string())
                    .metadata("etag", current.clone())
            }
            Self::UidTaken { field, holder } => {
                let refusal = Refusal::new(Code::AlreadyExists, "UID_TAKEN", text)
                    .violation(field.clone(), "is that of another contact");
                match holder {
                    Some(id) => refusal.metadata("id", id.to_string()),
                    None => refusal,
                }
            }
            Self::NotDeleted => Refusal::new(Code::AlreadyExists, "CONTACT_NOT_DELETED", text),
            Self::StillLive(id) => still_live(*id, text),
            Self::QuotaExceeded(exceeded) => {
                let (subject, problem) = limit(*exceeded);
                Refusal::new(Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED", text)
                    .quota(subject, problem)
            }
            Self::SyncTokenExpired => {
                Refusal::new(Code::FailedPrecondition, "SYNC_TOKEN_EXPIRED", text)
            }
            Self::TooManyWatches { limit } => {
                Refusal::new(Code::ResourceExhausted, "WATCH_LIMIT_EXCEEDED", text)
                    .quota("streams", format!("at most {limit} streams at a time"))
            }
            Self::Label(error) => error.refusal(),
            Self::Share(error) => error.refusal(),
            Self::Import(error) => error.refusal(),
            Self::Export(error) => error.refusal(),
            Self::Identity(_) => auth_unavailable(),
            Self::InBatch { number, error } => {
                let problem = error.to_string();
                let refusal = error.refusal();
                refusal.violation(format!("requests[{number}]"), problem)
            }
            Self::Database(error) => Failure::of(error).refusal(),
            Self::Corrupt(_) => Refusal::internal(),
        }
    }
}

fn still_live(id: ContactId, text: String) -> Refusal {
    Refusal::new(Code::FailedPrecondition, "CONTACT_NOT_DELETED", text)
        .metadata("id", id.to_string())
}

fn photo_not_found(id: ContactId, text: String) -> Refusal {
    Refusal::new(Code::NotFound, "PHOTO_NOT_FOUND", text).metadata("id", id.to_string())
}

fn auth_unavailable() -> Refusal {
    let text = "the service cannot reach the auth service; retry";
    Refusal::new(Code::Unavailable, "AUTH_UNAVAILABLE", text)
}

/// The exceeded quota, and its limit.
fn limit(exceeded: ExceededLimit) -> (&'static str, String) {
    let (subject, limit, which) = match exceeded {
        ExceededLimit::Contacts(limit) => ("contacts", limit, "without deleted ones"),
        ExceededLimit::Bytes(limit) => ("bytes", limit, "with deleted contacts"),
    };
    (subject, format!("at most {limit} {subject}, {which}"))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            // The auth service's own error.
            Error::Identity(IdentityError::Refused(status)) => status,
            error => {
                if let Error::Database(cause) = &error {
                    Failure::count(cause);
                }
                error.refusal().logged(&error)
            }
        }
    }
}

/// The result of one request of a batch.
impl From<Error> for tonic_types::Status {
    fn from(error: Error) -> Self {
        let status = Status::from(error);
        // The details of a status are an encoded message of this type.
        Self::decode(status.details()).unwrap_or_default()
    }
}
