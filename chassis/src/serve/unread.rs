//! Answers that their client has not read yet. They take memory, so their bytes are
//! limited per connection and per user, and each must be read within a time.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Code;

use crate::start::config::ClientConfig;
use crate::status::Refusal;
use crate::user_id::UserId;

/// The lowest speed at which a client must read an answer, in bytes per second.
const SPEED_MIN: u64 = 64 * 1024;

/// Delay after which a call whose answer was refused can be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The bytes of unread answers of a server's clients, shared by its threads. A user
/// without any has no entry.
#[derive(Debug)]
pub(crate) struct Unread {
    of_connection: u64,
    of_user: u64,
    users: Mutex<HashMap<UserId, u64>>,
}

impl Unread {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        Self {
            of_connection: config.connection_answer_bytes,
            of_user: config.user_answer_bytes,
            users: Mutex::default(),
        }
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, u64>> {
        // No change under the lock can be left incomplete.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts bytes for a user, unless that exceeds the limit.
    fn take(&self, user: UserId, bytes: u64) -> bool {
        let mut users = self.users();
        let held = users.entry(user).or_default();
        let fits = *held == 0 || *held + bytes <= self.of_user;
        if fits {
            *held += bytes;
        }
        fits
    }

    fn put_back(&self, user: UserId, bytes: u64) {
        let mut users = self.users();
        if let Some(held) = users.get_mut(&user) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                users.remove(&user);
            }
        }
    }
}

/// Who makes a call, once that is known; an extension of every request.
pub(crate) type Asker = Arc<OnceLock<UserId>>;

/// The client of an answer.
pub(crate) struct Reader {
    pub(crate) unread: Arc<Unread>,
    /// What its connection holds.
    pub(crate) connection: Arc<AtomicU64>,
    pub(crate) asker: Asker,
}

impl Reader {
    /// Reserves so many bytes. A client without unread answers always gets them, or an
    /// answer larger than the limit could never be sent.
    pub(crate) fn hold(&self, bytes: u64) -> Option<Held> {
        let fits = |held: u64| {
            let sum = held + bytes;
            (held == 0 || sum <= self.unread.of_connection).then_some(sum)
        };
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        self.connection.fetch_update(set, get, fits).ok()?;
        let user = self.asker.get().copied();
        if user.is_some_and(|user| !self.unread.take(user, bytes)) {
            self.connection.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        Some(Held {
            unread: Arc::clone(&self.unread),
            connection: Arc::clone(&self.connection),
            user,
            bytes,
        })
    }
}

/// Bytes that are reserved until this is dropped.
pub(crate) struct Held {
    unread: Arc<Unread>,
    connection: Arc<AtomicU64>,
    user: Option<UserId>,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connection.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(user) = self.user {
            self.unread.put_back(user, self.bytes);
        }
    }
}

/// The limit leaves no room for an answer.
pub(crate) struct NoRoom;

impl From<NoRoom> for Refusal {
    fn from(NoRoom: NoRoom) -> Self {
        let text = "responses to earlier calls are not read yet; read them, then retry; \
                    the call may have been executed";
        Self::new(Code::ResourceExhausted, "ANSWERS_UNREAD", text).retry_after(RETRY_AFTER)
    }
}

/// Which side a call waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Waits {
    #[default]
    Server,
    /// The client, to read a message, the latest of the call, of which it has read so
    /// many bytes.
    Client { message: u64, read: u64 },
}

tokio::task_local! {
    static WAITS: Cell<Waits>;
}

impl Waits {
    /// Records which side the call of this task waits for.
    pub(crate) fn tell(self) {
        // HTTP/1.1 does not run each call as a task.
        let _ = WAITS.try_with(|waits| waits.set(self));
    }
}

/// Runs the calls of HTTP/2 connections, each until its client stops reading its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(pub(crate) Duration);

impl<F> Executor<F> for Patience
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        let patience = self.0;
        let call = async move {
            let (mut call, mut alarm) = (pin!(call), Alarm::default());
            // Dropping an unfinished call resets its stream.
            poll_fn(|cx| match call.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => alarm.poll(WAITS.with(Cell::get), patience, cx),
            })
            .await;
        };
        tokio::spawn(WAITS.scope(Cell::default(), call));
    }
}

/// Set while a client is waited for.
#[derive(Default)]
struct Alarm {
    /// The message that is waited for, and since when.
    message: Option<(u64, Instant)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Is ready when a client had enough time for what it has read of a message.
    fn poll(&mut self, waits: Waits, patience: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let Waits::Client { message, read } = waits else {
            self.message = None;
            return Poll::Pending;
        };
        let began = match self.message {
            Some((same, began)) if same == message => began,
            _ => Instant::now(),
        };
        self.message = Some((message, began));
        let due = began + patience + Duration::from_millis(read * 1000 / SPEED_MIN);
        let set = || Box::pin(sleep_until(due));
        let sleep = self.sleep.get_or_insert_with(set);
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(unread: &Arc<Unread>, connection: &Arc<AtomicU64>, user: Option<u128>) -> Reader {
        let asker = Asker::default();
        if let Some(user) = user {
            let _ = asker.set(UserId(uuid::Uuid::from_u128(user)));
        }
        let (unread, connection) = (Arc::clone(unread), Arc::clone(connection));
        Reader {
            unread,
            connection,
            asker,
        }
    }

    #[test]
    fn a_connection_and_a_user_hold_so_much_and_one_answer_always() {
        let unread = Arc::new(Unread::new(&ClientConfig {
            connection_answer_bytes: 100,
            user_answer_bytes: 150,
            ..ClientConfig::default()
        }));
        let connections = [0; 3].map(|_| Arc::<AtomicU64>::default());
        let of = |at: usize, user| reader(&unread, &connections[at], user);

        let first = of(0, Some(7)).hold(100);
        assert!(first.is_some());
        assert!(of(0, None).hold(1).is_none(), "the connection is full");
        let second = of(1, Some(7)).hold(50);
        assert!(second.is_some());
        assert!(of(1, Some(7)).hold(1).is_none(), "the user is full");
        assert!(of(1, Some(8)).hold(50).is_some(), "another user");
        assert!(of(2, Some(8)).hold(1000).is_some(), "nothing was held");

        drop((first, second));

        assert!(unread.users().is_empty());
        assert!(
            connections
                .iter()
                .all(|held| held.load(Ordering::Relaxed) == 0)
        );
    }
}
