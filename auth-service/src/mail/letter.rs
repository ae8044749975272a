//! What a mail is about, before it is written.

use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::email::Email;
use crate::model::email_tokens::Purpose;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Brings the token to confirm the e-mail.
    Verification,
    /// Brings the token to confirm the e-mail that an account shall have.
    NewEmail,
    /// Brings the token to choose a new password.
    Reset,
    /// Tells that the password is another.
    PasswordChanged,
    /// Tells the address before that it is the account's no more.
    EmailChanged,
    /// Tells that log-ins ask for a second factor.
    MfaEnabled,
    /// Tells that they do so no more.
    MfaDisabled,
    /// Tells that an administrator turned the second factor off.
    MfaReset,
    /// Tells that the recovery codes are others.
    RecoveryCodesRegenerated,
}

impl Topic {
    /// For logs, and for what is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification-mail",
            Self::NewEmail => "new-email-mail",
            Self::Reset => "reset-mail",
            Self::PasswordChanged => "password-changed-mail",
            Self::EmailChanged => "email-changed-mail",
            Self::MfaEnabled => "mfa-enabled-mail",
            Self::MfaDisabled => "mfa-disabled-mail",
            Self::MfaReset => "mfa-reset-mail",
            Self::RecoveryCodesRegenerated => "recovery-codes-regenerated-mail",
        }
    }

    /// What the token that it brings is good for.
    #[must_use]
    pub fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Verification | Self::NewEmail => Some(Purpose::Verification),
            Self::Reset => Some(Purpose::Reset),
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::MfaEnabled
            | Self::MfaDisabled
            | Self::MfaReset
            | Self::RecoveryCodesRegenerated => None,
        }
    }

    /// How long it is worth sending: as long as its token is valid, or a day.
    fn life(self) -> TimeDelta {
        self.purpose().map_or(TimeDelta::hours(24), Purpose::life)
    }
}

/// A mail that is to be sent. It is stored sealed, and must not be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Letter {
    /// What it is about.
    pub topic: Topic,
    /// Normalised.
    pub to: String,
    /// Where the call came from that it is about.
    pub ip: String,
    /// When that was.
    pub time: DateTime<Utc>,
    /// The session that asked for it, where one did; its token is for that user alone.
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// The account that shall have the address, where it has none yet.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// What it brings; made after the call.
    pub token: Option<String>,
    /// When the account that the token is for was made; known with the token.
    #[serde(default)]
    pub account_time: Option<DateTime<Utc>>,
}

impl Letter {
    /// A letter about a call from `ip` at `now`.
    #[must_use]
    pub fn new(topic: Topic, to: &Email, ip: &str, now: DateTime<Utc>) -> Self {
        Self {
            topic,
            to: to.as_str().to_owned(),
            ip: ip.to_owned(),
            time: now,
            session_id: None,
            user_id: None,
            token: None,
            account_time: None,
        }
    }

    /// Says which session asks for it.
    #[must_use]
    pub fn asked_by(mut self, session_id: Option<Uuid>) -> Self {
        self.session_id = session_id;
        self
    }

    /// To the address that a user wants, as a session of its says.
    #[must_use]
    pub fn of_new_email(
        (user_id, session_id): (UserId, Uuid),
        to: &Email,
        ip: &str,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            session_id: Some(session_id),
            user_id: Some(user_id),
            ..Self::new(Topic::NewEmail, to, ip, now)
        }
    }

    /// When it expires.
    #[must_use]
    pub fn expire_time(&self) -> DateTime<Utc> {
        self.time + self.topic.life()
    }
}
