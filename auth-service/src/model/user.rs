//! An account, as its user sees it.

use chassis::text::single_line;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};

use crate::error::{Error, Result};

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its identity.
    pub id: UserId,
    /// Normalised.
    pub email: String,
    /// The name to show; can be empty.
    pub display_name: String,
    /// Whether the owner of the mailbox has confirmed it.
    pub email_verified: bool,
    /// Whether a log-in asks for a second factor.
    pub mfa_enabled: bool,
    /// What the user may do beyond its own account.
    pub roles: Vec<String>,
    /// Whether it may not be used.
    pub disabled: bool,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// When it was last changed.
    pub update_time: DateTime<Utc>,
    /// The e-mail that it has once the owner of that mailbox confirms it.
    pub pending_email: Option<String>,
    /// Until when that is possible.
    pub pending_email_expire_time: Option<DateTime<Utc>>,
}

impl User {
    /// Whether this is the e-mail that the user wants.
    #[must_use]
    pub fn wants(&self, email: &str) -> bool {
        self.pending_email.as_deref() == Some(email)
    }

    /// The version as clients see it (RFC 9110 section 8.8.3).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// A name to show: trimmed, at most 200 characters, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// The longest name, in characters; the table's CHECK says the same.
    pub const CHARS_MAX: usize = 200;

    /// Accepts a name or says what is wrong with it; `field` is where it came
    /// from.
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
