//! The threads that hash passwords: a fixed number, each with its own memory, and a queue
//! that refuses work that cannot be done in time.

mod queue;
mod stats;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use std::{io, thread};

use argon2::Block;
use aws_lc_rs::rand;
use chassis::long_work::give_way;
use chassis::metrics::Metrics;
use chassis::serve::deadline::Deadline;
use tokio::sync::oneshot;

pub use self::queue::{Capacity, Turn};
use self::queue::{Shared, Task};
use crate::error::Result;
use crate::passwords::Password;
use crate::passwords::phc::{HashError, Recipe, Verdict};

/// The handle of the threads, which are stopped on drop.
pub struct Hasher {
    shared: Arc<Shared>,
}

impl Hasher {
    /// Starts the threads.
    pub fn start(recipe: &Recipe, capacity: Capacity) -> Result<Self, StartHasherError> {
        let hasher = Self {
            shared: Arc::new(Shared::new(capacity, recipe.estimated_cost())),
        };
        let dummy = Arc::new(OnceLock::new());
        for number in 0..capacity.threads {
            let hand = Hand {
                recipe: recipe.clone(),
                memory: Vec::new(),
                dummy: Arc::clone(&dummy),
            };
            let shared = Arc::clone(&hasher.shared);
            thread::Builder::new()
                .name(format!("hasher-{number}"))
                .spawn(move || work(hand, &shared))?;
        }
        Ok(hasher)
    }

    /// Registers its metrics.
    pub fn publish(&self, metrics: &Metrics) {
        stats::publish(&self.shared, metrics);
    }

    /// Returns the PHC string of a new password.
    pub async fn hash(&self, password: Password, turn: Turn, deadline: Deadline) -> Result<String> {
        let (reply, answer) = oneshot::channel();
        self.shared
            .submit(turn, deadline, Task::Hash { password, reply })?;
        answer.await.map_err(|_| HashError::Stopped)?
    }

    /// Checks a password against a stored hash; without one, as for an unknown e-mail,
    /// against a dummy, in the same time.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
        turn: Turn,
        deadline: Deadline,
    ) -> Result<Verdict> {
        let (reply, answer) = oneshot::channel();
        let task = Task::Verify {
            password,
            stored,
            reply,
        };
        self.shared.submit(turn, deadline, task)?;
        answer.await.map_err(|_| HashError::Stopped)?
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// A thread cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a hasher thread: {0}")]
pub struct StartHasherError(#[from] io::Error);

/// The state of a thread.
struct Hand {
    recipe: Recipe,
    /// Allocated for the first password, and kept.
    memory: Vec<Block>,
    /// The dummy: the hash of a random password.
    dummy: Arc<OnceLock<String>>,
}

impl Hand {
    /// Allocates the memory and creates the dummy before the first password. It is the
    /// slower one, whether or not its account exists.
    fn prepare(&mut self) -> Result<(), HashError> {
        if self.memory.is_empty() {
            self.memory = self.recipe.memory();
        }
        if self.dummy.get().is_none() {
            let mut nobodys = [0; 32];
            rand::fill(&mut nobodys)?;
            let hash = self.recipe.hash(&nobodys, &mut self.memory)?;
            // If two threads do this at once, the first value is kept.
            let _ = self.dummy.set(hash);
        }
        Ok(())
    }

    fn hash(&mut self, password: &Password) -> Result<String> {
        self.prepare()?;
        Ok(self.recipe.hash(password.as_bytes(), &mut self.memory)?)
    }

    fn verify(&mut self, password: &Password, stored: Option<&str>) -> Result<Verdict> {
        self.prepare()?;
        let stored = stored.or_else(|| self.dummy.get().map(String::as_str));
        let stored = stored.ok_or(HashError::Unusable)?;
        let verdict = self
            .recipe
            .verify(password.as_bytes(), stored, &mut self.memory)?;
        Ok(verdict)
    }
}

fn work(mut hand: Hand, shared: &Shared) {
    give_way("password hashing");
    let mut held = 0;
    while let Some(task) = shared.next() {
        let started = Instant::now();
        // A panic must not end the thread. The caller gets an error, because its channel
        // is dropped.
        if catch_unwind(AssertUnwindSafe(|| task.run(&mut hand))).is_err() {
            hand.memory = Vec::new();
        }
        shared.done(started.elapsed());
        shared.stats.holds(held, hand.memory.len());
        held = hand.memory.len();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Error;

    fn soon() -> Deadline {
        Deadline(tokio::time::Instant::now() + Duration::from_secs(10))
    }

    #[tokio::test]
    async fn an_unknown_account_is_never_verified() {
        let recipe = Recipe::new(64, 1, 1).unwrap();
        let hasher = Hasher::start(
            &recipe,
            Capacity {
                threads: 2,
                queue: 4,
            },
        )
        .unwrap();

        let verdict = hasher
            .verify(Password::claim(""), None, Turn::First, soon())
            .await
            .unwrap();

        assert_eq!(verdict, Verdict::Wrong);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_flood_takes_no_memory_and_gets_a_retry_delay() {
        let recipe = Recipe::new(1024, 1, 1).unwrap();
        let capacity = Capacity {
            threads: 2,
            queue: 8,
        };
        let hasher = Arc::new(Hasher::start(&recipe, capacity).unwrap());
        let mut jobs = tokio::task::JoinSet::new();
        // Twenty times the capacity.
        for _ in 0..200 {
            let hasher = Arc::clone(&hasher);
            jobs.spawn(async move {
                let secret = Password::claim("secret");
                hasher.hash(secret, Turn::Later, soon()).await
            });
        }

        let answers = jobs.join_all().await;

        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert!(!refused.is_empty());
        for error in refused {
            let Error::HasherOverloaded { retry_after } = error else {
                unreachable!("{error}");
            };
            assert!(retry_after >= Duration::from_millis(100));
        }
        let held = hasher.shared.stats.blocks();
        assert!(held > 0 && held <= 2 * recipe.memory().len(), "{held}");
    }

    #[tokio::test]
    async fn the_threads_hash_and_verify() {
        let recipe = Recipe::new(64, 1, 1).unwrap();
        let hasher = Hasher::start(
            &recipe,
            Capacity {
                threads: 2,
                queue: 4,
            },
        )
        .unwrap();
        let secret = || Password::claim("secret");

        let hash = hasher.hash(secret(), Turn::Later, soon()).await.unwrap();
        let verdict = hasher
            .verify(secret(), Some(hash), Turn::First, soon())
            .await
            .unwrap();

        assert_eq!(verdict, Verdict::Right);
    }
}
