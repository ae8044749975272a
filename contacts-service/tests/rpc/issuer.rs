//! Replaces the auth service: publishes one key, signs any claims, and returns
//! revocations, deleted users and callers.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proto::auth::server::auth_service_server::{AuthService, AuthServiceServer};
use proto::auth::server::service_token_service_server::ServiceTokenServiceServer;
use proto::auth::v1::{
    CompleteMfaRequest, CompleteMfaResponse, GetJwksRequest, GetJwksResponse, GetServerInfoRequest,
    GetServerInfoResponse, JsonWebKey, LogInRequest, LogInResponse, LogOutRequest, LogOutResponse,
    RefreshTokenRequest, RefreshTokenResponse, RequestPasswordResetRequest,
    RequestPasswordResetResponse, ResetPasswordRequest, ResetPasswordResponse,
    SendEmailVerificationRequest, SendEmailVerificationResponse, SignUpRequest, SignUpResponse,
    VerifyEmailRequest, VerifyEmailResponse,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::teller::Teller;

const KID: &str = "test-key";

/// Signs access tokens; its public key is served at `url`.
pub struct Issuer {
    key: Ed25519KeyPair,
    pub url: String,
    pub teller: Teller,
    pub accounts: Accounts,
}

impl Issuer {
    pub async fn start() -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let jwk = JsonWebKey {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: BASE64_URL_SAFE_NO_PAD.encode(key.public_key()),
            alg: "EdDSA".into(),
            r#use: "sig".into(),
            kid: KID.into(),
            ..JsonWebKey::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (teller, accounts) = (Teller::default(), Accounts::default());
        let serving = Server::builder()
            .add_service(AuthServiceServer::new(KeysOnly(jwk)))
            .add_service(ServiceTokenServiceServer::new(teller.clone()))
            .add_service(accounts.clone())
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(serving);
        Self {
            key,
            url,
            teller,
            accounts,
        }
    }

    /// A valid token of this user with this scope.
    pub fn token(&self, user: Uuid, scope: &str) -> String {
        self.sign(&claims(user, scope))
    }

    /// A signed token with any claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "EdDSA", "kid": KID, "typ": "at+jwt" });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The claims of a valid token, from the epoch until 2100.
pub fn claims(user: Uuid, scope: &str) -> Value {
    json!({
        "iss": "addressbook",
        "aud": "addressbook",
        "sub": user,
        "sid": Uuid::now_v7(),
        "client_id": "tests",
        "jti": Uuid::now_v7(),
        "iat": 0,
        "exp": 4_102_444_800_i64,
        "scope": scope,
        "auth_time": 0,
        "amr": ["pwd"],
        "roles": [],
    })
}

struct KeysOnly(JsonWebKey);

#[tonic::async_trait]
impl AuthService for KeysOnly {
    async fn get_jwks(
        &self,
        _: Request<GetJwksRequest>,
    ) -> Result<Response<GetJwksResponse>, Status> {
        Ok(Response::new(GetJwksResponse {
            keys: vec![self.0.clone()],
            cache_duration: None,
        }))
    }

    async fn sign_up(&self, _: Request<SignUpRequest>) -> Result<Response<SignUpResponse>, Status> {
        Err(not_here())
    }

    async fn log_in(&self, _: Request<LogInRequest>) -> Result<Response<LogInResponse>, Status> {
        Err(not_here())
    }

    async fn complete_mfa(
        &self,
        _: Request<CompleteMfaRequest>,
    ) -> Result<Response<CompleteMfaResponse>, Status> {
        Err(not_here())
    }

    async fn refresh_token(
        &self,
        _: Request<RefreshTokenRequest>,
    ) -> Result<Response<RefreshTokenResponse>, Status> {
        Err(not_here())
    }

    async fn log_out(&self, _: Request<LogOutRequest>) -> Result<Response<LogOutResponse>, Status> {
        Err(not_here())
    }

    async fn send_email_verification(
        &self,
        _: Request<SendEmailVerificationRequest>,
    ) -> Result<Response<SendEmailVerificationResponse>, Status> {
        Err(not_here())
    }

    async fn verify_email(
        &self,
        _: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        Err(not_here())
    }

    async fn request_password_reset(
        &self,
        _: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        Err(not_here())
    }

    async fn reset_password(
        &self,
        _: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        Err(not_here())
    }

    async fn get_server_info(
        &self,
        _: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        Err(not_here())
    }
}

fn not_here() -> Status {
    Status::unimplemented("only keys are served here")
}
