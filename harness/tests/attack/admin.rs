//! An administrator of the pair.

use proto::auth::v1::TokenPair;
use proto::auth::v1::admin_service_client::AdminServiceClient;
use tonic::Request;
use tonic::transport::Channel;

use crate::pair::{Pair, Side};
use crate::user::{PASSWORD, bearer};

pub(crate) struct Admin {
    side: Side,
    pub(crate) tokens: TokenPair,
}

impl Admin {
    /// Signs up, is made an administrator, and logs in, all at one side.
    pub(crate) async fn new(pair: &Pair, side: usize, email: &str) -> Self {
        let side = pair.side(side);
        side.sign_up(email).await.unwrap();
        pair.make_admin(email);
        let tokens = side.log_in(email, PASSWORD).await.unwrap();
        Self { side, tokens }
    }

    pub(crate) fn client(&self) -> AdminServiceClient<Channel> {
        self.side.admin.clone()
    }

    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        bearer(message, &self.tokens.access_token)
    }
}
