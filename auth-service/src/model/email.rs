//! E-mail addresses in requests.

pub use chassis::email::{Email, EmailError};

use crate::error::Error;

/// Parses the address in the field `field`.
pub fn parse_field(text: &str, field: &'static str) -> Result<Email, Error> {
    Email::parse(text)
        .map_err(|problem| Error::invalid("EMAIL_INVALID", field, problem.to_string()))
}

impl From<EmailError> for Error {
    fn from(problem: EmailError) -> Self {
        Self::invalid("EMAIL_INVALID", "email", problem.to_string())
    }
}
