//! The threads that hash passwords: a fixed number, each with its own memory,
//! behind a queue that refuses what it could not do in time.

mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use std::{io, thread};

use aws_lc_rs::rand;
use chassis::deadline::Deadline;
use tokio::sync::oneshot;

pub use self::queue::{Capacity, Turn};
use self::queue::{Shared, Task};
use crate::error::Result;
use crate::password::Password;
use crate::phc::{HashError, Recipe, Verdict};

/// The handle on the threads; they end when it is dropped.
pub struct Hasher {
    shared: Arc<Shared>,
    /// The hash of a password that nobody knows.
    dummy: String,
}

impl Hasher {
    /// Starts the threads.
    pub fn start(recipe: &Recipe, capacity: Capacity) -> Result<Self, StartHasherError> {
        let mut nobodys = [0; 32];
        rand::fill(&mut nobodys).map_err(HashError::from)?;
        let mut memory = recipe.memory();
        let started = Instant::now();
        let dummy = recipe.hash(&nobodys, &mut memory)?;
        drop(memory);

        let shared = Arc::new(Shared::new(capacity, started.elapsed()));
        let hasher = Self { shared, dummy };
        for number in 0..capacity.threads {
            let (recipe, shared) = (recipe.clone(), Arc::clone(&hasher.shared));
            thread::Builder::new()
                .name(format!("hasher-{number}"))
                .spawn(move || work(&recipe, &shared))?;
        }
        Ok(hasher)
    }

    /// Returns the PHC string of a new password.
    pub async fn hash(&self, password: Password, turn: Turn, deadline: Deadline) -> Result<String> {
        let (reply, answer) = oneshot::channel();
        self.shared
            .submit(turn, deadline, Task::Hash { password, reply })?;
        answer.await.map_err(|_| HashError::Stopped)?
    }

    /// Checks a password against a stored hash; without one, as for an unknown
    /// e-mail, against nobody's, in the same time.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
        turn: Turn,
        deadline: Deadline,
    ) -> Result<Verdict> {
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
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

/// Why there is no hasher.
#[derive(Debug, thiserror::Error)]
pub enum StartHasherError {
    /// The parameters do not work.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The system gives no thread.
    #[error("cannot start a hasher thread: {0}")]
    Thread(#[from] io::Error),
}

fn work(recipe: &Recipe, shared: &Shared) {
    let mut memory = recipe.memory();
    while let Some(task) = shared.next() {
        let started = Instant::now();
        // A panic must not cost us the thread; its caller sees the reply dropped.
        if catch_unwind(AssertUnwindSafe(|| task.run(recipe, &mut memory))).is_err() {
            memory = recipe.memory();
        }
        shared.done(started.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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
