//! Replaces the auth service for `GetMe` and `SendShareNotice`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use proto::auth::v1::{
    GetMeRequest, GetMeResponse, SendShareNoticeRequest, SendShareNoticeResponse, User,
};
use serde_json::Value;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use uuid::Uuid;

/// Returns what a test sets; clones share it.
#[derive(Clone, Default)]
pub struct Accounts(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    users: HashMap<Uuid, User>,
    away: bool,
    /// The addresses that were notified of a share, each with who shares.
    notices: Vec<(Uuid, String)>,
    /// Whether no address can be notified.
    is_silent: bool,
}

impl Accounts {
    /// The user has this address, verified or not.
    pub fn set_email(&self, user: Uuid, email: &str, email_verified: bool) {
        let account = User {
            id: user.to_string(),
            email: email.into(),
            email_verified,
            ..User::default()
        };
        self.0.lock().unwrap().users.insert(user, account);
    }

    /// No caller gets a response any more.
    pub fn go_away(&self) {
        self.0.lock().unwrap().away = true;
    }

    /// Which addresses were notified of a share since the last time, each with who shares.
    pub fn notified(&self) -> Vec<(Uuid, String)> {
        std::mem::take(&mut self.0.lock().unwrap().notices)
    }

    /// No address can be notified of a share any more.
    pub fn be_silent(&self) {
        self.0.lock().unwrap().is_silent = true;
    }

    /// The user of the token; the service under test has verified its signature.
    fn of<T>(&self, request: &Request<T>) -> Option<User> {
        let bearer = request.metadata().get("authorization")?.to_str().ok()?;
        let payload = bearer.split('.').nth(1)?;
        let claims: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let user = claims["sub"].as_str()?.parse().ok()?;
        self.0.lock().unwrap().users.get(&user).cloned()
    }
}

impl NamedService for Accounts {
    const NAME: &'static str = "addressbook.auth.v1.AccountService";
}

impl Service<http::Request<Body>> for Accounts {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let accounts = self.clone();
        if request.uri().path().ends_with("/SendShareNotice") {
            return Box::pin(async move {
                let codec =
                    ProstCodec::<SendShareNoticeResponse, SendShareNoticeRequest>::default();
                Ok(Grpc::new(codec).unary(accounts, request).await)
            });
        }
        assert!(request.uri().path().ends_with("/GetMe"));
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<GetMeResponse, GetMeRequest>::default());
            Ok(grpc.unary(accounts, request).await)
        })
    }
}

impl UnaryService<GetMeRequest> for Accounts {
    type Response = GetMeResponse;
    type Future = BoxFuture<'static, Result<Response<GetMeResponse>, Status>>;

    fn call(&mut self, request: Request<GetMeRequest>) -> Self::Future {
        let (user, away) = (self.of(&request), self.0.lock().unwrap().away);
        Box::pin(async move {
            if away {
                return Err(Status::unavailable("away"));
            }
            let user = user.ok_or_else(|| Status::unauthenticated("no user"))?;
            Ok(Response::new(GetMeResponse {
                user: Some(user),
                ..GetMeResponse::default()
            }))
        })
    }
}

impl UnaryService<SendShareNoticeRequest> for Accounts {
    type Response = SendShareNoticeResponse;
    type Future = BoxFuture<'static, Result<Response<SendShareNoticeResponse>, Status>>;

    fn call(&mut self, request: Request<SendShareNoticeRequest>) -> Self::Future {
        let user = self.of(&request).unwrap().id.parse().unwrap();
        let mut told = self.0.lock().unwrap();
        let answer = if told.is_silent {
            Err(Status::unavailable("silent"))
        } else {
            told.notices
                .push((user, request.into_inner().recipient_email));
            Ok(Response::new(SendShareNoticeResponse {}))
        };
        Box::pin(async move { answer })
    }
}
