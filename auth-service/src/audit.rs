//! What is written down for good.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account was made.
    SignUp,
    /// A session was started.
    LogIn,
    /// The password was wrong, the account unknown or disabled.
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
    /// The password was changed; every other session was ended.
    PasswordChanged,
    /// A change of the password was refused: the current one was wrong.
    PasswordChangeFailed,
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
            Self::LogIn => "log_in",
            Self::LogInFailed => "log_in_failed",
            Self::RefreshReplayed => "refresh_replayed",
            Self::RefreshReused => "refresh_reused",
            Self::LogOut => "log_out",
            Self::SessionRevoked => "session_revoked",
            Self::OtherSessionsRevoked => "other_sessions_revoked",
            Self::PasswordChanged => "password_changed",
            Self::PasswordChangeFailed => "password_change_failed",
            Self::SigningKeyStaged => "signing_key_staged",
            Self::SigningKeyActivated => "signing_key_activated",
            Self::SigningKeyRevoked => "signing_key_revoked",
        }
    }
}
