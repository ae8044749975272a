//! What is revoked, as services that watch revocations learn it.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A session.
    Session(Uuid),
    /// Every token that a user or a service account had until then.
    User(UserId),
    /// A signing key.
    Key(String),
}

/// One revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub subject: Subject,
    /// When.
    pub revoke_time: DateTime<Utc>,
}
