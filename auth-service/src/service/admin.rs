//! `addressbook.auth.v1.AdminService`.

use std::sync::Arc;

use chassis::access::caller::Caller;
use chassis::access::client_address::TrustedProxies;
use chassis::clock::Clock;
use chassis::page_token::Sealer;
use chassis::paging::{PageError, Pages, Paging, Sizes};
use chassis::user_id::UserId;
use proto::auth::server::admin_service_server;
use proto::auth::v1 as pb;
use secrecy::ExposeSecret;
use tonic::{Request, Response, Status};

use super::admin_answers::{micros, time_in};
use super::audit_answers::kind_in;
use super::uuid;
use crate::administration::{Administration, NewServiceAccount, RolesChange};
use crate::error::Result;
use crate::model::audit::Selection;
use crate::model::roles::Roles;

const PAGE_SIZES: Sizes = Sizes {
    default: 50,
    max: 500,
};

/// Serves administrators.
pub struct AdminService {
    /// The operations.
    pub administration: Administration,
    /// Seals page tokens.
    pub sealer: Arc<Sealer>,
    /// Proxies whose `x-forwarded-for` header is trusted.
    pub proxies: TrustedProxies,
    /// The clock.
    pub clock: Clock,
}

#[tonic::async_trait]
impl admin_service_server::AdminService for AdminService {
    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> Result<Response<pb::ListUsersResponse>, Status> {
        let caller = self.reader(&request).await?;
        let mut message = request.into_inner();
        let paging = Paging::take(&mut message.page_size, &mut message.page_token);
        let pages = self.pages("ListUsers", &caller, &message, paging)?;
        let after: Option<String> = pages.cursor()?;

        let prefix = &message.email_prefix;
        let mut users = self
            .administration
            .list_users(prefix, after.as_deref(), pages.limit())
            .await?;

        let next_page_token = pages.cut(&mut users, |last| last.email.clone());
        Ok(Response::new(pb::ListUsersResponse {
            users: users.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn get_user(
        &self,
        request: Request<pb::GetUserRequest>,
    ) -> Result<Response<pb::GetUserResponse>, Status> {
        self.reader(&request).await?;
        let id = user_id(&request.get_ref().user_id)?;

        let user = self.administration.get_user(id).await?;

        Ok(Response::new(pb::GetUserResponse {
            user: Some(user.into()),
        }))
    }

    async fn disable_user(
        &self,
        request: Request<pb::DisableUserRequest>,
    ) -> Result<Response<pb::DisableUserResponse>, Status> {
        let admin = self.admin(&request).await?;
        let id = user_id(&request.get_ref().user_id)?;

        let user = self.administration.disable_user(admin.call(), id).await?;

        Ok(Response::new(pb::DisableUserResponse {
            user: Some(user.into()),
        }))
    }

    async fn enable_user(
        &self,
        request: Request<pb::EnableUserRequest>,
    ) -> Result<Response<pb::EnableUserResponse>, Status> {
        let admin = self.admin(&request).await?;
        let id = user_id(&request.get_ref().user_id)?;

        let user = self.administration.enable_user(admin.call(), id).await?;

        Ok(Response::new(pb::EnableUserResponse {
            user: Some(user.into()),
        }))
    }

    async fn delete_user(
        &self,
        request: Request<pb::DeleteUserRequest>,
    ) -> Result<Response<pb::DeleteUserResponse>, Status> {
        let admin = self.admin(&request).await?;
        let id = user_id(&request.get_ref().user_id)?;

        self.administration.delete_user(admin.call(), id).await?;

        Ok(Response::new(pb::DeleteUserResponse {}))
    }

    async fn reset_user_mfa(
        &self,
        request: Request<pb::ResetUserMfaRequest>,
    ) -> Result<Response<pb::ResetUserMfaResponse>, Status> {
        let admin = self.admin(&request).await?;
        let id = user_id(&request.get_ref().user_id)?;

        let user = self.administration.reset_user_mfa(admin.call(), id).await?;

        Ok(Response::new(pb::ResetUserMfaResponse {
            user: Some(user.into()),
        }))
    }

    async fn revoke_user_sessions(
        &self,
        request: Request<pb::RevokeUserSessionsRequest>,
    ) -> Result<Response<pb::RevokeUserSessionsResponse>, Status> {
        let admin = self.admin(&request).await?;
        let id = user_id(&request.get_ref().user_id)?;

        let count = self
            .administration
            .revoke_user_sessions(admin.call(), id)
            .await?;

        Ok(Response::new(pb::RevokeUserSessionsResponse {
            revoked_count: i32::try_from(count).unwrap_or(i32::MAX),
        }))
    }

    async fn set_user_roles(
        &self,
        request: Request<pb::SetUserRolesRequest>,
    ) -> Result<Response<pb::SetUserRolesResponse>, Status> {
        let admin = self.admin(&request).await?;
        let message = request.into_inner();
        let id = user_id(&message.user_id)?;
        let change = RolesChange {
            roles: Roles::parse(message.roles)?,
            etag: message.etag,
        };

        let user = self
            .administration
            .set_user_roles(admin.call(), id, change)
            .await?;

        Ok(Response::new(pb::SetUserRolesResponse {
            user: Some(user.into()),
        }))
    }

    async fn create_service_account(
        &self,
        request: Request<pb::CreateServiceAccountRequest>,
    ) -> Result<Response<pb::CreateServiceAccountResponse>, Status> {
        let admin = self.admin(&request).await?;
        let message = request.into_inner();
        let new = NewServiceAccount::parse(message.client_id, message.scopes, &message.request_id)?;

        let created = self
            .administration
            .create_service_account(admin.call(), new)
            .await?;

        Ok(Response::new(pb::CreateServiceAccountResponse {
            service_account: Some(created.account.into()),
            client_secret: created.secret.expose_secret().to_owned(),
        }))
    }

    async fn list_service_accounts(
        &self,
        request: Request<pb::ListServiceAccountsRequest>,
    ) -> Result<Response<pb::ListServiceAccountsResponse>, Status> {
        let caller = self.reader(&request).await?;
        let mut message = request.into_inner();
        let paging = Paging::take(&mut message.page_size, &mut message.page_token);
        let pages = self.pages("ListServiceAccounts", &caller, &message, paging)?;
        let after: Option<String> = pages.cursor()?;

        let mut accounts = self
            .administration
            .list_service_accounts(after.as_deref(), pages.limit())
            .await?;

        let next_page_token = pages.cut(&mut accounts, |last| last.client_id.clone());
        Ok(Response::new(pb::ListServiceAccountsResponse {
            service_accounts: accounts.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn rotate_service_account_secret(
        &self,
        request: Request<pb::RotateServiceAccountSecretRequest>,
    ) -> Result<Response<pb::RotateServiceAccountSecretResponse>, Status> {
        let admin = self.admin(&request).await?;
        let message = request.get_ref();
        let (name, request_id) = (&message.client_id, &message.request_id);

        let rotated = self
            .administration
            .rotate_service_account_secret(admin.call(), name, request_id)
            .await?;

        Ok(Response::new(pb::RotateServiceAccountSecretResponse {
            service_account: Some(rotated.account.into()),
            client_secret: rotated.secret.expose_secret().to_owned(),
        }))
    }

    async fn delete_service_account(
        &self,
        request: Request<pb::DeleteServiceAccountRequest>,
    ) -> Result<Response<pb::DeleteServiceAccountResponse>, Status> {
        let admin = self.admin(&request).await?;
        let name = &request.get_ref().client_id;

        self.administration
            .delete_service_account(admin.call(), name)
            .await?;

        Ok(Response::new(pb::DeleteServiceAccountResponse {}))
    }

    async fn rotate_signing_key(
        &self,
        request: Request<pb::RotateSigningKeyRequest>,
    ) -> Result<Response<pb::RotateSigningKeyResponse>, Status> {
        let admin = self.admin(&request).await?;

        let next = self.administration.rotate_signing_key(admin.call()).await?;

        Ok(Response::new(pb::RotateSigningKeyResponse {
            key: Some(next.key.into()),
            already_staged: next.already_staged,
        }))
    }

    async fn revoke_signing_key(
        &self,
        request: Request<pb::RevokeSigningKeyRequest>,
    ) -> Result<Response<pb::RevokeSigningKeyResponse>, Status> {
        let admin = self.admin(&request).await?;
        let kid = &request.get_ref().kid;

        let key = self
            .administration
            .revoke_signing_key(admin.call(), kid)
            .await?;

        Ok(Response::new(pb::RevokeSigningKeyResponse {
            key: Some(key.into()),
        }))
    }

    async fn list_signing_keys(
        &self,
        request: Request<pb::ListSigningKeysRequest>,
    ) -> Result<Response<pb::ListSigningKeysResponse>, Status> {
        let caller = self.reader(&request).await?;
        let mut message = request.into_inner();
        let paging = Paging::take(&mut message.page_size, &mut message.page_token);
        let pages = self.pages("ListSigningKeys", &caller, &message, paging)?;
        let after: Option<(i64, String)> = pages.cursor()?;
        let after = after.and_then(|(time, kid)| Some((micros(time)?, kid)));

        let mut keys = self
            .administration
            .list_signing_keys(after.as_ref(), pages.limit())
            .await?;

        let next_page_token = pages.cut(&mut keys, |last| {
            (last.create_time.timestamp_micros(), last.kid.clone())
        });
        Ok(Response::new(pb::ListSigningKeysResponse {
            keys: keys.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        let caller = self.reader(&request).await?;
        let mut message = request.into_inner();
        let paging = Paging::take(&mut message.page_size, &mut message.page_token);
        let pages = self.pages("ListAuditEvents", &caller, &message, paging)?;
        let selection = selection(message)?;
        let after: Option<(i64, _)> = pages.cursor()?;
        let after = after.and_then(|(time, id)| Some((micros(time)?, id)));

        let mut entries = self
            .administration
            .list_audit(&selection, after, pages.limit())
            .await?;

        let position =
            |last: &crate::model::audit::Entry| (last.event_time.timestamp_micros(), last.id);
        let next_page_token = pages.cut(&mut entries, position);
        Ok(Response::new(pb::ListAuditEventsResponse {
            events: entries.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }
}

impl AdminService {
    fn pages<'a>(
        &'a self,
        method: &'a str,
        caller: &Caller,
        bare: &impl prost::Message,
        paging: Paging,
    ) -> Result<Pages<'a>, PageError> {
        Pages::new(
            &self.sealer,
            method,
            caller.user_id,
            bare,
            paging,
            PAGE_SIZES,
        )
    }
}

fn user_id(text: &str) -> Result<UserId> {
    uuid("user_id", text).map(UserId)
}

fn selection(message: pb::ListAuditEventsRequest) -> Result<Selection> {
    let id = Some(&message.user_id).filter(|id| !id.is_empty());
    let start = time_in("start_time", message.start_time)?;
    let end = time_in("end_time", message.end_time)?;
    let kind = kind_in(message.kind, message.event_kind)?;
    Selection::parse(id.map(|id| user_id(id)).transpose()?, kind, start, end)
}
