//! Who waits for a hasher thread, and who is sent away.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chassis::serve::deadline::Deadline;
use tokio::sync::oneshot;

use super::Hand;
use super::stats::Stats;
use crate::error::{Error, Result};
use crate::passwords::Password;
use crate::passwords::phc::Verdict;

/// Nobody should wait longer for a turn.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The shortest pause that a refused client is asked for.
const RETRY_MIN: Duration = Duration::from_millis(100);

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Someone who has an account already.
    First,
    /// Everybody else.
    Later,
}

/// How many passwords are hashed, and how many may wait.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Threads, each with the memory of one hash.
    pub threads: usize,
    /// Most calls that wait.
    pub queue: usize,
}

/// A password to hash or to check, and where the answer goes.
pub(super) enum Task {
    Hash {
        password: Password,
        reply: oneshot::Sender<Result<String>>,
    },
    Verify {
        password: Password,
        /// An unknown account has none.
        stored: Option<String>,
        reply: oneshot::Sender<Result<Verdict>>,
    },
}

impl Task {
    /// Whether nobody waits for the answer any more.
    fn abandoned(&self) -> bool {
        match self {
            Self::Hash { reply, .. } => reply.is_closed(),
            Self::Verify { reply, .. } => reply.is_closed(),
        }
    }

    /// Does it and answers.
    pub(super) fn run(self, hand: &mut Hand) {
        // A client that left in between does not get its answer.
        match self {
            Self::Hash { password, reply } => {
                let _ = reply.send(hand.hash(&password));
            }
            Self::Verify {
                password,
                stored,
                reply,
            } => {
                let _ = reply.send(hand.verify(&password, stored.as_deref()));
            }
        }
    }

    fn refuse(self, retry_after: Duration) {
        let error = Error::HasherOverloaded { retry_after };
        match self {
            Self::Hash { reply, .. } => drop(reply.send(Err(error))),
            Self::Verify { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

struct Job {
    task: Task,
    due: Instant,
}

/// The queue, as the callers and the threads share it.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    capacity: Capacity,
    pub(super) stats: Stats,
}

struct Queue {
    first: VecDeque<Job>,
    later: VecDeque<Job>,
    running: usize,
    /// What one hash takes, as a moving average.
    cost: Duration,
    closed: bool,
}

impl Queue {
    fn waiting(&self) -> usize {
        self.first.len() + self.later.len()
    }

    /// Returns how many there were.
    fn forget_abandoned(&mut self) -> usize {
        let before = self.waiting();
        self.first.retain(|job| !job.task.abandoned());
        self.later.retain(|job| !job.task.abandoned());
        before - self.waiting()
    }
}

impl Shared {
    /// Empty; `cost` is what one hash takes.
    pub(super) fn new(capacity: Capacity, cost: Duration) -> Self {
        Self {
            queue: Mutex::new(Queue {
                first: VecDeque::new(),
                later: VecDeque::new(),
                running: 0,
                cost,
                closed: false,
            }),
            wake: Condvar::new(),
            capacity,
            stats: Stats::default(),
        }
    }

    /// Sends the threads home.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// How many wait, and how many are being done.
    pub(super) fn load(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.waiting(), queue.running)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics under the lock that could leave a half-made change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a task, or refuses it where it could not be done in time.
    pub(super) fn submit(&self, turn: Turn, deadline: Deadline, task: Task) -> Result<()> {
        let due = deadline.0.into_std();
        let left = due.saturating_duration_since(Instant::now());
        let mut queue = self.lock();
        if self.overload(&queue, turn, left).is_some() {
            self.stats.skipped(queue.forget_abandoned());
            if let Some(retry_after) = self.overload(&queue, turn, left) {
                self.stats.refused();
                return Err(Error::HasherOverloaded { retry_after });
            }
        }
        let job = Job { task, due };
        match turn {
            Turn::First => queue.first.push_back(job),
            Turn::Later => queue.later.push_back(job),
        }
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// When to come back, where a job could not be done within what is `left`.
    fn overload(&self, queue: &Queue, turn: Turn, left: Duration) -> Option<Duration> {
        let ahead = queue.running
            + match turn {
                Turn::First => queue.first.len(),
                Turn::Later => queue.waiting(),
            };
        let threads = self.capacity.threads;
        // How many have to end before this one begins.
        let ends = u32::try_from((ahead + 1).saturating_sub(threads)).unwrap_or(u32::MAX);
        let wait = queue.cost.saturating_mul(ends) / u32::try_from(threads).unwrap_or(1);
        let full = queue.running + queue.waiting() >= threads + self.capacity.queue;
        let late = wait > WAIT_MAX || wait + queue.cost > left;
        (full || late).then(|| wait.max(RETRY_MIN))
    }

    /// Waits for the next job that is still wanted; none when the hasher is gone.
    pub(super) fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            let job = queue.first.pop_front().or_else(|| queue.later.pop_front());
            match job {
                Some(job) if job.task.abandoned() => self.stats.skipped(1),
                Some(job) if job.due <= Instant::now() => {
                    self.stats.refused();
                    job.task.refuse(RETRY_MIN);
                }
                Some(job) => {
                    queue.running += 1;
                    return Some(job.task);
                }
                None => {
                    queue = self
                        .wake
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Notes that a task is done, and what it took.
    pub(super) fn done(&self, took: Duration) {
        self.stats.done(took);
        let mut queue = self.lock();
        queue.running -= 1;
        queue.cost = (queue.cost * 7 + took) / 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Duration = Duration::from_millis(100);

    /// The queue alone, without a thread that empties it.
    fn shared(queue: usize) -> Shared {
        Shared::new(Capacity { threads: 1, queue }, COST)
    }

    fn task(name: &str) -> (Task, oneshot::Receiver<Result<String>>) {
        let (reply, answer) = oneshot::channel();
        let password = Password::claim(name);
        (Task::Hash { password, reply }, answer)
    }

    fn within(left: Duration) -> Deadline {
        Deadline(tokio::time::Instant::now() + left)
    }

    fn name(task: Option<Task>) -> String {
        match task.unwrap() {
            Task::Hash { password, .. } | Task::Verify { password, .. } => {
                String::from_utf8(password.as_bytes().to_vec()).unwrap()
            }
        }
    }

    #[test]
    fn log_ins_go_before_sign_ups() {
        let shared = shared(10);
        let (sign_up, _a) = task("sign-up");
        let (log_in, _b) = task("log-in");
        shared
            .submit(Turn::Later, within(WAIT_MAX), sign_up)
            .unwrap();
        shared
            .submit(Turn::First, within(WAIT_MAX), log_in)
            .unwrap();

        assert_eq!(name(shared.next()), "log-in");
        assert_eq!(name(shared.next()), "sign-up");
    }

    #[test]
    fn jobs_of_clients_that_left_are_skipped() {
        let shared = shared(10);
        let (gone, answer) = task("gone");
        let (here, _answer) = task("here");
        shared.submit(Turn::First, within(WAIT_MAX), gone).unwrap();
        shared.submit(Turn::Later, within(WAIT_MAX), here).unwrap();

        drop(answer);

        assert_eq!(name(shared.next()), "here");
    }

    #[test]
    fn jobs_of_clients_that_left_make_room() {
        let shared = shared(2);
        shared.lock().running = 1;
        let mut answers = Vec::new();
        for _ in 0..2 {
            let (task, answer) = task("gone");
            shared.submit(Turn::First, within(WAIT_MAX), task).unwrap();
            answers.push(answer);
        }
        assert!(
            shared
                .submit(Turn::First, within(WAIT_MAX), task("late").0)
                .is_err()
        );

        answers.clear();

        shared
            .submit(Turn::First, within(WAIT_MAX), task("late").0)
            .unwrap();
        assert_eq!(shared.lock().waiting(), 1);
    }

    #[test]
    fn a_wait_beyond_the_deadline_or_two_seconds_is_refused() {
        let shared = shared(1000);
        shared.lock().running = 1;
        let mut answers = Vec::new();
        let refused = loop {
            let (task, answer) = task("x");
            match shared.submit(Turn::First, within(Duration::from_mins(1)), task) {
                Ok(()) => answers.push(answer),
                Err(error) => break error,
            }
        };

        assert_eq!(answers.len(), 20, "2 s are 20 jobs of 100 ms");
        assert!(
            matches!(refused, Error::HasherOverloaded { retry_after } if retry_after > WAIT_MAX)
        );
        let hasty = shared.submit(Turn::First, within(Duration::from_millis(300)), task("x").0);
        assert!(matches!(hasty, Err(Error::HasherOverloaded { .. })));
    }

    #[test]
    fn log_ins_do_not_wait_for_sign_ups() {
        let shared = shared(1000);
        shared.lock().running = 1;
        let mut answers = Vec::new();
        loop {
            let (task, answer) = task("sign-up");
            answers.push(answer);
            if shared.submit(Turn::Later, within(WAIT_MAX), task).is_err() {
                break;
            }
        }

        assert!(
            shared
                .submit(Turn::First, within(WAIT_MAX), task("log-in").0)
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_job_that_is_late_is_refused_and_not_done() {
        let shared = shared(10);
        let (late, late_answer) = task("late");
        let (here, _answer) = task("here");
        let job = Job {
            task: late,
            due: Instant::now(),
        };
        shared.lock().first.push_back(job);
        shared.submit(Turn::First, within(WAIT_MAX), here).unwrap();

        assert_eq!(name(shared.next()), "here");
        assert!(matches!(
            late_answer.await.unwrap(),
            Err(Error::HasherOverloaded { .. })
        ));
    }
}
