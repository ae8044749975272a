//! Log-in and log-out, and what else replaces the tokens of a session.

use std::fmt;

use http::HeaderMap;
use proto::auth::v1::complete_mfa_request::Code as WireCode;
use proto::auth::v1::log_in_response::Result as Answer;
use proto::auth::v1::{
    ChangePasswordRequest, CompleteMfaRequest, DeleteMeRequest, LogInRequest, LogOutRequest,
    MfaMethod, TokenPair, User,
};
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request};

use crate::client::Client;
use crate::credentials::{Credentials, DeviceToken};
use crate::error::Error;

/// What a correct password leads to.
#[derive(Debug)]
pub enum LogIn {
    /// The user is logged in.
    Done(Box<User>),
    /// The account has a second factor: ask for a code.
    Challenge(Challenge),
}

/// A log-in that waits for a code.
pub struct Challenge {
    id: String,
    email: String,
    methods: Vec<MfaMethod>,
}

impl Challenge {
    /// Whether a recovery code is accepted, too.
    #[must_use]
    pub fn accepts_recovery_codes(&self) -> bool {
        self.methods.contains(&MfaMethod::RecoveryCode)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").finish_non_exhaustive()
    }
}

/// A code of the second factor.
pub enum Code {
    /// Six digits of an authenticator app.
    Totp(String),
    /// A recovery code.
    Recovery(String),
}

impl Client {
    /// Checks the password, and stores the tokens. `label` names the session in the list
    /// of sessions.
    ///
    /// # Errors
    ///
    /// Those of `AuthService.LogIn`.
    pub async fn log_in(&self, email: &str, password: &str, label: &str) -> Result<LogIn, Error> {
        let profile = self.session().store().read().await?;
        let is_known = profile.email == email && profile.servers == *self.session().servers();
        let request = LogInRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            client_label: label.to_owned(),
            device_token: profile.device_token.0,
            ..LogInRequest::default()
        };
        let request = if is_known {
            request
        } else {
            LogInRequest {
                device_token: String::new(),
                ..request
            }
        };
        let response = self.auth().log_in(request).await?.into_inner();
        match response.result {
            Some(Answer::MfaChallenge(challenge)) => Ok(LogIn::Challenge(Challenge {
                methods: challenge.mfa_methods().collect(),
                id: challenge.id,
                email: email.to_owned(),
            })),
            Some(Answer::Tokens(tokens)) => {
                self.keep(email, Some(tokens), response.device_token)
                    .await?;
                Ok(LogIn::Done(Box::new(response.user.unwrap_or_default())))
            }
            None => Err(Error::internal("the server's response has no tokens")),
        }
    }

    /// Answers the challenge of a log-in, and stores the tokens. After a wrong code it can be
    /// answered again.
    ///
    /// # Errors
    ///
    /// Those of `AuthService.CompleteMfa`.
    pub async fn complete_mfa(&self, challenge: &Challenge, code: Code) -> Result<User, Error> {
        let request = CompleteMfaRequest {
            challenge_id: challenge.id.clone(),
            code: Some(match code {
                Code::Totp(code) => WireCode::TotpCode(code),
                Code::Recovery(code) => WireCode::RecoveryCode(code),
            }),
        };
        let response = self.auth().complete_mfa(request).await?.into_inner();
        self.keep(&challenge.email, response.tokens, response.device_token)
            .await?;
        Ok(response.user.unwrap_or_default())
    }

    /// Ends the session at the server, and forgets its tokens. Without a session it does
    /// nothing.
    ///
    /// # Errors
    ///
    /// Those of `AuthService.LogOut`; then the tokens are kept, to try again.
    pub async fn log_out(&self) -> Result<(), Error> {
        let mut locked = self.session().lock().await?;
        if let Some(credentials) = locked.profile.credentials.take() {
            let refresh_token = credentials.refresh_token.clone();
            self.auth().log_out(LogOutRequest { refresh_token }).await?;
            locked.write()?;
        }
        self.session().forget();
        Ok(())
    }

    /// Sets a new password, which ends all other sessions, and stores the new tokens.
    ///
    /// # Errors
    ///
    /// Those of `AccountService.ChangePassword`.
    pub async fn change_password(&self, current: &str, new: &str) -> Result<(), Error> {
        let token = self.access_token().await?;
        // Until the new tokens are stored, a refresh would present an old one.
        let mut locked = self.session().lock().await?;
        let request = ChangePasswordRequest {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
        };
        let mut headers = HeaderMap::new();
        token.add_to(&mut headers)?;
        let headers = MetadataMap::from_headers(headers);
        let request = Request::from_parts(headers, Extensions::new(), request);
        let response = self
            .account_without_token()
            .change_password(request)
            .await?;
        locked.profile.credentials = Some(Credentials::try_from(response.into_inner().tokens)?);
        locked.write()?;
        self.session().forget();
        Ok(())
    }

    /// Deletes the account, and forgets its tokens.
    ///
    /// # Errors
    ///
    /// Those of `AccountService.DeleteMe`.
    pub async fn delete_account(&self, password: &str) -> Result<(), Error> {
        let current_password = password.to_owned();
        let request = DeleteMeRequest { current_password };
        self.account().delete_me(request).await?;
        let mut locked = self.session().store().lock().await?;
        locked.profile.credentials = None;
        locked.profile.device_token = DeviceToken::default();
        locked.write()?;
        self.session().forget();
        Ok(())
    }

    async fn keep(
        &self,
        email: &str,
        tokens: Option<TokenPair>,
        device_token: String,
    ) -> Result<(), Error> {
        let credentials = Credentials::try_from(tokens)?;
        let mut locked = self.session().store().lock().await?;
        locked.profile.servers = self.session().servers().clone();
        email.clone_into(&mut locked.profile.email);
        locked.profile.credentials = Some(credentials);
        locked.profile.device_token = DeviceToken(device_token);
        locked.write()?;
        self.session().forget();
        Ok(())
    }
}
