//! An administrator, for tests.

use auth_service::administration;
use auth_service::config::{Config, OwnCommand};
use chassis::start::cli::{Cli, Command};
use proto::auth::v1::admin_service_client::AdminServiceClient;
use proto::auth::v1::{
    AuditEvent, CreateServiceAccountRequest, DeleteServiceAccountRequest, DeleteUserRequest,
    DisableUserRequest, EnableUserRequest, GetUserRequest, ListAuditEventsRequest,
    ListUsersRequest, ListUsersResponse, RefreshTokenRequest, ResetUserMfaRequest,
    RevokeUserSessionsRequest, RotateServiceAccountSecretRequest, SetUserRolesRequest, TokenPair,
    User,
};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::app::{App, PASSWORD, bearer};

/// The scope of administrators.
pub(crate) const SCOPE: &str = "auth.admin";

/// A caller of `AdminService`.
pub(crate) struct Admin {
    pub(crate) client: AdminServiceClient<Channel>,
    pub(crate) tokens: TokenPair,
    pub(crate) id: String,
}

impl Admin {
    /// Signs a user up, makes it an administrator, and logs it in.
    pub(crate) async fn new(app: &App, email: &str) -> Self {
        let id = app.sign_up(email).await.unwrap().id;
        make_admin(app, email).await.unwrap();
        Self::log_in(app, email, &id).await
    }

    /// Logs in with `auth.admin`.
    pub(crate) async fn log_in(app: &App, email: &str, id: &str) -> Self {
        let tokens = app.log_in_for(email, PASSWORD, &[SCOPE]).await.unwrap();
        Self::with(app, tokens, id.into())
    }

    /// Refreshes tokens with `auth.admin`.
    pub(crate) async fn refreshed(app: &App, tokens: &TokenPair, id: &str) -> Self {
        let tokens = refresh_for(app, &tokens.refresh_token, &[SCOPE]).await;
        Self::with(app, tokens.unwrap(), id.into())
    }

    /// A caller with these tokens.
    pub(crate) fn with(app: &App, tokens: TokenPair, id: String) -> Self {
        let client = AdminServiceClient::new(app.channel.clone());
        Self { client, tokens, id }
    }

    /// A program with this access token.
    pub(crate) fn program(app: &App, access_token: String) -> Self {
        let tokens = TokenPair {
            access_token,
            ..TokenPair::default()
        };
        Self::with(app, tokens, String::new())
    }

    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        bearer(message, &self.tokens.access_token)
    }

    pub(crate) async fn list(
        &self,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let answer = self.client.clone().list_users(self.asks(request)).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn get(&self, user_id: &str) -> Result<User, Status> {
        let user_id = user_id.into();
        let request = self.asks(GetUserRequest { user_id });
        let answer = self.client.clone().get_user(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub(crate) async fn disable(&self, user_id: &str) -> Result<User, Status> {
        let user_id = user_id.into();
        let request = self.asks(DisableUserRequest { user_id });
        let answer = self.client.clone().disable_user(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub(crate) async fn reset_mfa(&self, user_id: &str) -> Result<User, Status> {
        let user_id = user_id.into();
        let request = self.asks(ResetUserMfaRequest { user_id });
        let answer = self.client.clone().reset_user_mfa(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub(crate) async fn delete_user(&self, user_id: &str) -> Result<(), Status> {
        let user_id = user_id.into();
        let request = self.asks(DeleteUserRequest { user_id });
        self.client.clone().delete_user(request).await.map(drop)
    }

    pub(crate) async fn enable(&self, user_id: &str) -> Result<User, Status> {
        let user_id = user_id.into();
        let request = self.asks(EnableUserRequest { user_id });
        let answer = self.client.clone().enable_user(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub(crate) async fn revoke_sessions(&self, user_id: &str) -> Result<i32, Status> {
        let user_id = user_id.into();
        let request = self.asks(RevokeUserSessionsRequest { user_id });
        let answer = self.client.clone().revoke_user_sessions(request).await?;
        Ok(answer.into_inner().revoked_count)
    }

    pub(crate) async fn set_roles(&self, user_id: &str, roles: &[&str]) -> Result<User, Status> {
        self.set_roles_from(user_id, roles, "").await
    }

    pub(crate) async fn set_roles_from(
        &self,
        user_id: &str,
        roles: &[&str],
        etag: &str,
    ) -> Result<User, Status> {
        let request = self.asks(SetUserRolesRequest {
            user_id: user_id.into(),
            roles: roles.iter().map(ToString::to_string).collect(),
            etag: etag.into(),
        });
        let answer = self.client.clone().set_user_roles(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    /// Creates a service account; returns its id and its secret.
    pub(crate) async fn create(
        &self,
        client_id: &str,
        scopes: &[&str],
    ) -> Result<(String, String), Status> {
        self.create_as(client_id, scopes, "").await
    }

    pub(crate) async fn create_as(
        &self,
        client_id: &str,
        scopes: &[&str],
        request_id: &str,
    ) -> Result<(String, String), Status> {
        let request = self.asks(CreateServiceAccountRequest {
            client_id: client_id.into(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            request_id: request_id.into(),
        });
        let answer = self.client.clone().create_service_account(request).await?;
        let made = answer.into_inner();
        Ok((made.service_account.unwrap().id, made.client_secret))
    }

    pub(crate) async fn rotate_secret(&self, client_id: &str) -> Result<String, Status> {
        self.rotate_secret_as(client_id, "").await
    }

    pub(crate) async fn rotate_secret_as(
        &self,
        client_id: &str,
        request_id: &str,
    ) -> Result<String, Status> {
        let request = self.asks(RotateServiceAccountSecretRequest {
            client_id: client_id.into(),
            request_id: request_id.into(),
        });
        let mut client = self.client.clone();
        let answer = client.rotate_service_account_secret(request).await?;
        Ok(answer.into_inner().client_secret)
    }

    pub(crate) async fn delete(&self, client_id: &str) -> Result<(), Status> {
        let client_id = client_id.into();
        let request = self.asks(DeleteServiceAccountRequest { client_id });
        self.client.clone().delete_service_account(request).await?;
        Ok(())
    }

    pub(crate) async fn audit(
        &self,
        request: ListAuditEventsRequest,
    ) -> Result<(Vec<AuditEvent>, String), Status> {
        let request = self.asks(request);
        let answer = self.client.clone().list_audit_events(request).await?;
        let page = answer.into_inner();
        Ok((page.events, page.next_page_token))
    }
}

/// Does what the `make-admin` sub-command does.
pub(crate) async fn make_admin(
    app: &App,
    email: &str,
) -> Result<(), administration::MakeAdminError> {
    let url = app.database.url("auth_service");
    let args = [
        "auth-service",
        "make-admin",
        "--unverified",
        "--email",
        email,
        "--database-url",
        &url,
    ];
    let command = Cli::<Config>::read(args.map(Into::into)).unwrap().command;
    let Command::Own(OwnCommand::MakeAdmin(config)) = command else {
        unreachable!("the arguments say make-admin");
    };
    administration::make_admin(config, app.clock()).await
}

/// Exchanges a refresh token, with these scopes.
pub(crate) async fn refresh_for(
    app: &App,
    token: &str,
    scopes: &[&str],
) -> Result<TokenPair, Status> {
    let request = RefreshTokenRequest {
        refresh_token: token.into(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..RefreshTokenRequest::default()
    };
    let answer = app.auth.clone().refresh_token(request).await?;
    Ok(answer.into_inner().tokens.unwrap())
}

/// The claims of an access token.
pub(crate) fn claims(access_token: &str) -> serde_json::Value {
    let data = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(access_token);
    data.unwrap().claims
}
