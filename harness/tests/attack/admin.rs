//! An administrator of the running services.

use proto::auth::v1::TokenPair;
use proto::auth::v1::admin_service_client::AdminServiceClient;
use proto::auth::v1::log_in_response::Result as LogInResult;
use tonic::Request;
use tonic::transport::Channel;

use crate::pair::{Pair, Side};
use crate::user::{PASSWORD, bearer};

/// The scope of administrators.
pub(crate) const SCOPE: &str = "auth.admin";

pub(crate) struct Admin {
    side: Side,
    pub(crate) tokens: TokenPair,
}

impl Admin {
    /// Signs up, is made an administrator, and logs in with `auth.admin`, all at one
    /// side.
    pub(crate) async fn new(pair: &Pair, side: usize, email: &str) -> Self {
        let side = pair.side(side);
        side.sign_up(email).await.unwrap();
        pair.make_admin(email);
        let tokens = Self::tokens(&side, email).await;
        Self { side, tokens }
    }

    /// The tokens of a log-in with `auth.admin`.
    pub(crate) async fn tokens(side: &Side, email: &str) -> TokenPair {
        match side.try_log_in_for(email, PASSWORD, &[SCOPE]).await {
            Ok(LogInResult::Tokens(tokens)) => tokens,
            other => panic!("no tokens but {other:?}"),
        }
    }

    pub(crate) fn client(&self) -> AdminServiceClient<Channel> {
        self.side.admin.clone()
    }

    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        bearer(message, &self.tokens.access_token)
    }
}
