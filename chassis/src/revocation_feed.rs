//! Keeps revocations as the auth service tells them, in the background: no call of
//! a user ever waits for it.

use std::sync::Arc;
use std::time::Duration;

use proto::auth::v1::service_token_service_client::ServiceTokenServiceClient;
use proto::auth::v1::watch_revocations_response::Revoked as Told;
use proto::auth::v1::{
    IssueServiceTokenRequest, WatchRevocationsRequest, WatchRevocationsResponse,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep, timeout};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::clock::Clock;
use crate::revocations::{Revocations, Revoked};
use crate::token::KeySet;
use crate::upstream::Upstream;
use crate::user_id::UserId;

/// The auth service sends a sign of life every second.
const SILENCE_MAX: Duration = Duration::from_secs(4);
const RETRY_MAX: Duration = Duration::from_secs(2);
const SCOPE: &str = "auth.revocations";

/// What a service is known by at the auth service.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of its service account.
    pub client_id: String,
    /// The secret.
    pub secret: SecretString,
}

/// Follows the feed of `auth`, for ever. A revoked key leaves `keys` at once.
pub async fn follow(
    auth: Upstream,
    credentials: Credentials,
    revocations: Arc<Revocations>,
    keys: KeySet,
    clock: Clock,
) {
    let channel = auth.channel(|endpoint| {
        endpoint
            .connect_timeout(Duration::from_secs(2))
            .http2_keep_alive_interval(SILENCE_MAX)
    });
    let mut feed = Feed {
        auth: ServiceTokenServiceClient::new(channel),
        credentials,
        revocations,
        keys,
        clock,
        cursor: String::new(),
    };
    let mut retry = Duration::from_millis(50);
    loop {
        let began = Instant::now();
        match feed.watch().await {
            // It stops, or moves; another one may be there already.
            Ok(()) => tracing::info!("the feed of revocations ended"),
            Err(status) => {
                tracing::warn!(code = ?status.code(), "cannot follow revocations");
            }
        }
        if began.elapsed() > SILENCE_MAX {
            retry = Duration::from_millis(50);
        }
        feed.revocations.lost();
        sleep(retry).await;
        retry = (retry * 2).min(RETRY_MAX);
    }
}

struct Feed {
    auth: ServiceTokenServiceClient<Channel>,
    credentials: Credentials,
    revocations: Arc<Revocations>,
    keys: KeySet,
    clock: Clock,
    /// Of the last answer; goes on there after a loss.
    cursor: String,
}

impl Feed {
    async fn watch(&mut self) -> Result<(), Status> {
        let late = |_| Status::deadline_exceeded("silence");
        let token = timeout(SILENCE_MAX, self.token()).await.map_err(late)??;
        let mut request = Request::new(WatchRevocationsRequest {
            since_cursor: self.cursor.clone(),
        });
        let bearer = MetadataValue::try_from(format!("Bearer {token}"));
        let bearer = bearer.map_err(|_| Status::internal("the token is no header"))?;
        request.metadata_mut().insert("authorization", bearer);
        let stream = timeout(SILENCE_MAX, self.auth.watch_revocations(request));
        let mut stream = stream.await.map_err(late)??.into_inner();
        loop {
            let answer = timeout(SILENCE_MAX, stream.message()).await.map_err(late)?;
            match answer? {
                Some(answer) => self.learn(answer),
                None => return Ok(()),
            }
        }
    }

    async fn token(&mut self) -> Result<String, Status> {
        let request = IssueServiceTokenRequest {
            client_id: self.credentials.client_id.clone(),
            client_secret: self.credentials.secret.expose_secret().to_owned(),
            scopes: vec![SCOPE.to_owned()],
            audience: String::new(),
        };
        let answer = self.auth.issue_service_token(request).await?;
        Ok(answer.into_inner().access_token)
    }

    fn learn(&mut self, answer: WatchRevocationsResponse) {
        let seconds = |time: Option<prost_types::Timestamp>| time.map_or(0, |time| time.seconds);
        let (revoke, forget) = (seconds(answer.revoke_time), seconds(answer.forget_time));
        match answer.revoked {
            Some(Told::SessionId(id)) => {
                if let Ok(id) = id.parse() {
                    self.revocations.learn(Revoked::Session(id), forget);
                }
            }
            Some(Told::UserId(id)) => {
                if let Ok(id) = id.parse() {
                    let revoked = Revoked::User(UserId(id), revoke);
                    self.revocations.learn(revoked, forget);
                }
            }
            Some(Told::KeyId(id)) => self.keys.remove(&id),
            None => {}
        }
        if answer.caught_up {
            self.revocations.heard(self.clock.now().timestamp());
        }
        self.cursor = answer.cursor;
    }
}
