//! Exchanges a refresh token for the next one.
//!
//! Within the grace period the same token always returns the same successor; an older
//! token revokes the session. What remains: a thief who replays within the grace period
//! has the same tokens as the owner, as in every scheme with a grace period.

use chassis::access::rate_limits::PendingLimits;
use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::refresh_token::RefreshToken;
use crate::model::request_id::RequestId;
use crate::model::session::Client;
use crate::sessions::grant::{self, Grant, Subject};
use crate::sessions::{self, Sessions, TokenPair};
use crate::store;
use crate::store::audit::Event;
use crate::store::sessions::{RefreshState, Rotated, Rotation};
use chassis::sha256::sha256;
use chassis::trace::Trace;

/// How long a refresh can be repeated with its request id.
const REPEAT_MAX: TimeDelta = TimeDelta::hours(24);
/// The number of attempts while the presented token is still the current one.
const TRIES: usize = 2;

/// The new tokens.
pub struct Refreshed {
    /// The token pair.
    pub tokens: TokenPair,
    /// Whether an earlier response is repeated.
    pub replayed: bool,
}

/// What to do if the exchange did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The presented token is the current one after all.
    TryAgain,
    /// A response was lost: repeat it.
    Replay,
    /// The token is an older one: someone has a copy.
    Reuse,
}

impl Sessions {
    /// Exchanges a refresh token for a new pair. A call beyond the rate limit changes
    /// nothing, but still returns the error of an invalid token, or repeats an earlier
    /// response.
    pub async fn refresh(
        &self,
        token: &str,
        request_id: Option<RequestId>,
        grant: Grant,
        client: &Client,
        limits: Option<PendingLimits>,
        now: DateTime<Utc>,
    ) -> Result<Refreshed> {
        // A forged token costs only this check.
        let presented = self.codec.parse(token).ok_or(Error::RefreshTokenInvalid)?;
        // Counted per session, so that calls with a revoked one do not use up the limit
        // of the user's other sessions.
        let id = presented.session_id;
        let asked = limits.as_ref().map(|limits| limits.count_call(id));
        let limited = asked.and_then(Result::err);
        for _ in 0..TRIES {
            if limited.is_none()
                && let Some(tokens) = self
                    .rotate(&presented, request_id, grant, client, now)
                    .await?
            {
                return Ok(Refreshed {
                    tokens,
                    replayed: false,
                });
            }
            let (user_id, id) = (presented.user_id, presented.session_id);
            let state = store::sessions::refresh_state(&self.db, user_id, id)
                .await?
                .ok_or(Error::RefreshTokenInvalid)?;
            match judge(&state, &presented, request_id, self.settings.grace, now)? {
                Verdict::TryAgain => {
                    limited.map_or(Ok(()), Err)?;
                    // The exchange may have been refused because of the scopes; then this
                    // returns the error.
                    self.ensure(grant, &state.into(), now)?;
                }
                Verdict::Replay => {
                    if let Some(limits) = &limits {
                        // Repeats are limited separately for each refresh.
                        let at = state.rotate_time.unwrap_or(now);
                        limits.count_user(replay_event_id(&presented, at))?;
                    }
                    let tokens = self.replay(&presented, state, grant, client, now).await?;
                    return Ok(Refreshed {
                        tokens,
                        replayed: true,
                    });
                }
                Verdict::Reuse => {
                    self.end_reused(&presented, client).await?;
                    return Err(Error::RefreshTokenReused);
                }
            }
        }
        Err(Error::RefreshConflict)
    }

    /// The hot path: one statement. `None` if it changed nothing.
    async fn rotate(
        &self,
        presented: &RefreshToken,
        request_id: Option<RequestId>,
        grant: Grant,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Option<TokenPair>> {
        let successor = self
            .codec
            .successor(presented, self.codec.current_kid())
            .ok_or(Error::SessionExpired)?;
        let rotation = Rotation {
            presented,
            successor: &successor,
            request_hash: request_id.map(|id| id.0),
            idle_expire_time: now + self.settings.idle_ttl,
            client,
            administers_since: (grant == Grant::Administration)
                .then(|| grant::since(now, self.settings.admin_authentication)),
        };
        let Some(row) = store::sessions::rotate(&self.db, &rotation, now).await? else {
            return Ok(None);
        };
        self.pair(successor, row.into(), grant, now).map(Some)
    }

    /// Returns the same refresh token again; the session does not change.
    async fn replay(
        &self,
        presented: &RefreshToken,
        state: RefreshState,
        grant: Grant,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<TokenPair> {
        let successor = u8::try_from(state.cur_kid)
            .ok()
            .and_then(|kid| self.codec.successor(presented, kid))
            // A replica with a newer key file created it; ours will be updated.
            .ok_or(Error::RefreshConflict)?;
        if state.cur_hash != successor.hash() {
            self.end_reused(presented, client).await?;
            return Err(Error::RefreshTokenReused);
        }
        let event = Event::new(presented.user_id, Kind::RefreshReplayed, &client.ip)
            .session(presented.session_id);
        // One entry per refresh, however often it is repeated.
        let id = replay_event_id(presented, state.rotate_time.unwrap_or(now));
        let subject = Subject::from(state);
        self.ensure(grant, &subject, now)?;
        store::audit::insert_once(&self.db, id, event, now).await?;
        self.pair(successor, subject, grant, now)
    }

    /// Revokes the session of a token that was used before, and commits although the call
    /// fails, even if its client disconnects.
    async fn end_reused(&self, presented: &RefreshToken, client: &Client) -> Result<()> {
        let (db, clock, ip) = (self.db.clone(), self.clock.clone(), client.ip.clone());
        let (user_id, id) = (presented.user_id, presented.session_id);
        tracing::warn!(%user_id, session_id = %id, "refresh token reused");
        let revoke = async move {
            sessions::ends::end(&db, &clock, (user_id, id), Kind::RefreshReused, &ip).await
        };
        match tokio::spawn(Trace::current().run(revoke)).await {
            Ok(revoked) => revoked.map(|_| ()),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

impl From<Rotated> for Subject {
    fn from(row: Rotated) -> Self {
        Self {
            auth_time: row.auth_time,
            amr: row.amr,
            roles: row.roles,
            mfa_enabled: row.mfa_enabled,
            refresh_expire_time: row.idle_expire_time,
            absolute_expire_time: row.absolute_expire_time,
            tokens_revoke_time: row.tokens_revoke_time,
        }
    }
}

impl From<RefreshState> for Subject {
    fn from(state: RefreshState) -> Self {
        Self {
            auth_time: state.auth_time,
            amr: state.amr,
            roles: state.roles.unwrap_or_default(),
            mfa_enabled: state.mfa_enabled,
            refresh_expire_time: state.idle_expire_time,
            absolute_expire_time: state.absolute_expire_time,
            tokens_revoke_time: state.tokens_revoke_time,
        }
    }
}

/// Decides what to do with a refresh whose exchange did not happen.
fn judge(
    state: &RefreshState,
    presented: &RefreshToken,
    request_id: Option<RequestId>,
    grace: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Verdict> {
    // Checked first, because disabling a user also revokes the session, and a new log-in
    // would fail.
    if state.disabled == Some(true) {
        return Err(Error::AccountDisabled);
    }
    if state.revoked {
        return Err(Error::SessionRevoked);
    }
    if state.idle_expire_time <= now || state.absolute_expire_time <= now {
        return Err(Error::SessionExpired);
    }
    if state.disabled.is_none() {
        return Err(Error::UserMissing);
    }
    let hash = presented.hash();
    if state.cur_hash == hash {
        return Ok(Verdict::TryAgain);
    }
    let (Some(prev_hash), Some(rotate_time)) = (&state.prev_hash, state.rotate_time) else {
        return Ok(Verdict::Reuse);
    };
    let age = now - rotate_time;
    let in_grace = !grace.is_zero() && age <= grace;
    let same_request = request_id
        .is_some_and(|id| state.prev_request_hash.as_deref() == Some(&id.0) && age <= REPEAT_MAX);
    Ok(if *prev_hash == hash && (in_grace || same_request) {
        Verdict::Replay
    } else {
        Verdict::Reuse
    })
}

/// A UUIDv7 with the refresh's time, the same for every repeat.
fn replay_event_id(presented: &RefreshToken, rotate_time: DateTime<Utc>) -> uuid::Uuid {
    let hash = sha256(&[b"refresh-replayed".as_slice(), &presented.hash()].concat());
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash[..10]);
    let millis = u64::try_from(rotate_time.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::refresh_token::Codec;
    use chassis::settings::keyring::{KeyRing, generate_line};
    use chassis::user_id::UserId;
    use uuid::Uuid;

    const GRACE: TimeDelta = TimeDelta::seconds(30);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// A session rotated once at second 1000, with both its tokens.
    fn rotated() -> (RefreshState, RefreshToken, RefreshToken) {
        let codec = Codec::new(&KeyRing::parse(&generate_line(1).unwrap()).unwrap());
        let first = codec.first(UserId::generate(), Uuid::now_v7()).unwrap();
        let second = codec.successor(&first, 1).unwrap();
        let state = RefreshState {
            cur_hash: second.hash().to_vec(),
            cur_kid: 1,
            prev_hash: Some(first.hash().to_vec()),
            prev_request_hash: Some(vec![7; 32]),
            rotate_time: Some(at(1000)),
            auth_time: at(0),
            amr: Vec::new(),
            idle_expire_time: at(200_000),
            absolute_expire_time: at(300_000),
            revoked: false,
            disabled: Some(false),
            roles: Some(Vec::new()),
            mfa_enabled: false,
            tokens_revoke_time: None,
        };
        (state, first, second)
    }

    #[test]
    fn the_token_before_is_replayed_within_the_grace_time_only() {
        let (state, first, _) = rotated();
        let judge = |now, grace| judge(&state, &first, None, grace, at(now)).unwrap();
        assert_eq!(judge(1000, GRACE), Verdict::Replay);
        assert_eq!(judge(1030, GRACE), Verdict::Replay);
        assert_eq!(judge(1031, GRACE), Verdict::Reuse);
        assert_eq!(
            judge(990, GRACE),
            Verdict::Replay,
            "another replica's clock"
        );
        assert_eq!(judge(1000, TimeDelta::zero()), Verdict::Reuse);
    }

    #[test]
    fn the_same_request_is_replayed_for_a_day() {
        let (state, first, _) = rotated();
        let judge =
            |now, id| judge(&state, &first, Some(RequestId([id; 32])), GRACE, at(now)).unwrap();
        assert_eq!(judge(1000 + 86_400, 7), Verdict::Replay);
        assert_eq!(judge(1000 + 86_401, 7), Verdict::Reuse);
        assert_eq!(judge(1031, 8), Verdict::Reuse);
    }

    #[test]
    fn a_request_id_does_not_revive_an_older_token() {
        let (mut state, first, _) = rotated();
        state.prev_hash = Some(vec![9; 32]);
        let verdict = judge(&state, &first, Some(RequestId([7; 32])), GRACE, at(1000));
        assert_eq!(verdict.unwrap(), Verdict::Reuse);
    }

    #[test]
    fn the_current_token_is_tried_again() {
        let (state, _, second) = rotated();
        assert_eq!(
            judge(&state, &second, None, GRACE, at(5000)).unwrap(),
            Verdict::TryAgain
        );
    }

    #[test]
    fn an_end_of_the_session_goes_before_all_else() {
        let (alive, first, _) = rotated();
        let judge = |state: &RefreshState, now| judge(state, &first, None, GRACE, at(now));
        let revoked = RefreshState {
            revoked: true,
            ..alive.clone()
        };
        assert!(matches!(judge(&revoked, 1002), Err(Error::SessionRevoked)));
        assert!(matches!(judge(&alive, 200_000), Err(Error::SessionExpired)));
        for revoked in [false, true] {
            let disabled = RefreshState {
                disabled: Some(true),
                revoked,
                ..alive.clone()
            };
            let judged = judge(&disabled, 1002);
            assert!(matches!(judged, Err(Error::AccountDisabled)));
        }
        let half = RefreshState {
            disabled: None,
            ..alive
        };
        assert!(matches!(judge(&half, 1002), Err(Error::UserMissing)));
    }
}
