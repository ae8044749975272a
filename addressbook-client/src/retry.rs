//! When a failed call is made again.

use std::time::Duration;

use crate::error::Error;

/// How often and when a call that can be repeated is made again.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The number of attempts, the first included.
    pub attempts: u32,
    /// The delay before the second attempt, unless the server sends one. It doubles with
    /// each further attempt.
    pub first_delay: Duration,
    /// The longest delay. If the server asks for a longer one, its error is returned.
    pub delay_max: Duration,
}

impl Default for Policy {
    /// Five attempts within about 3 seconds, if the server sends no delay.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_delay: Duration::from_millis(200),
            delay_max: Duration::from_secs(10),
        }
    }
}

impl Policy {
    /// The delay before the next attempt after `failed` ones, the last one with this error.
    /// `None` if these were all, or the server asks for a longer delay than the longest.
    pub(crate) fn delay(&self, failed: u32, error: &Error) -> Option<Duration> {
        let is_too_long = error
            .retry_after
            .is_some_and(|asked| asked > self.delay_max);
        (failed < self.attempts && !is_too_long).then(|| self.pause(failed, error))
    }

    /// The same for calls that are made until they succeed. It is a little longer than the
    /// server asks for, so that clients do not return together.
    pub(crate) fn pause(&self, failed: u32, error: &Error) -> Duration {
        match error.retry_after {
            Some(asked) => asked.mul_f64(1.0 + fastrand::f64() / 4.0),
            None => self.backoff(failed),
        }
    }

    /// Between half and all of a delay that doubles with each failure.
    fn backoff(&self, failed: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        let delay = self.first_delay.saturating_mul(doubled).min(self.delay_max);
        delay.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    fn asks_for(seconds: u64) -> Error {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(seconds)));
        Status::with_error_details(Code::ResourceExhausted, "slower", details).into()
    }

    #[test]
    fn the_servers_delay_is_kept() {
        let delay = Policy::default().delay(1, &asks_for(4)).unwrap();

        assert!((4.0..=5.0).contains(&delay.as_secs_f64()), "{delay:?}");
    }

    #[test]
    fn a_delay_that_is_too_long_is_the_callers_business() {
        assert_eq!(Policy::default().delay(1, &asks_for(11)), None);
    }

    #[test]
    fn an_unreachable_server_is_tried_less_and_less_often() {
        let policy = Policy::default();
        let gone = Error::unavailable("gone");

        for (failed, most) in [(1, 200), (2, 400), (3, 800), (4, 1600)] {
            let delay = policy.delay(failed, &gone).unwrap().as_millis();
            assert!((most / 2..=most).contains(&delay), "{failed}: {delay}");
        }
        assert_eq!(policy.delay(5, &gone), None);
        assert!(policy.backoff(u32::MAX) <= policy.delay_max);
    }

    #[test]
    fn a_call_without_an_end_waits_as_long_as_the_server_asks() {
        let delay = Policy::default().pause(u32::MAX, &asks_for(60));

        assert!((60.0..=75.0).contains(&delay.as_secs_f64()), "{delay:?}");
    }
}
