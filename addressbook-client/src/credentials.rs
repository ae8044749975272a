//! What a device keeps of its account.

use std::fmt;

use chrono::{DateTime, Utc};
use proto::auth::v1::TokenPair;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::servers::Servers;

/// What a device keeps of one account, also after a log-out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The servers that issued the credentials. They are sent to no other server.
    #[serde(default)]
    pub servers: Servers,
    /// The e-mail of the last log-in.
    #[serde(default)]
    pub email: String,
    /// The tokens; `None` if nobody is logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Sent with the next log-in with this e-mail, so that others who guess the password
    /// cannot lock this device out.
    #[serde(default)]
    pub(crate) device_token: DeviceToken,
}

/// A secret that is not printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceToken(pub(crate) String);

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken")
    }
}

/// The tokens of a session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// When the access token expires, by the server's clock.
    pub access_expire_time: DateTime<Utc>,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// The `request_id` of a refresh that has begun and whose end is unknown. With the same
    /// id it can be repeated within a day; without it, it would look like a theft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_request: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Credentials");
        text.field("access_expire_time", &self.access_expire_time);
        text.finish_non_exhaustive()
    }
}

impl TryFrom<Option<TokenPair>> for Credentials {
    type Error = Error;

    fn try_from(pair: Option<TokenPair>) -> Result<Self, Error> {
        let incomplete = || Error::internal("the server's response has no tokens");
        let pair = pair.ok_or_else(incomplete)?;
        let expires = pair.access_expire_time.ok_or_else(incomplete)?;
        let nanos = u32::try_from(expires.nanos).unwrap_or_default();
        let expires = DateTime::from_timestamp(expires.seconds, nanos);
        Ok(Self {
            access_expire_time: expires.ok_or_else(incomplete)?,
            access_token: pair.access_token,
            refresh_token: pair.refresh_token,
            refresh_request: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_token() {
        let pair = TokenPair {
            access_token: "secret-a".into(),
            refresh_token: "secret-r".into(),
            access_expire_time: Some(prost_types()),
            ..TokenPair::default()
        };
        let profile = Profile {
            credentials: Some(Some(pair).try_into().unwrap()),
            device_token: DeviceToken("secret-d".into()),
            ..Profile::default()
        };

        assert!(!format!("{profile:?}").contains("secret"), "{profile:?}");
    }

    fn prost_types() -> prost_reflect::prost_types::Timestamp {
        prost_reflect::prost_types::Timestamp::default()
    }
}
