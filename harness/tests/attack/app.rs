//! Users with a second factor.

use proto::auth::v1::{ConfirmTotpRequest, EnrollTotpRequest, TokenPair};

use crate::pair::{Pair, Side};
use crate::totp::{totp_code, totp_secret};
use crate::user::{PASSWORD, bearer};

/// A user with an authenticator app, of which only the first code was used.
pub(crate) struct Secured {
    pub(crate) tokens: TokenPair,
    /// As typed by people.
    pub(crate) secret: String,
    pub(crate) recovery_codes: Vec<String>,
}

impl Secured {
    pub(crate) async fn new(pair: &Pair, side: &Side, email: &str) -> Self {
        let tokens = side.user(email).await;
        let token = pair
            .mailbox
            .token(email, "Confirm your e-mail address")
            .await;
        let verified = side.verify_email(token, &tokens.access_token).await;
        verified.unwrap();
        let request = EnrollTotpRequest {
            current_password: PASSWORD.into(),
        };
        let mut account = side.account.clone();
        let enrolled = account
            .enroll_totp(bearer(request, &tokens.access_token))
            .await;
        let secret = enrolled.unwrap().into_inner().secret;
        // The earliest code that is accepted, so that later ones remain unused.
        let code = totp_code(&totp_secret(&secret), 0);
        let request = bearer(ConfirmTotpRequest { code }, &tokens.access_token);
        let confirmed = account.confirm_totp(request).await.unwrap();
        Self {
            tokens,
            secret,
            recovery_codes: confirmed.into_inner().recovery_codes,
        }
    }

    /// An unused code.
    pub(crate) fn code(&self) -> String {
        totp_code(&totp_secret(&self.secret), 1)
    }
}
