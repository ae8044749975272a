//! The tokens that come by mail: who has one has read the account's mail.

use chrono::TimeDelta;

use crate::model::user_token::UserToken;

/// What they begin with.
pub const PREFIX: &str = "et1_";

/// Reads what may be a token; spaces around it came by copying.
#[must_use]
pub fn parse(text: &str) -> Option<UserToken> {
    UserToken::parse(PREFIX, text.trim())
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To confirm the e-mail.
    Verification,
    /// To choose a new password.
    Reset,
}

impl Purpose {
    /// As the table has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Reset => "reset",
        }
    }

    /// From when the mail was asked for.
    #[must_use]
    pub fn life(self) -> TimeDelta {
        match self {
            Self::Verification => TimeDelta::hours(24),
            Self::Reset => TimeDelta::minutes(15),
        }
    }
}
