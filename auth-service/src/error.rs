//! Everything that can go wrong in this service, and the one place that turns
//! it into a gRPC status.

use std::borrow::Cow;
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use chassis::access::rate_limits::RateLimited;
use chassis::access::token::TokenError;
use chassis::database::Failure;
use chassis::paging::PageError;
use chassis::status::Refusal;
use tonic::{Code, Status};

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is invalid.
    #[error("{field}: {problem}")]
    Invalid {
        /// The reason in `ErrorInfo`.
        reason: &'static str,
        /// The request field, as a path.
        field: &'static str,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// The access token cannot be used for the call.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The request has an invalid page size or page token.
    #[error("{0}")]
    Page(#[from] PageError),
    /// The operator disabled sign-up.
    #[error("sign-up is disabled on this server")]
    SignUpDisabled,
    /// The e-mail has an account.
    #[error("the e-mail already has an account")]
    EmailTaken,
    /// Unknown e-mail or wrong password; not revealed which.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// The account is disabled.
    #[error("the account is disabled")]
    AccountDisabled,
    /// The password was correct, but the e-mail is not verified.
    #[error("the e-mail is not verified")]
    EmailNotVerified,
    /// Never issued, used, expired, or for another e-mail.
    #[error("the token to verify an e-mail is invalid")]
    EmailTokenInvalid,
    /// A session requested the mail, and the call has no proof of its user.
    #[error(
        "the mail was requested in a session: send the token with an access token of the \
         account, or with its password"
    )]
    EmailTokenOfSession,
    /// The access token is another account's.
    #[error("the token is for the e-mail of another account than the one that is logged in")]
    EmailTokenOfOther,
    /// Never issued, used, expired, or from before a change of the account.
    #[error("the token to reset the password is invalid")]
    ResetTokenInvalid,
    /// Unknown service account or wrong secret; not revealed which.
    #[error("client id or secret is wrong")]
    ClientInvalid,
    /// The service account or the user may not have this scope.
    #[error("the caller may not have the scope {scope:?}")]
    ScopeNotAllowed {
        /// The scope.
        scope: String,
    },
    /// `auth.admin` needs a recent log-in.
    #[error("the log-in is too long ago for this scope; log in again")]
    AuthenticationTooOld,
    /// `auth.admin` needs a log-in with the account's second factor.
    #[error("the log-in was made without the account's second factor; log in again")]
    AuthenticationTooWeak,
    /// Not issued by this service, or of a purged session.
    #[error("the refresh token is invalid")]
    RefreshTokenInvalid,
    /// An older token of the session was presented.
    #[error("the refresh token was used before; its session is revoked")]
    RefreshTokenReused,
    /// The session was revoked.
    #[error("the session was revoked")]
    SessionRevoked,
    /// The session has expired.
    #[error("the session has expired")]
    SessionExpired,
    /// Another call refreshed the session at the same time.
    #[error("another call refreshed the session at the same time; retry")]
    RefreshConflict,
    /// Missing, ended, or someone else's.
    #[error("session not found")]
    SessionNotFound,
    /// No user has this id.
    #[error("user not found")]
    UserNotFound,
    /// Administrators cannot lock themselves out.
    #[error("administrators cannot do this to their own account")]
    OwnAccount,
    /// No administrator would be left.
    #[error("no administrator would be left")]
    LastAdministrator,
    /// No service account has this name.
    #[error("service account not found")]
    ServiceAccountNotFound,
    /// Another service account has this name.
    #[error("another service account has this client_id")]
    ServiceAccountTaken,
    /// The service account is part of the system.
    #[error("this service account is part of the system; only the operator can change it")]
    ServiceAccountBuiltIn,
    /// No signing key has this id.
    #[error("signing key not found")]
    SigningKeyNotFound,
    /// Someone else changed the resource in between.
    #[error("the account was changed in the meantime; read it again")]
    EtagMismatch {
        /// The current one.
        etag: String,
    },
    /// The e-mail or the password was changed while the call checked the password, which
    /// was correct or not checked.
    #[error("the account was changed in the meantime; retry")]
    AccountChanged,
    /// Too many passwords wait to be hashed.
    #[error("too many log-ins and sign-ups at the moment; retry")]
    HasherOverloaded {
        /// The retry delay.
        retry_after: Duration,
    },
    /// Too many exports are running.
    #[error("too many exports are running; retry")]
    ExportsBusy {
        /// The retry delay.
        retry_after: Duration,
    },
    /// The client did not read in time.
    #[error("the export was not read in time; retry")]
    ExportTooSlow,
    /// Too many wrong passwords, or too many at once.
    #[error("too many attempts; try again later")]
    LogInThrottled {
        /// The retry delay.
        retry_after: Duration,
    },
    /// Too many changes of the e-mail.
    #[error("too many changes of the e-mail; try again later")]
    EmailChangeThrottled {
        /// The retry delay.
        retry_after: Duration,
    },
    /// A wrong or used code.
    #[error("the code is invalid")]
    MfaCodeInvalid,
    /// The challenge is expired, answered or unknown.
    #[error("the challenge of the log-in is expired or answered; log in again")]
    MfaChallengeExpired,
    /// Too many wrong codes, or too many at once.
    #[error("too many wrong codes; try again later")]
    MfaThrottled {
        /// The retry delay.
        retry_after: Duration,
    },
    /// The second factor is enabled.
    #[error("an authenticator app is enrolled already; disable it first")]
    TotpEnabled,
    /// The second factor is disabled.
    #[error("the account has no second factor")]
    TotpNotEnabled,
    /// No enrolment is pending.
    #[error(
        "no enrolment is pending; enrol an authenticator app first, and confirm it within an hour"
    )]
    TotpNotPending,
    /// Too many calls.
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    /// The e-mail or session exists, but its user does not: a distributed commit is
    /// incomplete.
    #[error("the user of an e-mail or session is missing")]
    UserMissing,
    /// Another failure that is not the caller's fault.
    #[error("{failed}")]
    Internal {
        /// The failed action.
        failed: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A database call failed.
    #[error("database failure")]
    Database(#[from] sqlx::Error),
}

/// The result of calls in this service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An invalid field.
    pub fn invalid(
        reason: &'static str,
        field: &'static str,
        problem: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid {
            reason,
            field,
            problem: problem.into(),
        }
    }

    /// The call needs a code of the second factor.
    #[must_use]
    pub fn mfa_code_missing() -> Self {
        let problem = "is required, because the account has a second factor";
        Self::invalid("MFA_CODE_MISSING", "code", problem)
    }

    /// For `map_err`: an error that is not the caller's fault.
    pub fn internal<E>(failed: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Internal {
            failed,
            source: source.into(),
        }
    }

    /// The error as sent to the client.
    fn refusal(&self) -> Refusal {
        let refuse = |code, reason| Refusal::new(code, reason, self.to_string());
        let throttled =
            |reason, wait: &Duration| refuse(Code::ResourceExhausted, reason).retry_after(*wait);
        match self {
            Self::Invalid {
                reason,
                field,
                problem,
            } => refuse(Code::InvalidArgument, reason).violation(*field, problem.clone()),
            Self::Token(error) => Refusal::from(*error),
            Self::Page(error) => Refusal::from(*error),
            Self::SignUpDisabled => refuse(Code::FailedPrecondition, "SIGN_UP_DISABLED"),
            Self::EmailTaken => refuse(Code::AlreadyExists, "EMAIL_TAKEN"),
            Self::InvalidCredentials => refuse(Code::Unauthenticated, "INVALID_CREDENTIALS"),
            Self::AccountDisabled => refuse(Code::PermissionDenied, "ACCOUNT_DISABLED"),
            Self::EmailNotVerified => refuse(Code::FailedPrecondition, "EMAIL_NOT_VERIFIED"),
            Self::EmailTokenInvalid => refuse(Code::Unauthenticated, "EMAIL_TOKEN_INVALID"),
            Self::EmailTokenOfSession => refuse(Code::FailedPrecondition, "EMAIL_TOKEN_OF_SESSION"),
            Self::EmailTokenOfOther => {
                refuse(Code::FailedPrecondition, "EMAIL_TOKEN_OF_OTHER_ACCOUNT")
            }
            Self::ResetTokenInvalid => refuse(Code::Unauthenticated, "RESET_TOKEN_INVALID"),
            Self::RefreshTokenInvalid => refuse(Code::Unauthenticated, "REFRESH_TOKEN_INVALID"),
            Self::RefreshTokenReused => refuse(Code::Unauthenticated, "REFRESH_TOKEN_REUSED"),
            Self::SessionRevoked => refuse(Code::Unauthenticated, "SESSION_REVOKED"),
            Self::SessionExpired => refuse(Code::Unauthenticated, "SESSION_EXPIRED"),
            Self::RefreshConflict => refuse(Code::Aborted, "REFRESH_CONFLICT"),
            Self::SessionNotFound => refuse(Code::NotFound, "SESSION_NOT_FOUND"),
            Self::UserNotFound => refuse(Code::NotFound, "USER_NOT_FOUND"),
            Self::OwnAccount => refuse(Code::FailedPrecondition, "OWN_ACCOUNT"),
            Self::LastAdministrator => refuse(Code::FailedPrecondition, "LAST_ADMINISTRATOR"),
            Self::ServiceAccountNotFound => refuse(Code::NotFound, "SERVICE_ACCOUNT_NOT_FOUND"),
            Self::ServiceAccountTaken => refuse(Code::AlreadyExists, "SERVICE_ACCOUNT_TAKEN"),
            Self::ServiceAccountBuiltIn => {
                refuse(Code::FailedPrecondition, "SERVICE_ACCOUNT_BUILT_IN")
            }
            Self::SigningKeyNotFound => refuse(Code::NotFound, "SIGNING_KEY_NOT_FOUND"),
            Self::EtagMismatch { etag } => {
                refuse(Code::Aborted, "ETAG_MISMATCH").metadata("etag", etag)
            }
            Self::AccountChanged => refuse(Code::Aborted, "ACCOUNT_CHANGED"),
            Self::HasherOverloaded { retry_after } => throttled("HASHER_OVERLOADED", retry_after),
            Self::ExportsBusy { retry_after } => throttled("EXPORTS_BUSY", retry_after),
            Self::ExportTooSlow => refuse(Code::Aborted, "EXPORT_TOO_SLOW"),
            Self::ClientInvalid => refuse(Code::Unauthenticated, "CLIENT_INVALID"),
            Self::ScopeNotAllowed { scope } => {
                refuse(Code::PermissionDenied, "SCOPE_NOT_ALLOWED").metadata("scope", scope)
            }
            Self::AuthenticationTooOld => refuse(Code::Unauthenticated, "AUTHENTICATION_TOO_OLD"),
            Self::AuthenticationTooWeak => refuse(Code::Unauthenticated, "AUTHENTICATION_TOO_WEAK"),
            Self::LogInThrottled { retry_after } => throttled("LOG_IN_THROTTLED", retry_after),
            Self::EmailChangeThrottled { retry_after } => {
                throttled("EMAIL_CHANGE_THROTTLED", retry_after)
            }
            Self::MfaCodeInvalid => refuse(Code::Unauthenticated, "MFA_CODE_INVALID"),
            Self::MfaChallengeExpired => refuse(Code::Unauthenticated, "MFA_CHALLENGE_EXPIRED"),
            Self::MfaThrottled { retry_after } => throttled("MFA_THROTTLED", retry_after),
            Self::TotpEnabled => refuse(Code::FailedPrecondition, "TOTP_ENABLED"),
            Self::TotpNotEnabled => refuse(Code::FailedPrecondition, "TOTP_NOT_ENABLED"),
            Self::TotpNotPending => refuse(Code::FailedPrecondition, "TOTP_NOT_PENDING"),
            Self::RateLimited(limited) => Refusal::from(*limited),
            Self::UserMissing => Refusal::store_unavailable(),
            Self::Database(error) => Failure::of(error).refusal(),
            Self::Internal { .. } => Refusal::internal(),
        }
    }
}

impl From<Unspecified> for Error {
    fn from(source: Unspecified) -> Self {
        Self::internal("no random bytes")(source)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        if let Error::Database(cause) = &error {
            Failure::count(cause);
        }
        error.refusal().logged(&error)
    }
}
