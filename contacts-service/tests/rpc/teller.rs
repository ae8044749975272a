//! Replaces the auth service for deleted users and revocations.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{Stream, stream};
use prost_types::Timestamp;
use proto::auth::server::service_token_service_server::ServiceTokenService;
use proto::auth::v1::watch_revocations_response::Revoked;
use proto::auth::v1::{
    DeletedUser, IntrospectTokenRequest, IntrospectTokenResponse, IssueServiceTokenRequest,
    IssueServiceTokenResponse, ListDeletedUsersRequest, ListDeletedUsersResponse,
    WatchRevocationsRequest, WatchRevocationsResponse,
};
use tokio::time::sleep;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The state that both sides share.
pub const SECRET: &str = "5f0c2a1be4d7498fa36b1c9d8e2f70415f0c2a1be4d7498f";

const PAGE: usize = 2;

/// Returns what a test sets; clones share it.
#[derive(Clone, Default)]
pub struct Teller(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    gone: Vec<Gone>,
    revoked: Vec<Uuid>,
    /// The cursors with which passes started.
    asked: Vec<String>,
    /// The subscribers to revocations.
    followers: usize,
    /// `caught_up` is not sent.
    holds_back: bool,
}

struct Gone {
    user: Uuid,
    tokens_ended: bool,
    /// The user need not be listed again.
    settled: bool,
}

impl Teller {
    /// Deletes the account of a user.
    pub fn delete(&self, user: Uuid) {
        let mut told = self.0.lock().unwrap();
        told.gone.push(Gone {
            user,
            tokens_ended: false,
            settled: false,
        });
        told.revoked.push(user);
    }

    /// All tokens of deleted users have expired.
    pub fn tokens_end(&self) {
        let mut told = self.0.lock().unwrap();
        told.gone
            .iter_mut()
            .for_each(|gone| gone.tokens_ended = true);
        wake(&mut told);
    }

    /// Deleted users need not be listed again.
    pub fn settle(&self) {
        let mut told = self.0.lock().unwrap();
        told.gone.iter_mut().for_each(|gone| gone.settled = true);
        wake(&mut told);
    }

    /// Sets whether `caught_up` is withheld.
    pub fn hold_back(&self, does: bool) {
        self.0.lock().unwrap().holds_back = does;
    }

    /// The number of subscribers to revocations so far.
    pub fn followers(&self) -> usize {
        self.0.lock().unwrap().followers
    }

    /// The cursors with which passes started, the latest last.
    pub fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }
}

/// The revocation of any user starts the next pass.
fn wake(told: &mut Told) {
    told.revoked.push(Uuid::now_v7());
}

/// Cursors and page tokens are the number of users before them.
fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

#[tonic::async_trait]
impl ServiceTokenService for Teller {
    async fn issue_service_token(
        &self,
        request: Request<IssueServiceTokenRequest>,
    ) -> Result<Response<IssueServiceTokenResponse>, Status> {
        let request = request.into_inner();
        assert_eq!(request.client_id, "contacts-service");
        assert_eq!(request.client_secret, SECRET);
        Ok(Response::new(IssueServiceTokenResponse {
            access_token: "a-token".into(),
            ..IssueServiceTokenResponse::default()
        }))
    }

    async fn introspect_token(
        &self,
        _: Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    type WatchRevocationsStream =
        Pin<Box<dyn Stream<Item = Result<WatchRevocationsResponse, Status>> + Send>>;

    async fn watch_revocations(
        &self,
        _: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        self.0.lock().unwrap().followers += 1;
        let told = stream::unfold((self.clone(), 0), async |(teller, next)| {
            let (user, holds_back) = {
                let told = teller.0.lock().unwrap();
                (told.revoked.get(next).copied(), told.holds_back)
            };
            if user.is_none() {
                // The pause of a feed.
                sleep(Duration::from_millis(20)).await;
            }
            let seconds = |seconds| Some(Timestamp { seconds, nanos: 0 });
            let answer = WatchRevocationsResponse {
                caught_up: user.is_none() && !holds_back,
                revoke_time: seconds(1),
                forget_time: seconds(4_102_444_800),
                revoked: user.map(|user| Revoked::UserId(user.to_string())),
                ..WatchRevocationsResponse::default()
            };
            let next = if user.is_some() { next + 1 } else { next };
            Some((Ok(answer), (teller, next)))
        });
        Ok(Response::new(Box::pin(told)))
    }

    async fn list_deleted_users(
        &self,
        request: Request<ListDeletedUsersRequest>,
    ) -> Result<Response<ListDeletedUsersResponse>, Status> {
        let request = request.into_inner();
        let mut told = self.0.lock().unwrap();
        let first = if request.page_token.is_empty() {
            told.asked.push(request.since_cursor.clone());
            number(&request.since_cursor)
        } else {
            number(&request.page_token)
        };
        let end = (first + PAGE).min(told.gone.len());
        let settled = told.gone[..end].iter().take_while(|gone| gone.settled);
        let cursor = settled.count().to_string();
        let users = told.gone[first..end].iter().map(|gone| DeletedUser {
            user_id: gone.user.to_string(),
            delete_time: None,
            tokens_ended: gone.tokens_ended,
        });
        Ok(Response::new(ListDeletedUsersResponse {
            deleted_users: users.collect(),
            next_page_token: if end < told.gone.len() {
                end.to_string()
            } else {
                String::new()
            },
            cursor,
        }))
    }
}
