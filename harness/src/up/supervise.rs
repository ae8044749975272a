//! Keeps the services running until it is time to stop.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Service, System};
use crate::error::{Error, OrPath, Result};
use crate::print;
use crate::stop::Stop;

/// After this many exits within the time below, the service is given up.
const ENDS_MAX: usize = 5;
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// The pause before the first restart; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// Returns when everything has stopped: after a signal, or because a service was given
/// up.
pub(crate) async fn until_stopped(mut system: System, mut stop: Stop) -> Result<()> {
    let result = tokio::select! {
        error = keep(&mut system.auth) => error,
        error = keep(&mut system.contacts) => error,
        () = stop.requested() => Ok(()),
    };
    print::say("stopping");
    system.stop(&mut stop).await;
    result
}

/// Restarts the service whenever it exits; returns only when it gives up.
async fn keep(service: &mut Service) -> Result<()> {
    let mut ends = Ends::default();
    loop {
        let status = service
            .ended()
            .await
            .or_path("watch", service.name().as_ref())?;
        let Some(pause) = ends.record(Instant::now()) else {
            return Err(Error::CrashLoop {
                name: service.name(),
                times: ENDS_MAX,
                seconds: ENDS_WITHIN.as_secs(),
                output: service.last_output().await,
            });
        };
        print::say(format_args!(
            "the {} service ended ({status}); starting it again",
            service.name()
        ));
        sleep(pause).await;
        service.restart()?;
    }
}

/// The times of a service's recent exits.
#[derive(Debug, Default)]
struct Ends(VecDeque<Instant>);

impl Ends {
    /// Returns how long to wait before the next start, or `None` to give up.
    fn record(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|end| now.duration_since(*end) < ENDS_WITHIN);
        self.0.push_back(now);
        let doublings = u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX);
        (self.0.len() < ENDS_MAX).then(|| BACKOFF_FIRST * 2u32.saturating_pow(doublings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_exits_five_times_in_ten_seconds_is_given_up() {
        let start = Instant::now();
        let mut ends = Ends::default();

        let pauses: Vec<_> = (0..5)
            .map(|second| ends.record(start + Duration::from_secs(second)))
            .collect();

        let expected = [100, 200, 400, 800].map(|millis| Some(Duration::from_millis(millis)));
        assert_eq!(pauses[..4], expected);
        assert_eq!(pauses[4], None);
    }

    #[test]
    fn an_exit_long_ago_does_not_count() {
        let start = Instant::now();
        let mut ends = Ends::default();
        for second in [0, 11, 22, 33, 44, 55] {
            let pause = ends.record(start + Duration::from_secs(second));

            assert_eq!(pause, Some(BACKOFF_FIRST));
        }
    }
}
