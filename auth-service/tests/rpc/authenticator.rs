//! An authenticator app, implemented from RFC 4226 and RFC 6238, independent of the
//! service, and users who have one.

use aws_lc_rs::hmac;
use proto::auth::v1::complete_mfa_request::Code;
use proto::auth::v1::log_in_response::Result as LogInResult;
use proto::auth::v1::{
    CompleteMfaRequest, CompleteMfaResponse, ConfirmTotpRequest, DisableTotpRequest,
    EnrollTotpRequest, EnrollTotpResponse, GetMeRequest, LogInRequest, MfaChallenge,
    RegenerateRecoveryCodesRequest, TokenPair,
};
use tonic::Status;

use crate::app::{App, PASSWORD, bearer};

/// Generous, so that calls that wait for each other do not time out on a slow machine.
pub(crate) const PATIENT: &[&str] = &["--database-statement-seconds=40"];

pub(crate) struct Authenticator {
    secret: Vec<u8>,
}

impl Authenticator {
    /// Reads a QR code.
    pub(crate) fn scan(uri: &str) -> Self {
        let (_, parameters) = uri.split_once('?').unwrap();
        let secret = parameters
            .split('&')
            .find_map(|parameter| parameter.strip_prefix("secret="));
        let (mut secret_bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for letter in secret.unwrap().bytes() {
            let five = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'2'..=b'7' => letter - b'2' + 26,
                _ => unreachable!("no base32"),
            };
            bits = bits << 5 | u32::from(five);
            count += 5;
            if count >= 8 {
                count -= 8;
                secret_bytes.push((bits >> count).to_be_bytes()[3]);
            }
        }
        Self {
            secret: secret_bytes,
        }
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The app's code at this time, in seconds since the epoch.
    pub(crate) fn code(&self, seconds: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &(seconds / 30).to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 0xf);
        let four = [tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]];
        format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
    }
}

/// A user with a second factor.
pub(crate) struct Secured {
    pub(crate) email: String,
    /// The tokens of a session from before.
    pub(crate) tokens: TokenPair,
    pub(crate) authenticator: Authenticator,
    pub(crate) recovery_codes: Vec<String>,
}

impl Secured {
    pub(crate) fn access(&self) -> &str {
        &self.tokens.access_token
    }

    /// The current code of the user's app.
    pub(crate) fn code(&self, app: &App) -> String {
        self.authenticator.code(app.now())
    }

    /// Six digits that are not a valid code at this time.
    pub(crate) fn wrong_code(&self, app: &App) -> String {
        let near = (-3..=3).map(|steps| self.authenticator.code(app.now() + 30 * steps));
        let near: Vec<_> = near.collect();
        let mut codes = (0..10).map(|number| format!("{number:06}"));
        codes.find(|code| !near.contains(code)).unwrap()
    }
}

impl App {
    pub(crate) fn now(&self) -> i64 {
        self.clock().now().timestamp()
    }

    /// Creates an account with a second factor, whose app shows an unused code.
    pub(crate) async fn secured(&self, email: &str) -> Secured {
        let tokens = self.confirmed(email).await;
        let enrolled = self.enroll(&tokens.access_token, PASSWORD).await.unwrap();
        let authenticator = Authenticator::scan(&enrolled.otpauth_uri);
        let code = authenticator.code(self.now());
        let recovery_codes = self.confirm(&tokens.access_token, &code).await.unwrap();
        self.advance(30);
        Secured {
            email: email.into(),
            tokens,
            authenticator,
            recovery_codes,
        }
    }

    pub(crate) async fn enroll(
        &self,
        access: &str,
        password: &str,
    ) -> Result<EnrollTotpResponse, Status> {
        let request = EnrollTotpRequest {
            current_password: password.into(),
        };
        let mut account = self.account.clone();
        let response = account.enroll_totp(bearer(request, access)).await;
        Ok(response?.into_inner())
    }

    pub(crate) async fn confirm(&self, access: &str, code: &str) -> Result<Vec<String>, Status> {
        let request = ConfirmTotpRequest { code: code.into() };
        let mut account = self.account.clone();
        let response = account.confirm_totp(bearer(request, access)).await;
        Ok(response?.into_inner().recovery_codes)
    }

    pub(crate) async fn disable_totp(
        &self,
        access: &str,
        password: &str,
        code: &str,
    ) -> Result<(), Status> {
        let request = DisableTotpRequest {
            current_password: password.into(),
            code: code.into(),
        };
        let mut account = self.account.clone();
        let response = account.disable_totp(bearer(request, access)).await;
        response.map(drop)
    }

    pub(crate) async fn regenerate(
        &self,
        access: &str,
        password: &str,
        code: &str,
    ) -> Result<Vec<String>, Status> {
        let request = RegenerateRecoveryCodesRequest {
            current_password: password.into(),
            code: code.into(),
        };
        let mut account = self.account.clone();
        let response = account
            .regenerate_recovery_codes(bearer(request, access))
            .await;
        Ok(response?.into_inner().recovery_codes)
    }

    /// The first half of a log-in.
    pub(crate) async fn challenge(&self, email: &str) -> MfaChallenge {
        let request = LogInRequest {
            email: email.into(),
            password: PASSWORD.into(),
            client_label: "laptop".into(),
            ..LogInRequest::default()
        };
        let response = self.auth.clone().log_in(request).await.unwrap();
        let response = response.into_inner();
        assert!(response.user.is_none());
        match response.result.unwrap() {
            LogInResult::MfaChallenge(challenge) => challenge,
            LogInResult::Tokens(_) => unreachable!("the account has a second factor"),
        }
    }

    /// The second half, with the app.
    pub(crate) async fn answer(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> Result<CompleteMfaResponse, Status> {
        let code = Code::TotpCode(code.into());
        self.complete(challenge_id, Some(code)).await
    }

    /// The second half, without it.
    pub(crate) async fn recover(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> Result<CompleteMfaResponse, Status> {
        let code = Code::RecoveryCode(code.into());
        self.complete(challenge_id, Some(code)).await
    }

    pub(crate) async fn complete(
        &self,
        challenge_id: &str,
        code: Option<Code>,
    ) -> Result<CompleteMfaResponse, Status> {
        let request = CompleteMfaRequest {
            challenge_id: challenge_id.into(),
            code,
        };
        Ok(self.auth.clone().complete_mfa(request).await?.into_inner())
    }

    pub(crate) async fn codes_left(&self, access: &str) -> i32 {
        let request = bearer(GetMeRequest {}, access);
        let response = self.account.clone().get_me(request).await.unwrap();
        response.into_inner().recovery_codes_left
    }

    /// The number of such audit events.
    pub(crate) async fn audited(&self, kind: &str) -> usize {
        let kinds = self.audit().await;
        kinds.iter().filter(|audited| *audited == kind).count()
    }
}
