//! What stands for a right password until the second factor comes.

use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::accounts::User;
use crate::audit::Kind;
use crate::error::Result;
use crate::refresh_token::sha256;
use crate::store;
use crate::store::audit::Event;
use crate::store::mfa::NewChallenge;

/// How long a challenge can be answered.
const LIFE: TimeDelta = TimeDelta::minutes(5);
const PREFIX: &str = "mc1_";
const USER_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// The client's end of a challenge: `"mc1_" + base64url(user:16 | secret:32)`, so that
/// its row is found where the user's rows are. Wiped when dropped.
pub struct ChallengeId {
    text: Zeroizing<String>,
    /// Who logs in.
    pub user_id: UserId,
}

impl ChallengeId {
    fn generate(user_id: UserId) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; USER_BYTES + SECRET_BYTES]);
        bytes[..USER_BYTES].copy_from_slice(user_id.0.as_bytes());
        rand::fill(&mut bytes[USER_BYTES..])?;
        let mut text = Zeroizing::new(PREFIX.to_owned());
        BASE64_URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        Ok(Self { text, user_id })
    }

    /// Reads what came over the wire; nothing where it cannot be a challenge's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; USER_BYTES + SECRET_BYTES]);
        let length = BASE64_URL_SAFE_NO_PAD
            .decode_slice(text.strip_prefix(PREFIX)?, &mut *bytes)
            .ok()?;
        let user_id = Uuid::from_slice(&bytes[..USER_BYTES]).ok()?;
        (length == bytes.len()).then(|| Self {
            text: Zeroizing::new(text.to_owned()),
            user_id: UserId(user_id),
        })
    }

    /// The id as the client gets it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the database knows of it: SHA-256 of the text.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }
}

/// A log-in that lacks the second factor.
pub struct Challenge {
    /// The client's end.
    pub id: ChallengeId,
    /// When it can no longer be answered.
    pub expire_time: DateTime<Utc>,
}

/// Asks a user for the second factor whose password of this version was right.
pub(crate) async fn ask(
    tx: &mut Transaction,
    user: &User,
    password_version: i64,
    client_label: &str,
    ip: &str,
    now: DateTime<Utc>,
) -> Result<Challenge> {
    let challenge = Challenge {
        id: ChallengeId::generate(user.id)?,
        expire_time: now + LIFE,
    };
    let new = NewChallenge {
        user_id: user.id,
        hash: challenge.id.hash(),
        password_version,
        client_label,
        expire_time: challenge.expire_time,
    };
    store::mfa::insert_challenge(&mut **tx, &new).await?;
    let event = Event::new(user.id, Kind::MfaChallenged, ip);
    store::audit::insert(&mut **tx, event, now).await?;
    Ok(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = ChallengeId::generate(UserId::generate()).unwrap();

        let read = ChallengeId::parse(id.as_str()).unwrap();

        assert_eq!(read.user_id.0, id.user_id.0);
        assert_eq!(read.hash(), id.hash());
    }

    #[test]
    fn what_cannot_be_an_id_is_none() {
        let id = ChallengeId::generate(UserId::generate()).unwrap();
        let text = id.as_str();
        let longer = format!("{text}A");
        let padded = format!("{text}=");
        for text in [
            "",
            "mc1_",
            &text[..67],
            &text[4..],
            &longer,
            &padded,
            "mc1_é",
        ] {
            assert!(ChallengeId::parse(text).is_none(), "{text}");
        }
    }
}
