//! The calls of `AccountService` and `AuthService` that are about the second factor.

use proto::auth::v1 as pb;
use proto::auth::v1::complete_mfa_request::Code as AnyCode;
use tonic::{Request, Response};
use zeroize::Zeroizing;

use super::{AccountService, AuthService, client, timestamp};
use crate::error::{Error, Result};
use crate::mfa::challenge::{self, Challenge};
use crate::mfa::{BothFactors, MfaCode};
use crate::model::user_token::UserToken;
use crate::passwords::Password;

impl AuthService {
    pub(super) async fn answer_mfa(
        &self,
        request: Request<pb::CompleteMfaRequest>,
    ) -> Result<Response<pb::CompleteMfaResponse>> {
        let client = client(&request, &self.proxies);
        let message = request.into_inner();
        let id = Zeroizing::new(message.challenge_id);
        let code = match message.code {
            Some(AnyCode::TotpCode(code)) => MfaCode::totp(&Zeroizing::new(code)),
            Some(AnyCode::RecoveryCode(code)) => MfaCode::recovery(&Zeroizing::new(code)),
            None => return Err(code_missing()),
        };
        let id = UserToken::parse(challenge::PREFIX, &id).ok_or(Error::MfaChallengeExpired)?;

        let now = self.clock.now();
        let signed_in = self.mfa.complete(&id, &code, &client, now).await?;

        Ok(Response::new(pb::CompleteMfaResponse {
            tokens: Some(signed_in.tokens.into()),
            user: Some(signed_in.user.into()),
            device_token: signed_in.device_token.to_string(),
        }))
    }
}

impl AccountService {
    pub(super) async fn enroll(
        &self,
        request: Request<pb::EnrollTotpRequest>,
    ) -> Result<Response<pb::EnrollTotpResponse>> {
        let caller = self.authenticate(&request).await?;
        let password = Zeroizing::new(request.into_inner().current_password);

        let password = Password::claim(&password);
        let enrolment = self
            .mfa
            .enroll(&caller.user, password, caller.deadline, caller.call())
            .await?;

        Ok(Response::new(pb::EnrollTotpResponse {
            secret: enrolment.secret,
            otpauth_uri: enrolment.otpauth_uri,
        }))
    }

    pub(super) async fn confirm(
        &self,
        request: Request<pb::ConfirmTotpRequest>,
    ) -> Result<Response<pb::ConfirmTotpResponse>> {
        let caller = self.authenticate(&request).await?;
        let code = Zeroizing::new(request.into_inner().code);
        if code.is_empty() {
            return Err(code_missing());
        }

        let code = MfaCode::totp(&code);
        let recovery_codes = self.mfa.confirm(&caller.user, &code, caller.call()).await?;

        Ok(Response::new(pb::ConfirmTotpResponse { recovery_codes }))
    }

    pub(super) async fn disable(
        &self,
        request: Request<pb::DisableTotpRequest>,
    ) -> Result<Response<pb::DisableTotpResponse>> {
        let caller = self.authenticate(&request).await?;
        let message = request.into_inner();
        let proof = both_factors(message.current_password, message.code)?;

        self.mfa
            .disable(&caller.user, proof, caller.deadline, caller.call())
            .await?;

        Ok(Response::new(pb::DisableTotpResponse {}))
    }

    pub(super) async fn regenerate(
        &self,
        request: Request<pb::RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<pb::RegenerateRecoveryCodesResponse>> {
        let caller = self.authenticate(&request).await?;
        let message = request.into_inner();
        let proof = both_factors(message.current_password, message.code)?;

        let recovery_codes = self
            .mfa
            .regenerate(&caller.user, proof, caller.deadline, caller.call())
            .await?;

        Ok(Response::new(pb::RegenerateRecoveryCodesResponse {
            recovery_codes,
        }))
    }
}

fn both_factors(password: String, code: String) -> Result<BothFactors> {
    let (password, code) = (Zeroizing::new(password), Zeroizing::new(code));
    if code.is_empty() {
        return Err(code_missing());
    }
    Ok(BothFactors {
        password: Password::claim(&password),
        code: MfaCode::either(&code),
    })
}

fn code_missing() -> Error {
    Error::invalid("FIELD_INVALID", "code", "is required")
}

impl From<Challenge> for pb::MfaChallenge {
    fn from(challenge: Challenge) -> Self {
        Self {
            id: challenge.id.as_str().to_owned(),
            methods: ["totp", "recovery_code"].map(str::to_owned).to_vec(),
            expire_time: Some(timestamp(challenge.expire_time)),
            mfa_methods: [pb::MfaMethod::Totp, pb::MfaMethod::RecoveryCode]
                .map(Into::into)
                .to_vec(),
        }
    }
}
