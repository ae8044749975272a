//! The audit log.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account was created.
    SignUp,
    /// A sign-up was refused: the e-mail belongs to this account.
    SignUpTaken,
    /// The account's sign-up was repeated with another password.
    SignUpFailed,
    /// A session was started.
    LogIn,
    /// A log-in failed: wrong password, or the account is unknown, disabled or
    /// unverified.
    LogInFailed,
    /// A refresh was repeated, and the response sent again.
    RefreshReplayed,
    /// An older refresh token was presented; its session was revoked.
    RefreshReused,
    /// A client logged out.
    LogOut,
    /// The user revoked one session.
    SessionRevoked,
    /// The user revoked every other session.
    OtherSessionsRevoked,
    /// A log-in revoked the least recently used sessions, because the user had too many;
    /// the detail is their number.
    SessionsDisplaced,
    /// The password was changed; every other session was revoked.
    PasswordChanged,
    /// A change of the password was refused: the current one was wrong.
    PasswordChangeFailed,
    /// An administrator disabled a user; every session was revoked.
    UserDisabled,
    /// An administrator enabled a user.
    UserEnabled,
    /// An administrator revoked every session of a user.
    UserSessionsRevoked,
    /// An administrator changed a user's roles; the detail has the old and the new ones.
    UserRolesSet,
    /// An administrator disabled a user's second factor.
    UserMfaReset,
    /// An administrator created a service account, which the detail names. Events of
    /// service accounts have their own ids.
    ServiceAccountCreated,
    /// An administrator added a secret to a service account.
    ServiceAccountSecretRotated,
    /// An administrator deleted a service account.
    ServiceAccountDeleted,
    /// A password was correct, and the second factor is required.
    MfaChallenged,
    /// A code, or the password for a change of the second factor, was wrong.
    MfaFailed,
    /// The second factor was enabled.
    MfaEnabled,
    /// The second factor was disabled.
    MfaDisabled,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// New recovery codes were generated.
    RecoveryCodesRegenerated,
    /// A mail with a token to reset the password is on its way.
    PasswordResetRequested,
    /// The password was reset with the token from a mail; every session was revoked.
    PasswordReset,
    /// The e-mail was verified.
    EmailVerified,
    /// A verification of the e-mail was refused: the password was wrong.
    EmailVerificationFailed,
    /// The owner of the mailbox took the account over with the first verification:
    /// sessions were revoked, second factor and password removed.
    AccountClaimed,
    /// Another e-mail was requested; the account gets it once it is verified.
    EmailChangeRequested,
    /// The e-mail was changed.
    EmailChanged,
    /// A change of the e-mail was refused: the current password was wrong.
    EmailChangeFailed,
    /// A change of the e-mail was refused: another account has it.
    EmailChangeTaken,
    /// The account was deleted, by its user or by an administrator.
    UserDeleted,
    /// The account was deleted: its e-mail was never verified, and nobody used it.
    UserExpired,
    /// The deletion of the account was refused: the current password was wrong.
    UserDeletionFailed,
    /// A signing key was created and published. Events of keys have the nil user id.
    SigningKeyStaged,
    /// A signing key became active.
    SigningKeyActivated,
    /// A signing key was revoked.
    SigningKeyRevoked,
}

impl Kind {
    /// The name in the table and in the API.
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

/// An entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The id of the entry.
    pub id: Uuid,
    /// The account concerned.
    pub user_id: UserId,
    /// The kind's [`Kind::name`]; a newer version may have more kinds.
    pub kind: String,
    /// When it happened.
    pub event_time: DateTime<Utc>,
    /// The session concerned.
    pub session_id: Option<Uuid>,
    /// The client's address.
    pub ip: String,
    /// Who acted, if not the user itself; nil is the operator.
    pub actor_id: Option<UserId>,
    /// Details.
    pub detail: Option<String>,
}

/// A filter of entries.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Only entries of this user or service account.
    pub user_id: Option<UserId>,
    /// Only entries of this kind.
    pub kind: Option<String>,
    /// Only entries at this time or later.
    pub start: DateTime<Utc>,
    /// Only entries before this time.
    pub end: DateTime<Utc>,
}

impl Selection {
    /// The longest name of a kind, in bytes.
    const KIND_BYTES_MAX: usize = 64;

    /// Parses the request; unset fields do not filter.
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
