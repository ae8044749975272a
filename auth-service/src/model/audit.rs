//! What is written down for good.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account was made.
    SignUp,
    /// A sign-up was refused: the e-mail is this account's.
    SignUpTaken,
    /// The account's own sign-up was repeated, with another password.
    SignUpFailed,
    /// A session was started.
    LogIn,
    /// The password was wrong, the account unknown, disabled or not confirmed.
    LogInFailed,
    /// A refresh was answered again.
    RefreshReplayed,
    /// An older refresh token was presented; its session was ended.
    RefreshReused,
    /// A client ended its session.
    LogOut,
    /// The user ended one session.
    SessionRevoked,
    /// The user ended every session but the one that called.
    OtherSessionsRevoked,
    /// A log-in ended the sessions that were used the longest ago, since the user had too
    /// many; the detail is how many ended.
    SessionsDisplaced,
    /// The password was changed; every other session was ended.
    PasswordChanged,
    /// A change of the password was refused: the current one was wrong.
    PasswordChangeFailed,
    /// An administrator locked a user out; every session was ended.
    UserDisabled,
    /// An administrator let a user in again.
    UserEnabled,
    /// An administrator ended every session of a user.
    UserSessionsRevoked,
    /// An administrator changed a user's roles; the detail has the old and the new ones.
    UserRolesSet,
    /// An administrator turned a user's second factor off.
    UserMfaReset,
    /// An administrator made a service account, which the detail names. Events of service
    /// accounts are under their own ids.
    ServiceAccountCreated,
    /// An administrator added a secret to a service account.
    ServiceAccountSecretRotated,
    /// An administrator deleted a service account.
    ServiceAccountDeleted,
    /// A password was right, and the second factor is asked for.
    MfaChallenged,
    /// A code, or the password for a change of the second factor, was wrong.
    MfaFailed,
    /// The second factor was turned on.
    MfaEnabled,
    /// The second factor was turned off.
    MfaDisabled,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Other recovery codes were made.
    RecoveryCodesRegenerated,
    /// A mail with a token to choose a new password is on its way.
    PasswordResetRequested,
    /// The password was set with the token from a mail; every session was ended.
    PasswordReset,
    /// The owner of the mailbox has confirmed the e-mail.
    EmailVerified,
    /// A confirmation of the e-mail was refused: the password was wrong.
    EmailVerificationFailed,
    /// The owner of the mailbox has confirmed the e-mail for the first time, and not shown
    /// to have set the account up: sessions, second factor and password were ended.
    AccountClaimed,
    /// Another e-mail was asked for; the account has it once that is confirmed.
    EmailChangeRequested,
    /// The account has another e-mail.
    EmailChanged,
    /// A change of the e-mail was refused: the current password was wrong.
    EmailChangeFailed,
    /// A change of the e-mail was refused: another account has it.
    EmailChangeTaken,
    /// The account was ended, by its user or by an administrator.
    UserDeleted,
    /// The account was ended: nobody had confirmed its e-mail, and nobody used it.
    UserExpired,
    /// The user's end of the account was refused: the current password was wrong.
    UserDeletionFailed,
    /// A signing key was made, and is published. Events of keys are under the nil
    /// user id.
    SigningKeyStaged,
    /// A signing key signs from now on.
    SigningKeyActivated,
    /// A signing key is published no more.
    SigningKeyRevoked,
}

impl Kind {
    /// As the table has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SignUpTaken => "sign_up_taken",
            Self::SignUpFailed => "sign_up_failed",
            Self::LogIn => "log_in",
            Self::LogInFailed => "log_in_failed",
            Self::RefreshReplayed => "refresh_replayed",
            Self::RefreshReused => "refresh_reused",
            Self::LogOut => "log_out",
            Self::SessionRevoked => "session_revoked",
            Self::OtherSessionsRevoked => "other_sessions_revoked",
            Self::SessionsDisplaced => "sessions_displaced",
            Self::PasswordChanged => "password_changed",
            Self::PasswordChangeFailed => "password_change_failed",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::UserSessionsRevoked => "user_sessions_revoked",
            Self::UserRolesSet => "user_roles_set",
            Self::UserMfaReset => "user_mfa_reset",
            Self::ServiceAccountCreated => "service_account_created",
            Self::ServiceAccountSecretRotated => "service_account_secret_rotated",
            Self::ServiceAccountDeleted => "service_account_deleted",
            Self::MfaChallenged => "mfa_challenged",
            Self::MfaFailed => "mfa_failed",
            Self::MfaEnabled => "mfa_enabled",
            Self::MfaDisabled => "mfa_disabled",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesRegenerated => "recovery_codes_regenerated",
            Self::PasswordResetRequested => "password_reset_requested",
            Self::PasswordReset => "password_reset",
            Self::EmailVerified => "email_verified",
            Self::EmailVerificationFailed => "email_verification_failed",
            Self::AccountClaimed => "account_claimed",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::EmailChangeFailed => "email_change_failed",
            Self::EmailChangeTaken => "email_change_taken",
            Self::UserDeleted => "user_deleted",
            Self::UserExpired => "user_expired",
            Self::UserDeletionFailed => "user_deletion_failed",
            Self::SigningKeyStaged => "signing_key_staged",
            Self::SigningKeyActivated => "signing_key_activated",
            Self::SigningKeyRevoked => "signing_key_revoked",
        }
    }
}

/// Stands for the signing keys in place of a user, and for the operator as the actor.
pub const NO_USER: UserId = UserId(Uuid::nil());

/// What was written down.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its identity.
    pub id: Uuid,
    /// Whose account it is about.
    pub user_id: UserId,
    /// What happened, as [`Kind::name`] has it; a newer version may know more kinds.
    pub kind: String,
    /// When.
    pub event_time: DateTime<Utc>,
    /// The session it is about.
    pub session_id: Option<Uuid>,
    /// Where the call came from.
    pub ip: String,
    /// Who did it, where that is not the user itself; nil is the operator.
    pub actor_id: Option<UserId>,
    /// What else there is to tell.
    pub detail: Option<String>,
}

/// Which entries are looked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Only what is about this user or service account.
    pub user_id: Option<UserId>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only what happened then or later.
    pub start: DateTime<Utc>,
    /// Only what happened before.
    pub end: DateTime<Utc>,
}

impl Selection {
    /// The longest name of a kind, in bytes.
    const KIND_BYTES_MAX: usize = 64;

    /// Reads what came over the wire; what is left out does not matter.
    pub fn parse(
        user_id: Option<UserId>,
        kind: String,
        start: Option<DateTime<Utc>>,
        end: Option<DateTime<Utc>>,
    ) -> Result<Self> {
        let is_name = |kind: &str| {
            kind.len() <= Self::KIND_BYTES_MAX
                && kind
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        if !is_name(&kind) {
            let problem = "is not the name of a kind";
            return Err(Error::invalid("KIND_INVALID", "kind", problem));
        }
        Ok(Self {
            user_id,
            kind: (!kind.is_empty()).then_some(kind),
            start: start.unwrap_or(DateTime::UNIX_EPOCH),
            end: end.unwrap_or(DateTime::<Utc>::MAX_UTC),
        })
    }
}
