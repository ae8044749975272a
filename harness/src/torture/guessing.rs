//! Guesses a password many times at once, at both replicas: the throttle counts each guess
//! before it is checked, so that only the first ones are.

use std::time::Duration;

use futures_util::future::join_all;
use proto::auth::v1::LogInRequest;
use tokio::time::{Instant, sleep};

use super::calls::{Answer, Caller, Clients, signed};

/// Guesses at the same time.
const GUESSES: usize = 12;

/// So many are checked before the first pause.
const FREE: u64 = 3;

/// The shortest pause, in seconds.
const PAUSE_SECONDS: u64 = 3;

/// The time between two accounts whose password is guessed.
const INTERVAL: Duration = Duration::from_millis(500);

/// Guesses the passwords of accounts, which do not have to exist.
pub(super) struct Guessing(Caller);

impl Guessing {
    pub(super) fn new(caller: Caller) -> Self {
        Self(caller)
    }

    /// Guesses until then.
    pub(super) async fn run(&self, until: Instant) {
        let mut made = 0;
        while Instant::now() < until {
            made += 1;
            self.guess(&format!("guessed{made}@example.com")).await;
            sleep(INTERVAL).await;
        }
    }

    async fn guess(&self, email: &str) {
        let began = Instant::now();
        let guesses = join_all((0..GUESSES).map(|number| self.is_checked(number % 2, email)));
        let checked = guesses.await.into_iter().filter(|is_checked| *is_checked);
        let checked = checked.count() as u64;
        // Those that a fault delays may be checked after a pause.
        let most = FREE + began.elapsed().as_secs() / PAUSE_SECONDS;
        self.0.history.check("guesses", checked <= most, email, || {
            format!("{checked} guesses were checked, of which {most} are allowed")
        });
    }

    /// Whether a wrong password was compared with the right one.
    async fn is_checked(&self, side: usize, email: &str) -> bool {
        let request = LogInRequest {
            email: email.to_owned(),
            password: "another otter naps".into(),
            ..LogInRequest::default()
        };
        let make = |mut to: Clients| async move { to.auth.log_in(signed("", request)).await };
        match self.0.attempt(side, "LogIn", email, make).await {
            Answer::Refused(refusal) => refusal.reason == "INVALID_CREDENTIALS",
            _ => false,
        }
    }
}
