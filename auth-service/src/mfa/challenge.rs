//! Challenges: proof of a correct password until the second factor is checked.

use chassis::database::pool::Transaction;
use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Result;
use crate::model::audit::Kind;
use crate::model::user::User;
use crate::model::user_token::UserToken;
use crate::sessions::grant::SessionRequest;
use crate::store;
use crate::store::audit::Event;
use crate::store::mfa::NewChallenge;

/// How long a challenge can be answered.
const LIFE: TimeDelta = TimeDelta::minutes(5);
/// The prefix of challenges.
pub const PREFIX: &str = "mc1_";

/// A log-in without its second factor.
pub struct Challenge {
    /// The client's part.
    pub id: UserToken,
    /// When it expires.
    pub expire_time: DateTime<Utc>,
}

/// Creates a challenge for a user whose password with this version was correct.
pub(crate) async fn ask(
    tx: &mut Transaction,
    user: &User,
    password_version: i64,
    request: SessionRequest<'_>,
    ip: &str,
    now: DateTime<Utc>,
) -> Result<Challenge> {
    let challenge = Challenge {
        id: UserToken::generate(PREFIX, user.id)?,
        expire_time: now + LIFE,
    };
    let scopes = request.grant.scopes().iter().map(ToString::to_string);
    let scopes: Vec<_> = scopes.collect();
    let new = NewChallenge {
        user_id: user.id,
        hash: challenge.id.hash(),
        password_version,
        client_label: request.client_label,
        scopes: &scopes,
        expire_time: challenge.expire_time,
    };
    store::mfa::insert_challenge(&mut **tx, &new).await?;
    let event = Event::new(user.id, Kind::MfaChallenged, ip);
    store::audit::insert(&mut **tx, event, now).await?;
    Ok(challenge)
}
