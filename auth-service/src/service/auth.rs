//! `addressbook.auth.v1.AuthService`.

use std::sync::Arc;

use chassis::access::caller::RequireCaller;
use chassis::access::client_address::TrustedProxies;
use chassis::access::rate_limits::PendingLimits;
use chassis::clock::Clock;
use chassis::serve::deadline::Deadline;
use chrono::{DateTime, Utc};
use proto::auth::server::auth_service_server;
use proto::auth::v1 as pb;
use proto::auth::v1::log_in_response::Result as LogInResult;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::admin_answers::algorithm;
use super::{Jwks, client, count_checked};
use crate::accounts::Accounts;
use crate::accounts::email_verification::{Claimant, Verified};
use crate::accounts::log_in::{LogIn, LoggedIn};
use crate::accounts::sign_up::NewAccount;
use crate::error::Error;
use crate::mail::{Mail, Topic};
use crate::mfa::Mfa;
use crate::model::audit::Kind;
use crate::model::request_id::RequestId;
use crate::model::session::UserSession;
use crate::passwords::Password;
use crate::passwords::credentials::Attempt;
use crate::sessions::Sessions;
use crate::sessions::grant::Grant;
use crate::throttle::Guess;

/// The settings of this server for clients.
pub type ServerInfo = pb::GetServerInfoResponse;

/// Sign-up, log-in and tokens.
pub struct AuthService {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// Mail that anyone can request.
    pub mail: Arc<Mail>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// The second factors.
    pub mfa: Arc<Mfa>,
    /// The public keys.
    pub jwks: Jwks,
    /// The settings for clients, without those of the keys.
    pub info: ServerInfo,
    /// The check of optional access tokens.
    pub guard: RequireCaller,
    /// Proxies whose `x-forwarded-for` header is trusted.
    pub proxies: TrustedProxies,
    /// The clock.
    pub clock: Clock,
}

#[tonic::async_trait]
impl auth_service_server::AuthService for AuthService {
    async fn sign_up(
        &self,
        request: Request<pb::SignUpRequest>,
    ) -> Result<Response<pb::SignUpResponse>, Status> {
        let (client, deadline) = (client(&request, &self.proxies), Deadline::of(&request));
        let message = request.into_inner();
        let password = Zeroizing::new(message.password);
        self.accounts.ensure_sign_up_enabled()?;
        let (name, id) = (&message.display_name, &message.request_id);
        let new = NewAccount::parse(&message.email, &password, name, id)?;

        let user = self
            .accounts
            .sign_up(new, &client.ip, deadline, self.clock.now())
            .await?;

        Ok(Response::new(pb::SignUpResponse {
            user: Some(user.into()),
        }))
    }

    async fn log_in(
        &self,
        request: Request<pb::LogInRequest>,
    ) -> Result<Response<pb::LogInResponse>, Status> {
        let (client, deadline) = (client(&request, &self.proxies), Deadline::of(&request));
        let message = request.into_inner();
        let password = Zeroizing::new(message.password);
        let device_token = Zeroizing::new(message.device_token);
        let (email, label, scopes) = (&message.email, &message.client_label, &message.scopes);
        let attempt = LogIn::parse(email, &password, label, device_token, scopes)?;

        let now = self.clock.now();
        let logged_in = self
            .accounts
            .log_in(attempt, &client, deadline, now)
            .await?;

        Ok(Response::new(match logged_in {
            LoggedIn::Session(signed_in) => pb::LogInResponse {
                result: Some(LogInResult::Tokens(signed_in.tokens.into())),
                user: Some(signed_in.user.into()),
                device_token: signed_in.device_token.to_string(),
            },
            LoggedIn::Challenge(challenge) => pb::LogInResponse {
                result: Some(LogInResult::MfaChallenge(challenge.into())),
                user: None,
                device_token: String::new(),
            },
        }))
    }

    async fn complete_mfa(
        &self,
        request: Request<pb::CompleteMfaRequest>,
    ) -> Result<Response<pb::CompleteMfaResponse>, Status> {
        Ok(self.answer_mfa(request).await?)
    }

    async fn refresh_token(
        &self,
        request: Request<pb::RefreshTokenRequest>,
    ) -> Result<Response<pb::RefreshTokenResponse>, Status> {
        let client = client(&request, &self.proxies);
        let limits = PendingLimits::of(&request);
        let message = request.into_inner();
        let token = present(message.refresh_token)?;
        let request_id = RequestId::parse(&message.request_id)?;
        let grant = Grant::parse(&message.scopes)?;

        let now = self.clock.now();
        let refreshed = self
            .sessions
            .refresh(&token, request_id, grant, &client, limits, now)
            .await?;

        Ok(Response::new(pb::RefreshTokenResponse {
            tokens: Some(refreshed.tokens.into()),
            replayed: refreshed.replayed,
        }))
    }

    async fn log_out(
        &self,
        request: Request<pb::LogOutRequest>,
    ) -> Result<Response<pb::LogOutResponse>, Status> {
        let client = client(&request, &self.proxies);
        let token = present(request.into_inner().refresh_token)?;

        self.sessions.log_out(&token, &client).await?;

        Ok(Response::new(pb::LogOutResponse {}))
    }

    async fn send_email_verification(
        &self,
        request: Request<pb::SendEmailVerificationRequest>,
    ) -> Result<Response<pb::SendEmailVerificationResponse>, Status> {
        let (now, client) = (self.clock.now(), client(&request, &self.proxies));
        let asker = self.session_of(&request, now).await?;
        let email = &request.get_ref().email;

        let (topic, asker) = (Topic::Verification, asker.as_ref());
        self.mail.ask(topic, email, asker, &client.ip, now).await?;

        Ok(Response::new(pb::SendEmailVerificationResponse {}))
    }

    async fn verify_email(
        &self,
        request: Request<pb::VerifyEmailRequest>,
    ) -> Result<Response<pb::VerifyEmailResponse>, Status> {
        let (client, deadline) = (client(&request, &self.proxies), Deadline::of(&request));
        let now = self.clock.now();
        let session = self.session_of(&request, now).await?;
        let message = request.into_inner();
        let token = Zeroizing::new(message.token);
        let password = Zeroizing::new(message.current_password);
        let claimant = match session {
            Some(session) => Claimant::Session(Box::new(session.user)),
            None if password.is_empty() => Claimant::Unknown,
            None => Claimant::Password(Password::claim(&password)),
        };

        let attempt = Attempt {
            guess: Guess::CurrentPassword,
            failure: Kind::EmailVerificationFailed,
            ip: &client.ip,
            deadline,
            now,
        };
        let verified = self
            .accounts
            .verify_email(&token, claimant, attempt, &self.clock)
            .await?;

        Ok(Response::new(pb::VerifyEmailResponse {
            password_removed: verified == Verified::Claimed,
        }))
    }

    async fn request_password_reset(
        &self,
        request: Request<pb::RequestPasswordResetRequest>,
    ) -> Result<Response<pb::RequestPasswordResetResponse>, Status> {
        let (now, client) = (self.clock.now(), client(&request, &self.proxies));
        let email = &request.get_ref().email;

        self.mail
            .ask(Topic::Reset, email, None, &client.ip, now)
            .await?;

        Ok(Response::new(pb::RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        let (client, deadline) = (client(&request, &self.proxies), Deadline::of(&request));
        let message = request.into_inner();
        let token = Zeroizing::new(message.token);
        let password = Zeroizing::new(message.new_password);

        self.accounts
            .reset_password(&token, &password, &client.ip, deadline, &self.clock)
            .await?;

        Ok(Response::new(pb::ResetPasswordResponse {}))
    }

    async fn get_jwks(
        &self,
        _: Request<pb::GetJwksRequest>,
    ) -> Result<Response<pb::GetJwksResponse>, Status> {
        Ok(Response::new(self.jwks.response()))
    }

    async fn get_server_info(
        &self,
        _: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        let names = self.jwks.algorithms();
        let info = ServerInfo {
            algorithms: names.iter().map(|name| algorithm(name).into()).collect(),
            signing_algorithms: names,
            ..self.info.clone()
        };

        Ok(Response::new(info))
    }
}

impl AuthService {
    /// The session of a call with an access token, which must then be valid.
    async fn session_of<T>(
        &self,
        request: &Request<T>,
        now: DateTime<Utc>,
    ) -> Result<Option<UserSession>, Status> {
        if !request.metadata().contains_key("authorization") {
            return Ok(None);
        }
        let caller = self.guard.identify(request)?;
        let session = self.accounts.of_caller(&caller, now).await;
        Ok(Some(count_checked(&caller, request, session)?))
    }
}

fn present(refresh_token: String) -> Result<Zeroizing<String>, Error> {
    if refresh_token.is_empty() {
        return Err(Error::invalid(
            "FIELD_INVALID",
            "refresh_token",
            "is required",
        ));
    }
    Ok(Zeroizing::new(refresh_token))
}
