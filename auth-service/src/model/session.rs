//! A session, as it is stored and as its user sees it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::user::User;

/// One signed-in device or program.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its identity; later ones sort after earlier ones.
    pub id: Uuid,
    /// What the client called itself.
    pub client_label: String,
    /// Where its latest call came from.
    pub ip: String,
    /// What its latest call said it was.
    pub user_agent: String,
    /// When the user logged in.
    pub create_time: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_seen_time: DateTime<Utc>,
    /// When it ends unless it is refreshed.
    pub idle_expire_time: DateTime<Utc>,
    /// When it ends in any case.
    pub absolute_expire_time: DateTime<Utc>,
}

/// A user, and the session that it calls with.
#[derive(Clone, Debug)]
pub struct UserSession {
    /// The account.
    pub user: User,
    /// The live session.
    pub session_id: Uuid,
}

/// The client of a call: its address, and what it says it is.
#[derive(Clone, Debug)]
pub struct Client {
    /// The peer's address.
    pub ip: String,
    /// What it says it is: at most 200 characters, none of control.
    pub user_agent: String,
}

impl Client {
    const USER_AGENT_CHARS_MAX: usize = 200;

    /// Cleans what a client says of itself; a call is not refused for it.
    #[must_use]
    pub fn new(ip: String, user_agent: &str) -> Self {
        let kept = user_agent.chars().filter(|c| !c.is_control());
        Self {
            ip,
            user_agent: kept.take(Self::USER_AGENT_CHARS_MAX).collect(),
        }
    }
}

/// A session to store.
pub struct NewSession<'a> {
    /// How the user proved who it is (RFC 8176).
    pub amr: &'a [String],
    /// When it ends unless it is refreshed.
    pub idle_expire_time: DateTime<Utc>,
    /// When it ends in any case.
    pub absolute_expire_time: DateTime<Utc>,
    /// What the client calls it.
    pub client_label: &'a str,
    /// Who calls.
    pub client: &'a Client,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_and_cleaned() {
        let client = Client::new(
            String::new(),
            &format!("a\0\n\u{1b}[31m{}", "é".repeat(300)),
        );
        assert!(client.user_agent.starts_with("a[31mé"));
        assert_eq!(client.user_agent.chars().count(), 200);
    }
}
