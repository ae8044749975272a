//! The client that makes a call.

use std::net::IpAddr;
use std::sync::OnceLock;

use crate::user_id::UserId;

/// Who makes a call; an extension of every request.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// Its IPv4 address or IPv6 /64; `None` if a proxy does not report it.
    pub(crate) network: Option<IpAddr>,
    user: OnceLock<UserId>,
}

impl Client {
    pub(crate) fn new(network: Option<IpAddr>) -> Self {
        Self {
            network,
            user: OnceLock::new(),
        }
    }

    /// The user, once the access token is verified.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.user.get().copied()
    }

    /// Stores the user whose access token is valid.
    pub(crate) fn identify(&self, user: UserId) {
        let _ = self.user.set(user);
    }
}
