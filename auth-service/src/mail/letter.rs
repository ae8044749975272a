//! The content of a mail, before it is written.

use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::email::Email;
use crate::model::email_tokens::Purpose;

/// The topic of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Contains the token that verifies the e-mail.
    Verification,
    /// Contains the token that verifies the requested e-mail of an account.
    NewEmail,
    /// Contains the token that resets the password.
    Reset,
    /// Notifies that the password was changed.
    PasswordChanged,
    /// Notifies the previous address that the e-mail was changed.
    EmailChanged,
    /// Notifies that the second factor was enabled.
    MfaEnabled,
    /// Notifies that the second factor was disabled.
    MfaDisabled,
    /// Notifies that an administrator disabled the second factor.
    MfaReset,
    /// Notifies that the recovery codes were replaced.
    RecoveryCodesRegenerated,
    /// Notifies any address that a user offers it contacts.
    ShareOffered,
}

impl Topic {
    /// The name in logs and in budgets.
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
            Self::ShareOffered => "share-offered-mail",
        }
    }

    /// The purpose of its token.
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
            | Self::RecoveryCodesRegenerated
            | Self::ShareOffered => None,
        }
    }

    /// How long it is worth sending: as long as its token is valid, or a day.
    fn life(self) -> TimeDelta {
        self.purpose().map_or(TimeDelta::hours(24), Purpose::life)
    }
}

/// A mail to be sent. It is stored sealed, and must not be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Letter {
    /// The topic.
    pub topic: Topic,
    /// Normalised.
    pub to: String,
    /// The client's address of the call concerned.
    pub ip: String,
    /// The time of that call.
    pub time: DateTime<Utc>,
    /// The session that requested it, if any; its token is for that user only.
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// The account that requested the address, if the address has none yet.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The verified e-mail of the user who offers contacts.
    #[serde(default)]
    pub offered_by: Option<String>,
    /// Its token, created after the call.
    pub token: Option<String>,
    /// When the account of the token was created; known with the token.
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
            offered_by: None,
            token: None,
            account_time: None,
        }
    }

    /// Sets the session that requested it.
    #[must_use]
    pub fn asked_by(mut self, session_id: Option<Uuid>) -> Self {
        self.session_id = session_id;
        self
    }

    /// A letter to the new address that a user requested in a session.
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

    /// A letter to whom the user with the verified e-mail `owner` offers contacts.
    #[must_use]
    pub fn of_share(owner: &str, to: &Email, now: DateTime<Utc>) -> Self {
        Self {
            offered_by: Some(owner.to_owned()),
            // The recipient need not know where the owner is.
            ..Self::new(Topic::ShareOffered, to, "", now)
        }
    }

    /// When it expires.
    #[must_use]
    pub fn expire_time(&self) -> DateTime<Utc> {
        self.time + self.topic.life()
    }
}
