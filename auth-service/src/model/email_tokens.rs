//! Mailed tokens, which prove access to the account's mailbox.

use chrono::TimeDelta;

use crate::model::user_token::UserToken;

/// Their prefix.
pub const PREFIX: &str = "et1_";

/// Parses a token; surrounding spaces come from copying and are ignored.
#[must_use]
pub fn parse(text: &str) -> Option<UserToken> {
    UserToken::parse(PREFIX, text.trim())
}

/// The purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Verifies the e-mail.
    Verification,
    /// Resets the password.
    Reset,
}

impl Purpose {
    /// The name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Reset => "reset",
        }
    }

    /// How long a token is valid after its mail was requested.
    #[must_use]
    pub fn life(self) -> TimeDelta {
        match self {
            Self::Verification => TimeDelta::hours(24),
            Self::Reset => TimeDelta::minutes(15),
        }
    }
}
