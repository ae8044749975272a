//! Messages with passwords or tokens print only their name, so that no `{:?}` can log a
//! secret. The list in build.rs is the same.

use std::fmt;

use crate::auth::v1 as auth;

macro_rules! opaque {
    ($($message:ident),* $(,)?) => {$(
        impl fmt::Debug for auth::$message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque!(
    ChangeEmailRequest,
    ChangePasswordRequest,
    CompleteMfaRequest,
    CompleteMfaResponse,
    ConfirmTotpRequest,
    ConfirmTotpResponse,
    CreateServiceAccountResponse,
    DeleteMeRequest,
    DisableTotpRequest,
    EnrollTotpRequest,
    EnrollTotpResponse,
    IntrospectTokenRequest,
    IssueServiceTokenRequest,
    IssueServiceTokenResponse,
    LogInRequest,
    LogInResponse,
    LogOutRequest,
    MfaChallenge,
    RefreshTokenRequest,
    RegenerateRecoveryCodesRequest,
    RegenerateRecoveryCodesResponse,
    ResetPasswordRequest,
    RotateServiceAccountSecretResponse,
    SignUpRequest,
    TokenPair,
    VerifyEmailRequest,
);

/// Part of a message with tokens.
impl fmt::Debug for auth::log_in_response::Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens(_) => "Tokens(..)",
            Self::MfaChallenge(_) => "MfaChallenge(..)",
        })
    }
}
