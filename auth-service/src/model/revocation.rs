//! Revocations, for services that subscribe to them.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A session.
    Session(Uuid),
    /// Every token of a user or a service account that was issued until then.
    User(UserId),
    /// A signing key.
    Key(String),
}

/// One revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub subject: Subject,
    /// When it happened.
    pub revoke_time: DateTime<Utc>,
}
