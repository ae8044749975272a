//! Sessions, as stored and as shown to users.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::user::User;

/// One signed-in device or program.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id of the session; later ones sort after earlier ones.
    pub id: Uuid,
    /// The client's label.
    pub client_label: String,
    /// The address of its latest call.
    pub ip: String,
    /// The user agent of its latest call.
    pub user_agent: String,
    /// When the user logged in.
    pub create_time: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_seen_time: DateTime<Utc>,
    /// When it expires unless it is refreshed.
    pub idle_expire_time: DateTime<Utc>,
    /// When it expires in any case.
    pub absolute_expire_time: DateTime<Utc>,
}

/// A user, with the calling session.
#[derive(Clone, Debug)]
pub struct UserSession {
    /// The account.
    pub user: User,
    /// The valid session.
    pub session_id: Uuid,
}

/// The client of a call: its address and user agent.
#[derive(Clone, Debug)]
pub struct Client {
    /// The peer's address.
    pub ip: String,
    /// Its user agent: at most 200 characters, without control characters.
    pub user_agent: String,
}

impl Client {
    const USER_AGENT_CHARS_MAX: usize = 200;

    /// Cleans a client's user agent; a call is not refused because of it.
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
    /// The authentication methods (RFC 8176).
    pub amr: &'a [String],
    /// When it expires unless it is refreshed.
    pub idle_expire_time: DateTime<Utc>,
    /// When it expires in any case.
    pub absolute_expire_time: DateTime<Utc>,
    /// The client's label.
    pub client_label: &'a str,
    /// The caller.
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
