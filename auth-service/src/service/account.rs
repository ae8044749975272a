//! `addressbook.auth.v1.AccountService`.

use std::pin::Pin;
use std::sync::Arc;

use chassis::access::caller::Caller;
use chassis::access::client_address::TrustedProxies;
use chassis::clock::Clock;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use chassis::serve::while_allowed::{TOGETHER, while_allowed};
use futures_util::{Stream, StreamExt};
use proto::auth::server::account_service_server;
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{timestamp, uuid};
use crate::accounts::email_change::EmailChange;
use crate::accounts::password_change::PasswordChange;
use crate::accounts::{Accounts, UserChange};
use crate::error::{Error, Result};
use crate::mfa::{Mfa, MfaCode, StepUp};
use crate::model::audit::Kind;
use crate::model::email::parse_field;
use crate::model::session::Session;
use crate::model::user::DisplayName;
use crate::passwords::Password;
use crate::sessions::Sessions;

const PAGE_SIZES: Sizes = Sizes {
    default: 50,
    max: 100,
};

/// Reads and changes the caller's own account.
pub struct AccountService {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// The second factors.
    pub mfa: Arc<Mfa>,
    /// Seals page tokens.
    pub sealer: Arc<Sealer>,
    /// Proxies whose `x-forwarded-for` header is trusted.
    pub proxies: TrustedProxies,
    /// The clock.
    pub clock: Clock,
}

#[tonic::async_trait]
impl account_service_server::AccountService for AccountService {
    async fn get_me(
        &self,
        request: Request<pb::GetMeRequest>,
    ) -> Result<Response<pb::GetMeResponse>, Status> {
        let user = self.authenticate(&request).await?.user;

        let left = self.mfa.recovery_codes_left(&user).await?;

        Ok(Response::new(pb::GetMeResponse {
            user: Some(user.into()),
            recovery_codes_left: i32::try_from(left).unwrap_or(i32::MAX),
        }))
    }

    async fn update_me(
        &self,
        request: Request<pb::UpdateMeRequest>,
    ) -> Result<Response<pb::UpdateMeResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let change = user_change(request.into_inner())?;

        let user = self
            .accounts
            .update(caller.user, change, caller.now)
            .await?;

        Ok(Response::new(pb::UpdateMeResponse {
            user: Some(user.into()),
        }))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let message = request.into_inner();
        let current = Zeroizing::new(message.current_password);
        let new = Zeroizing::new(message.new_password);
        let change = PasswordChange::parse(&caller.user, &current, &new)?;
        let attempt = caller.attempt(Kind::PasswordChangeFailed);

        let (user, session_id) = (&caller.user, caller.session_id);
        let tokens = self
            .accounts
            .change_password(user, session_id, change, attempt, &self.clock)
            .await?;

        Ok(Response::new(pb::ChangePasswordResponse {
            tokens: Some(tokens.into()),
        }))
    }

    async fn change_email(
        &self,
        request: Request<pb::ChangeEmailRequest>,
    ) -> Result<Response<pb::ChangeEmailResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let message = request.into_inner();
        let password = Zeroizing::new(message.current_password);
        let change = EmailChange::parse(&caller.user, &password, &message.new_email)?;
        let attempt = caller.attempt(Kind::EmailChangeFailed);
        let code = Some(&message.code).filter(|code| !code.is_empty());
        let step_up = StepUp::new(
            &self.mfa,
            code.map(|code| MfaCode::either(code)),
            caller.call(),
        );

        let (user, session_id) = (caller.user.clone(), caller.session_id);
        let user = self
            .accounts
            .change_email(user, session_id, change, &step_up, attempt)
            .await?;

        Ok(Response::new(pb::ChangeEmailResponse {
            user: Some(user.into()),
        }))
    }

    async fn enroll_totp(
        &self,
        request: Request<pb::EnrollTotpRequest>,
    ) -> Result<Response<pb::EnrollTotpResponse>, Status> {
        Ok(self.enroll(request).await?)
    }

    async fn confirm_totp(
        &self,
        request: Request<pb::ConfirmTotpRequest>,
    ) -> Result<Response<pb::ConfirmTotpResponse>, Status> {
        Ok(self.confirm(request).await?)
    }

    async fn disable_totp(
        &self,
        request: Request<pb::DisableTotpRequest>,
    ) -> Result<Response<pb::DisableTotpResponse>, Status> {
        Ok(self.disable(request).await?)
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<pb::RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<pb::RegenerateRecoveryCodesResponse>, Status> {
        Ok(self.regenerate(request).await?)
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let (user_id, current) = (caller.user.id, caller.session_id);
        let mut message = request.into_inner();
        let paging = Paging::take(&mut message.page_size, &mut message.page_token);
        let method = "ListSessions";
        let pages = Pages::new(&self.sealer, method, user_id, &message, paging, PAGE_SIZES)?;
        let before = pages.cursor()?;

        let mut sessions = self
            .sessions
            .list(user_id, before, pages.limit(), caller.now)
            .await?;

        let next_page_token = pages.cut(&mut sessions, |last| last.id);
        Ok(Response::new(pb::ListSessionsResponse {
            sessions: sessions
                .into_iter()
                .map(|session| message_of(session, current))
                .collect(),
            next_page_token,
        }))
    }

    async fn revoke_session(
        &self,
        request: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<pb::RevokeSessionResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let id = uuid("session_id", &request.get_ref().session_id)?;

        self.sessions
            .revoke(caller.user.id, caller.session_id, id, &caller.client)
            .await?;

        Ok(Response::new(pb::RevokeSessionResponse {}))
    }

    async fn revoke_other_sessions(
        &self,
        request: Request<pb::RevokeOtherSessionsRequest>,
    ) -> Result<Response<pb::RevokeOtherSessionsResponse>, Status> {
        let caller = self.authenticate(&request).await?;

        let count = self
            .sessions
            .revoke_others(caller.user.id, caller.session_id, &caller.client)
            .await?;

        Ok(Response::new(pb::RevokeOtherSessionsResponse {
            revoked_count: i32::try_from(count).unwrap_or(i32::MAX),
        }))
    }

    async fn send_share_notice(
        &self,
        request: Request<pb::SendShareNoticeRequest>,
    ) -> Result<Response<pb::SendShareNoticeResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let to = parse_field(&request.get_ref().recipient_email, "recipient_email")?;

        self.accounts
            .announce_share(&caller.user, &to, caller.now)
            .await?;

        Ok(Response::new(pb::SendShareNoticeResponse {}))
    }

    async fn delete_me(
        &self,
        request: Request<pb::DeleteMeRequest>,
    ) -> Result<Response<pb::DeleteMeResponse>, Status> {
        let caller = self.authenticate(&request).await?;
        let current = Zeroizing::new(request.into_inner().current_password);

        let password = Password::claim(&current);
        let attempt = caller.attempt(Kind::UserDeletionFailed);
        self.accounts
            .delete_own(
                &caller.user,
                caller.session_id,
                password,
                attempt,
                &self.clock,
            )
            .await?;

        Ok(Response::new(pb::DeleteMeResponse {}))
    }

    type ExportMeStream = Pin<Box<dyn Stream<Item = Result<pb::ExportMeResponse, Status>> + Send>>;

    async fn export_me(
        &self,
        request: Request<pb::ExportMeRequest>,
    ) -> Result<Response<Self::ExportMeStream>, Status> {
        let caller = self.authenticate(&request).await?;
        let token = Caller::of(&request).map_err(Error::from)?;
        let (accounts, clock) = (Arc::clone(&self.accounts), self.clock.clone());

        let chunks = self.accounts.export(caller.user.id, caller.now)?;
        // The stream ends when the session does.
        let chunks = while_allowed(chunks, TOGETHER, async move || {
            accounts.of_caller(&token, clock.now()).await.map(drop)
        });

        let answers = chunks.map(|chunk| match chunk {
            Ok(chunk) => Ok(pb::ExportMeResponse { chunk }),
            Err(error) => Err(error.into()),
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

/// Parses the update mask (AIP-134).
fn user_change(message: pb::UpdateMeRequest) -> Result<UserChange> {
    let user = message
        .user
        .ok_or_else(|| Error::invalid("FIELD_INVALID", "user", "is required"))?;
    let paths = message
        .update_mask
        .map(|mask| mask.paths)
        .unwrap_or_default();
    let mut is_named = paths.is_empty() && !user.display_name.is_empty();
    for path in &paths {
        match path.as_str() {
            "display_name" | "*" => is_named = true,
            "id"
            | "email"
            | "email_verified"
            | "mfa_enabled"
            | "disabled"
            | "roles"
            | "create_time"
            | "update_time"
            | "etag"
            | "pending_email"
            | "pending_email_expire_time" => {}
            _ => {
                let problem = "has a path that is not a field of a user";
                return Err(Error::invalid(
                    "UPDATE_MASK_INVALID",
                    "update_mask",
                    problem,
                ));
            }
        }
    }
    let name = is_named.then(|| DisplayName::parse(&user.display_name, "user.display_name"));
    Ok(UserChange {
        display_name: name.transpose()?,
        etag: user.etag,
    })
}

fn message_of(session: Session, current: Uuid) -> pb::Session {
    pb::Session {
        id: session.id.to_string(),
        current: session.id == current,
        client_label: session.client_label,
        ip: session.ip,
        user_agent: session.user_agent,
        create_time: Some(timestamp(session.create_time)),
        last_seen_time: Some(timestamp(session.last_seen_time)),
        idle_expire_time: Some(timestamp(session.idle_expire_time)),
        absolute_expire_time: Some(timestamp(session.absolute_expire_time)),
    }
}
