//! Revoked access tokens: the revocations received from the auth service, and what to do
//! while none are received.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use uuid::Uuid;

use crate::access::caller::Caller;
use crate::access::token::TokenError;
use crate::metrics::{Metrics, count};
use crate::user_id::UserId;

/// What happens to access tokens while no revocations are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Tokens are accepted until they expire
    Open,
    /// Calls fail with UNAVAILABLE
    Closed,
}

/// The known revocations, shared by all threads.
#[derive(Debug)]
pub struct Revocations {
    mode: Mode,
    silence_max: Duration,
    made_at: Instant,
    known: RwLock<Known>,
    ready: watch::Sender<bool>,
    /// Whether they are received at the moment, in either mode.
    heard: watch::Sender<bool>,
    user_revoked: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// Until when the revocation of each session is stored, in seconds since the epoch.
    sessions: HashMap<Uuid, i64>,
    users: HashMap<UserId, User>,
    /// The time of the last message after catching up.
    heard_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    /// Tokens issued in or before this second are revoked.
    up_to: i64,
    forget: i64,
}

/// One revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// A session.
    Session(Uuid),
    /// All tokens of a user, or of a program, that were issued in or before this second.
    User(UserId, i64),
}

impl Revocations {
    /// Creates an empty set. A silence longer than `silence_max` counts as a failure.
    #[must_use]
    pub fn new(mode: Mode, silence_max: Duration) -> Self {
        Self {
            mode,
            silence_max,
            made_at: Instant::now(),
            known: RwLock::default(),
            ready: watch::Sender::new(false),
            heard: watch::Sender::new(false),
            user_revoked: Notify::new(),
        }
    }

    /// Refuses a revoked token, and, if configured, every token while no revocations are
    /// received.
    pub fn check(&self, caller: &Caller) -> Result<(), TokenError> {
        let known = self.known();
        let of_session = |id: Uuid| known.sessions.contains_key(&id);
        let of_user = known.users.get(&caller.user_id);
        if caller.session_id.is_some_and(of_session)
            || of_user.is_some_and(|user| caller.issued_at <= user.up_to)
        {
            return Err(TokenError::Revoked);
        }
        if self.trusts(&known) {
            Ok(())
        } else {
            Err(TokenError::RevocationsUnavailable)
        }
    }

    /// Whether a token without a known revocation is accepted. A service that has just
    /// started refuses in either mode, otherwise a crash would undo revocations.
    fn trusts(&self, known: &Known) -> bool {
        let within = |at: Instant| at.elapsed() <= self.silence_max;
        match (self.mode, known.heard_at) {
            (Mode::Closed, heard_at) => heard_at.is_some_and(within),
            (Mode::Open, Some(_)) => true,
            (Mode::Open, None) => !within(self.made_at),
        }
    }

    /// Stores a revocation until the second `forget`.
    pub fn learn(&self, revoked: Revoked, forget: i64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match revoked {
            Revoked::Session(id) => {
                known.sessions.insert(id, forget);
            }
            Revoked::User(id, up_to) => {
                let user = known.users.entry(id).or_insert(User { up_to, forget });
                user.up_to = user.up_to.max(up_to);
                user.forget = user.forget.max(forget);
                self.user_revoked.notify_one();
            }
        }
    }

    /// Completes when a user's tokens were revoked since it last completed, possibly
    /// because the account was deleted; for one waiter.
    pub async fn user_revoked(&self) {
        self.user_revoked.notified().await;
    }

    /// Records that all revocations so far have been received.
    pub fn heard(&self, now: i64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.heard_at = Some(Instant::now());
        shrink(&mut known.sessions, |forget| *forget > now);
        shrink(&mut known.users, |user| user.forget > now);
        drop(known);
        set(&self.ready, true);
        set(&self.heard, true);
    }

    /// Records that the feed was lost.
    pub fn lost(&self) {
        set(&self.heard, false);
        if self.mode == Mode::Closed {
            set(&self.ready, false);
        }
    }

    /// Whether calls are accepted, for the health service.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Whether revocations are received at the moment, for the health service.
    #[must_use]
    pub fn are_heard(&self) -> watch::Receiver<bool> {
        self.heard.subscribe()
    }

    /// Registers the metrics of the feed.
    pub fn publish(self: &Arc<Self>, metrics: &Metrics) {
        let heard = self.are_heard();
        let help = "Whether revocations are received from the auth service";
        metrics.gauge("revocation_feed_connected", help, move || {
            f64::from(u8::from(*heard.borrow()))
        });
        let this = Arc::clone(self);
        let help = "Time since the last message from the auth service; infinite before the first";
        metrics.gauge("revocation_feed_heard_seconds", help, move || {
            let heard_at = this.known().heard_at;
            heard_at.map_or(f64::INFINITY, |at| at.elapsed().as_secs_f64())
        });
        let this = Arc::clone(self);
        metrics.gauge("revocations", "Revocations that are stored", move || {
            let known = this.known();
            count(known.sessions.len() + known.users.len())
        });
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the longest allowed silence. Then calls are accepted even if no message
    /// has arrived yet, unless the mode is closed.
    pub async fn wait(&self) {
        sleep(self.silence_max).await;
        if self.mode == Mode::Open {
            set(&self.ready, true);
        }
    }
}

fn set(state: &watch::Sender<bool>, is: bool) {
    state.send_if_modified(|was| std::mem::replace(was, is) != is);
}

/// Deletes expired revocations, and releases memory after a flood.
fn shrink<K: Eq + Hash, V>(map: &mut HashMap<K, V>, keep: impl Fn(&V) -> bool) {
    map.retain(|_, value| keep(value));
    if map.capacity() > 4 * map.len() + 64 {
        map.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::token::{Claims, Verified};

    fn caller(session: u128, issued_at: i64) -> Caller {
        let claims = Claims {
            iss: String::new(),
            aud: String::new(),
            sub: UserId(Uuid::from_u128(1)),
            client_id: String::new(),
            jti: Uuid::nil(),
            sid: Some(Uuid::from_u128(session)),
            iat: issued_at,
            exp: issued_at + 600,
            nbf: None,
            scope: String::new(),
            auth_time: issued_at,
            amr: Vec::new(),
            roles: Vec::new(),
        };
        Caller::from(Verified {
            claims,
            key_id: String::new(),
        })
    }

    fn revocations() -> Revocations {
        let revocations = Revocations::new(Mode::Open, Duration::from_mins(1));
        revocations.heard(0);
        revocations
    }

    #[test]
    fn the_state_of_the_feed_is_reported_in_either_mode() {
        for mode in [Mode::Open, Mode::Closed] {
            let metrics = Metrics::default();
            let revocations = Arc::new(Revocations::new(mode, Duration::from_mins(1)));
            revocations.publish(&metrics);
            let connected = |is: u8| {
                let line = format!("addressbook_revocation_feed_connected {is}.0\n");
                metrics.text().contains(&line)
            };
            assert!(connected(0) && !*revocations.are_heard().borrow());

            revocations.heard(0);
            assert!(connected(1) && *revocations.are_heard().borrow());
            revocations.lost();
            assert!(connected(0) && !*revocations.are_heard().borrow());
        }
    }

    #[test]
    fn a_session_is_refused_and_its_neighbour_is_not() {
        let revocations = revocations();
        revocations.learn(Revoked::Session(Uuid::from_u128(7)), 1000);

        assert_eq!(revocations.check(&caller(7, 0)), Err(TokenError::Revoked));
        assert_eq!(revocations.check(&caller(8, 0)), Ok(()));
    }

    #[test]
    fn a_users_tokens_are_refused_up_to_the_second() {
        let revocations = revocations();
        let user = UserId(Uuid::from_u128(1));
        revocations.learn(Revoked::User(user, 500), 1000);
        revocations.learn(Revoked::User(user, 400), 900);

        assert_eq!(revocations.check(&caller(7, 500)), Err(TokenError::Revoked));
        assert_eq!(revocations.check(&caller(7, 501)), Ok(()));
    }

    #[test]
    fn expired_revocations_are_deleted() {
        let revocations = revocations();
        revocations.learn(Revoked::Session(Uuid::from_u128(7)), 1000);

        revocations.heard(999);
        assert_eq!(revocations.check(&caller(7, 0)), Err(TokenError::Revoked));
        revocations.heard(1000);
        assert_eq!(revocations.check(&caller(7, 0)), Ok(()));
    }

    #[test]
    fn a_new_service_refuses_tokens_until_it_knows_earlier_revocations() {
        for mode in [Mode::Open, Mode::Closed] {
            let unheard = Revocations::new(mode, Duration::from_mins(1));
            let waits = unheard.check(&caller(7, 0));
            assert_eq!(waits, Err(TokenError::RevocationsUnavailable));
            unheard.heard(0);
            assert_eq!(unheard.check(&caller(7, 0)), Ok(()));
        }
    }

    #[test]
    fn silence_refuses_every_call_in_closed_mode_only() {
        let impatient = |mode| Revocations::new(mode, Duration::ZERO);
        let closed = impatient(Mode::Closed);
        closed.heard(0);
        while closed.check(&caller(7, 0)).is_ok() {}

        let open = impatient(Mode::Open);
        while open.check(&caller(7, 0)).is_err() {}
    }
}
