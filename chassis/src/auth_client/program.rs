//! Calls to the auth service by a program that authenticates with a secret.

use std::time::Duration;

use proto::auth::v1::IssueServiceTokenRequest;
use proto::auth::v1::service_token_service_client::ServiceTokenServiceClient;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status};

use crate::auth_client::upstream::Upstream;
use crate::trace::channel::TracedChannel;
use crate::trouble::Trouble;

/// The longest wait for a response.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(4);

/// How long a token is used: a short part of its lifetime, so that a revoked key is not
/// used for long.
const USED_FOR: Duration = Duration::from_secs(30);
/// The pause between two attempts to get a token.
const RETRY: Duration = Duration::from_secs(5);

/// The scope for revocations and deleted users.
const SCOPE: &str = "auth.revocations";

/// The credentials of a service at the auth service.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of its service account.
    pub client_id: String,
    /// The secret.
    pub secret: SecretString,
}

/// A connection to the auth service for a program.
pub(crate) struct Program {
    pub(crate) auth: ServiceTokenServiceClient<TracedChannel>,
    credentials: Credentials,
}

impl Program {
    pub(crate) fn new(auth: &Upstream, credentials: Credentials) -> Self {
        let channel = auth.channel(|endpoint| {
            endpoint
                .connect_timeout(Duration::from_secs(2))
                .http2_keep_alive_interval(SILENCE_MAX)
        });
        Self {
            auth: ServiceTokenServiceClient::new(TracedChannel(channel)),
            credentials,
        }
    }

    /// The message, with a fresh token.
    pub(crate) async fn request<T>(&mut self, message: T) -> Result<Request<T>, Status> {
        let bearer = self.bearer().await?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer);
        Ok(request)
    }

    /// A new token, as an `authorization` value.
    async fn bearer(&mut self) -> Result<MetadataValue<Ascii>, Status> {
        let asked = self.auth.issue_service_token(IssueServiceTokenRequest {
            client_id: self.credentials.client_id.clone(),
            client_secret: self.credentials.secret.expose_secret().to_owned(),
            scopes: vec![SCOPE.to_owned()],
            audience: String::new(),
        });
        let token = in_time(asked).await?.into_inner().access_token;
        let bearer = MetadataValue::try_from(format!("Bearer {token}"));
        bearer.map_err(|_| Status::internal("the token cannot be sent as a header"))
    }
}

/// A token of a program that is used for many calls.
pub(crate) struct ProgramToken(Mutex<CachedToken>);

struct CachedToken {
    program: Program,
    /// `None` if the auth service returned none.
    bearer: Option<MetadataValue<Ascii>>,
    until: Instant,
    trouble: Trouble,
}

impl ProgramToken {
    pub(crate) fn new(program: Program) -> Self {
        Self(Mutex::new(CachedToken {
            program,
            bearer: None,
            until: Instant::now(),
            trouble: Trouble::new("cannot call the auth service as a program"),
        }))
    }

    /// The token, if there is one. Concurrent callers wait for one fetch.
    pub(crate) async fn bearer(&self) -> Option<MetadataValue<Ascii>> {
        let cached = &mut *self.0.lock().await;
        if cached.until > Instant::now() {
            return cached.bearer.clone();
        }
        let used_for = match cached.program.bearer().await {
            Ok(bearer) => {
                cached.trouble.is_over();
                cached.bearer = Some(bearer);
                USED_FOR
            }
            Err(status) => {
                cached.trouble.failed(&status);
                cached.bearer = None;
                RETRY
            }
        };
        cached.until = Instant::now() + used_for;
        cached.bearer.clone()
    }
}

/// Fails if the auth service does not respond in time.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let late = |_| Status::deadline_exceeded(format!("no response within {SILENCE_MAX:?}"));
    timeout(SILENCE_MAX, answer).await.map_err(late)?
}
