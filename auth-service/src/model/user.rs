//! Accounts, as shown to users.

use chassis::text::single_line;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};

use crate::error::{Error, Result};

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// The id of the user.
    pub id: UserId,
    /// The e-mail, normalized.
    pub email: String,
    /// The display name; can be empty.
    pub display_name: String,
    /// Whether the e-mail is verified.
    pub email_verified: bool,
    /// Whether a log-in requires a second factor.
    pub mfa_enabled: bool,
    /// The user's roles.
    pub roles: Vec<String>,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Incremented with every change.
    pub version: i64,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When it was last changed.
    pub update_time: DateTime<Utc>,
    /// The requested e-mail, which the account gets once it is verified.
    pub pending_email: Option<String>,
    /// Until when the requested e-mail can be verified.
    pub pending_email_expire_time: Option<DateTime<Utc>>,
}

impl User {
    /// Whether this is the requested e-mail.
    #[must_use]
    pub fn wants(&self, email: &str) -> bool {
        self.pending_email.as_deref() == Some(email)
    }

    /// The version as an etag (RFC 9110 section 8.8.3).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// A display name: trimmed, at most 200 characters, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// The longest name, in characters; the table's CHECK says the same.
    pub const CHARS_MAX: usize = 200;

    /// Accepts a name, or returns what is wrong with it; `field` is its request field.
    pub fn parse(text: &str, field: &'static str) -> Result<Self> {
        single_line(text, Self::CHARS_MAX)
            .map(Self)
            .map_err(|problem| Error::invalid("DISPLAY_NAME_INVALID", field, problem))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
