//! The states of a signing key, and the times of their changes. No I/O.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::keeper::BEAT;
use crate::model::signing_key::{Algorithm, KeyState};
use crate::store::signing_keys::KeyRow;

/// How long keys stay in their states.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The algorithm of new keys.
    pub algorithm: Algorithm,
    /// How long a key signs.
    pub rotation: Duration,
    /// How long readers cache the published keys.
    pub cache: Duration,
    /// How long a token can be valid after it was signed.
    pub token_life: Duration,
}

impl Schedule {
    /// How long a key is published before it signs. Another instance publishes it up to
    /// one read interval after it was staged, and a reader that read just before that
    /// reads again a cache time later; the second cache time is a reserve, which must be
    /// at least two read intervals.
    #[must_use]
    pub fn staging(&self) -> Duration {
        (self.cache * 2).max(self.cache + BEAT * 2)
    }

    /// How long a key is published after it signed. A slow instance may sign with it a
    /// little longer, which the cache time covers.
    #[must_use]
    pub fn retirement(&self) -> Duration {
        self.token_life + self.cache
    }
}

/// A due change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Create a key that will sign later.
    Stage,
    /// Create a key that signs at once.
    MakeActive,
    /// Activate this staged key, and no other.
    Activate(String),
    /// Revoke this key.
    Revoke(String),
}

/// The changes that are due for these keys. A change can make another one due, which the
/// next call returns.
pub(super) fn due(keys: &[KeyRow], schedule: &Schedule, now: DateTime<Utc>) -> Vec<Step> {
    let since = |key: &KeyRow| (now - key.state_time).to_std().unwrap_or_default();
    let gone = |key: &&KeyRow| key.is(KeyState::Retiring) && since(key) >= schedule.retirement();
    let revoke = |key: &KeyRow| Step::Revoke(key.kid.clone());
    let mut steps: Vec<_> = keys.iter().filter(gone).map(revoke).collect();
    let active = keys.iter().find(|key| key.is(KeyState::Active));
    steps.extend(match (active, staged(keys)) {
        (None, _) => Some(successor(keys)),
        (Some(_), Some(key)) if since(key) >= schedule.staging() => {
            Some(Step::Activate(key.kid.clone()))
        }
        (Some(key), None) if is_old(since(key), schedule) => Some(Step::Stage),
        (Some(key), None) if key.algorithm != schedule.algorithm.name() => Some(Step::Stage),
        _ => None,
    });
    steps
}

/// The change that activates a key if none is active.
pub(super) fn successor(keys: &[KeyRow]) -> Step {
    staged(keys).map_or(Step::MakeActive, |key| Step::Activate(key.kid.clone()))
}

/// The key that signs next.
pub(super) fn staged(keys: &[KeyRow]) -> Option<&KeyRow> {
    keys.iter().find(|key| key.is(KeyState::Staged))
}

/// Whether the active key's time ends before a key that is staged now is ready.
fn is_old(age: Duration, schedule: &Schedule) -> bool {
    age >= schedule.rotation.saturating_sub(schedule.staging())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const SCHEDULE: Schedule = Schedule {
        algorithm: Algorithm::EdDsa,
        rotation: Duration::from_hours(30 * 24),
        cache: Duration::from_mins(5),
        token_life: Duration::from_secs(630),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// A key that entered its state at second 0.
    fn key(kid: &str, state: KeyState) -> KeyRow {
        KeyRow {
            kid: kid.to_owned(),
            algorithm: "EdDSA".to_owned(),
            public_jwk: String::new(),
            private_key_sealed: Vec::new(),
            state: state.name().to_owned(),
            state_time: at(0),
        }
    }

    fn steps(keys: &[KeyRow], seconds: i64) -> Vec<Step> {
        due(keys, &SCHEDULE, at(seconds))
    }

    fn activate(kid: &str) -> Vec<Step> {
        vec![Step::Activate(kid.to_owned())]
    }

    #[test]
    fn the_first_key_signs_at_once() {
        assert_eq!(steps(&[], 0), [Step::MakeActive]);
        assert_eq!(
            steps(&[key("a", KeyState::Retiring)], 0),
            [Step::MakeActive]
        );
    }

    #[test]
    fn a_staged_key_replaces_a_revoked_active_one() {
        assert_eq!(steps(&[key("a", KeyState::Staged)], 0), activate("a"));
    }

    #[test]
    fn a_key_is_replaced_when_it_has_signed_for_the_time_of_a_rotation() {
        let active = [key("a", KeyState::Active)];
        assert_eq!(steps(&active, 30 * DAY - 601), []);
        assert_eq!(steps(&active, 30 * DAY - 600), [Step::Stage]);
        let mut staged = key("b", KeyState::Staged);
        staged.state_time = at(30 * DAY - 600);
        let both = [key("a", KeyState::Active), staged];
        assert_eq!(steps(&both, 30 * DAY - 1), []);
        assert_eq!(steps(&both, 30 * DAY), activate("b"));
    }

    #[test]
    fn a_rotation_shorter_than_the_staging_stages_at_once_and_one_key_only() {
        let schedule = Schedule {
            rotation: Duration::from_secs(1),
            ..SCHEDULE
        };
        let keys = [key("a", KeyState::Active), key("b", KeyState::Staged)];
        assert_eq!(due(&keys[..1], &schedule, at(0)), [Step::Stage]);
        assert_eq!(due(&keys, &schedule, at(599)), []);
    }

    #[test]
    fn a_key_of_another_algorithm_is_replaced() {
        let schedule = Schedule {
            algorithm: Algorithm::Es256,
            ..SCHEDULE
        };
        let keys = [key("a", KeyState::Active), key("b", KeyState::Staged)];
        assert_eq!(due(&keys[..1], &schedule, at(0)), [Step::Stage]);
        assert_eq!(due(&keys, &schedule, at(0)), []);
    }

    #[test]
    fn a_retiring_key_is_published_for_a_tokens_life_and_a_cache_time() {
        let keys = [
            key("a", KeyState::Retiring),
            key("b", KeyState::Active),
            key("c", KeyState::Staged),
        ];
        assert_eq!(steps(&keys[..2], 929), []);
        assert_eq!(steps(&keys[..2], 930), [Step::Revoke("a".to_owned())]);
        let both = [Step::Revoke("a".to_owned()), Step::Activate("c".to_owned())];
        assert_eq!(steps(&keys, 930), both);
    }

    #[test]
    fn a_clock_that_goes_back_changes_no_key() {
        let keys = [
            key("a", KeyState::Retiring),
            key("b", KeyState::Active),
            key("c", KeyState::Staged),
        ];
        assert_eq!(steps(&keys, -DAY), []);
    }

    #[test]
    fn every_cache_time_leaves_room_for_a_slow_instance() {
        for (seconds, staging) in [(1, 3), (2, 4), (30, 60), (3600, 7200)] {
            let schedule = Schedule {
                cache: Duration::from_secs(seconds),
                ..SCHEDULE
            };
            assert_eq!(schedule.staging().as_secs(), staging);
        }
    }
}
