//! A user of the running services.

use proto::auth::v1::complete_mfa_request::Code as MfaCode;
use proto::auth::v1::log_in_response::Result as LogInResult;
use proto::auth::v1::{
    ChangePasswordRequest, CompleteMfaRequest, CompleteMfaResponse, LogInRequest, LogOutRequest,
    MfaChallenge, RefreshTokenRequest, RefreshTokenResponse, SignUpRequest, TokenPair,
    VerifyEmailRequest, VerifyEmailResponse,
};
use proto::contacts::v1::{Contact, ListContactsRequest};
use tonic::Status;
use tonic_types::StatusExt;

use crate::pair::Side;

pub(crate) use testing::bearer;

pub(crate) const PASSWORD: &str = "harbour-lantern-48";
pub(crate) const OTHER_PASSWORD: &str = "copper-meadow-1931";

/// A contact.
pub(crate) fn ada() -> Contact {
    Contact {
        given_name: "Ada".into(),
        ..Contact::default()
    }
}

/// `ErrorInfo.reason`, or the code if there is none.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map_or_else(|| status.code().to_string(), |info| info.reason)
}

/// The same of a call that must fail.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    reason(&answer.unwrap_err())
}

impl Side {
    pub(crate) async fn sign_up(&self, email: &str) -> Result<(), Status> {
        self.sign_up_with(email, PASSWORD).await
    }

    pub(crate) async fn sign_up_with(&self, email: &str, password: &str) -> Result<(), Status> {
        let request = SignUpRequest {
            email: email.into(),
            password: password.into(),
            display_name: "Ada".into(),
            request_id: String::new(),
        };
        self.auth.clone().sign_up(request).await.map(drop)
    }

    pub(crate) async fn try_log_in(
        &self,
        email: &str,
        password: &str,
    ) -> Result<LogInResult, Status> {
        self.try_log_in_for(email, password, &[]).await
    }

    /// Logs in with these scopes.
    pub(crate) async fn try_log_in_for(
        &self,
        email: &str,
        password: &str,
        scopes: &[&str],
    ) -> Result<LogInResult, Status> {
        let request = LogInRequest {
            email: email.into(),
            password: password.into(),
            client_label: "attack".into(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..LogInRequest::default()
        };
        let answer = self.auth.clone().log_in(request).await?;
        Ok(answer.into_inner().result.unwrap())
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Result<TokenPair, Status> {
        match self.try_log_in(email, password).await? {
            LogInResult::Tokens(tokens) => Ok(tokens),
            LogInResult::MfaChallenge(_) => panic!("no tokens but a challenge"),
        }
    }

    pub(crate) async fn user(&self, email: &str) -> TokenPair {
        self.sign_up(email).await.unwrap();
        self.log_in(email, PASSWORD).await.unwrap()
    }

    pub(crate) async fn challenge(&self, email: &str, password: &str) -> MfaChallenge {
        match self.try_log_in(email, password).await.unwrap() {
            LogInResult::MfaChallenge(challenge) => challenge,
            LogInResult::Tokens(_) => panic!("the second factor was not asked for"),
        }
    }

    pub(crate) async fn complete(
        &self,
        challenge_id: String,
        code: MfaCode,
    ) -> Result<CompleteMfaResponse, Status> {
        let request = CompleteMfaRequest {
            challenge_id,
            code: Some(code),
        };
        Ok(self.auth.clone().complete_mfa(request).await?.into_inner())
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<RefreshTokenResponse, Status> {
        self.refresh_for(token, &[]).await
    }

    /// Refreshes with these scopes.
    pub(crate) async fn refresh_for(
        &self,
        token: &str,
        scopes: &[&str],
    ) -> Result<RefreshTokenResponse, Status> {
        let request = RefreshTokenRequest {
            refresh_token: token.into(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..RefreshTokenRequest::default()
        };
        Ok(self.auth.clone().refresh_token(request).await?.into_inner())
    }

    /// Verifies an e-mail as the user of this session.
    pub(crate) async fn verify_email(
        &self,
        token: String,
        access_token: &str,
    ) -> Result<VerifyEmailResponse, Status> {
        let request = VerifyEmailRequest {
            token,
            current_password: String::new(),
        };
        let mut auth = self.auth.clone();
        let verified = auth.verify_email(bearer(request, access_token)).await;
        Ok(verified?.into_inner())
    }

    pub(crate) async fn change_password(
        &self,
        access_token: &str,
        new_password: &str,
    ) -> Result<TokenPair, Status> {
        let request = ChangePasswordRequest {
            current_password: PASSWORD.into(),
            new_password: new_password.into(),
        };
        let mut account = self.account.clone();
        let changed = account.change_password(bearer(request, access_token)).await;
        Ok(changed?.into_inner().tokens.unwrap())
    }

    pub(crate) async fn log_out(&self, token: &str) {
        let refresh_token = token.into();
        let request = LogOutRequest { refresh_token };
        self.auth.clone().log_out(request).await.unwrap();
    }

    pub(crate) async fn list(&self, access_token: &str) -> Result<(), Status> {
        let request = bearer(ListContactsRequest::default(), access_token);
        self.book.clone().list_contacts(request).await.map(drop)
    }
}
