//! What can go wrong in an export.

use chassis::status::Refusal;
use tonic::Code;

use super::{AT_A_TIME, OF_USER};
use crate::pace::SLOWEST;

/// Why an export failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum ExportError {
    /// A contact was purged, or its revision is kept no longer.
    #[error("contacts were changed or purged during the export; export again")]
    Changed,
    /// Too many exports are running.
    #[error("too many exports are running; wait until yours is done, or retry later")]
    TooMany,
    /// The client makes the service wait for too long.
    #[error("the file was read too slowly: {SLOWEST}; export again")]
    TooSlow,
}

impl ExportError {
    pub(crate) fn refusal(self) -> Refusal {
        let text = self.to_string();
        match self {
            Self::Changed => Refusal::new(Code::Aborted, "EXPORT_CHANGED", text),
            Self::TooSlow => Refusal::new(Code::Aborted, "EXPORT_TOO_SLOW", text),
            Self::TooMany => Refusal::new(Code::ResourceExhausted, "EXPORT_LIMIT_EXCEEDED", text)
                .quota(
                    "exports",
                    format!("at most {OF_USER} of a user and {AT_A_TIME} in all at a time"),
                ),
        }
    }
}
