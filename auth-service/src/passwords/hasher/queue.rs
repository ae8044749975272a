//! The queue of the hasher, and its limit.

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

/// The longest wait in the queue.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The shortest retry delay of a refused client.
const RETRY_MIN: Duration = Duration::from_millis(100);

/// Priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Users with an account.
    First,
    /// Everybody else.
    Later,
}

/// The number of concurrent and of waiting hashes.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Threads, each with the memory of one hash.
    pub threads: usize,
    /// The maximum number of waiting calls.
    pub queue: usize,
}

/// A password to hash or to check, and the channel for the result.
pub(super) enum Task {
    Hash {
        password: Password,
        reply: oneshot::Sender<Result<String>>,
    },
    Verify {
        password: Password,
        /// `None` for an unknown account.
        stored: Option<String>,
        reply: oneshot::Sender<Result<Verdict>>,
    },
}

impl Task {
    /// Whether the caller no longer waits for the result.
    fn abandoned(&self) -> bool {
        match self {
            Self::Hash { reply, .. } => reply.is_closed(),
            Self::Verify { reply, .. } => reply.is_closed(),
        }
    }

    /// Runs it and sends the result.
    pub(super) fn run(self, hand: &mut Hand) {
        // Nobody receives the result of a client that has disconnected.
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

/// The queue, shared by the callers and the threads.
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
    /// The duration of one hash, as a moving average.
    cost: Duration,
    closed: bool,
}

impl Queue {
    fn waiting(&self) -> usize {
        self.first.len() + self.later.len()
    }

    /// Removes tasks whose callers no longer wait; returns how many.
    fn forget_abandoned(&mut self) -> usize {
        let before = self.waiting();
        self.first.retain(|job| !job.task.abandoned());
        self.later.retain(|job| !job.task.abandoned());
        before - self.waiting()
    }
}

impl Shared {
    /// An empty queue; `cost` is the duration of one hash.
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

    /// Stops the threads.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// The numbers of waiting and of running jobs.
    pub(super) fn load(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.waiting(), queue.running)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic under the lock cannot leave the queue half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a task, or refuses it if it cannot be done in time.
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

    /// The retry delay, if a job cannot be done within the time `left`.
    fn overload(&self, queue: &Queue, turn: Turn, left: Duration) -> Option<Duration> {
        let ahead = queue.running
            + match turn {
                Turn::First => queue.first.len(),
                Turn::Later => queue.waiting(),
            };
        let threads = self.capacity.threads;
        // The number of jobs that must finish before this one starts.
        let ends = u32::try_from((ahead + 1).saturating_sub(threads)).unwrap_or(u32::MAX);
        let wait = queue.cost.saturating_mul(ends) / u32::try_from(threads).unwrap_or(1);
        let full = queue.running + queue.waiting() >= threads + self.capacity.queue;
        let late = wait > WAIT_MAX || wait + queue.cost > left;
        (full || late).then(|| wait.max(RETRY_MIN))
    }

    /// Waits for the next job whose caller still waits; `None` when the hasher is
    /// dropped.
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

    /// Records that a task is done, and its duration.
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

    /// The queue without a thread.
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
    fn jobs_of_disconnected_clients_are_skipped() {
        let shared = shared(10);
        let (gone, answer) = task("gone");
        let (here, _answer) = task("here");
        shared.submit(Turn::First, within(WAIT_MAX), gone).unwrap();
        shared.submit(Turn::Later, within(WAIT_MAX), here).unwrap();

        drop(answer);

        assert_eq!(name(shared.next()), "here");
    }

    #[test]
    fn jobs_of_disconnected_clients_leave_the_queue() {
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
    async fn a_job_past_its_deadline_is_refused_and_not_run() {
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
