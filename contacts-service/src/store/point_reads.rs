//! Reads of single contacts: calls that arrive while a read is running are combined into
//! the next statement. Another key in a statement costs the database a third of a
//! separate statement, and the service a fraction of a round trip. Each key is paired
//! with its own owner.

use std::sync::Arc;

use chassis::database::is_unavailable;
use chassis::database::pool::Pool;
use chassis::trace::Trace;
use chassis::user_id::UserId;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::yield_now;
use uuid::Uuid;

use super::contacts;
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};

/// Concurrent statements. With more there would be less to combine.
const READERS: usize = 2;
/// The maximum number of keys of a statement.
const KEYS_MAX: usize = 64;

/// The queue of requested contacts.
#[derive(Clone, Debug)]
pub struct PointReads {
    db: Pool,
    queue: mpsc::UnboundedSender<PointRead>,
}

type Queue = mpsc::UnboundedReceiver<PointRead>;

#[derive(Debug)]
struct PointRead {
    owner: UserId,
    id: ContactId,
    trace: Trace,
    reply: oneshot::Sender<Result<Option<Stored>>>,
}

impl PointReads {
    /// Reads from this database, in tasks that end with the current runtime.
    #[must_use]
    pub fn start(db: &Pool) -> Self {
        // Unbounded, because waiting calls are limited by the streams of their
        // connections.
        let (sender, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..READERS {
            tokio::spawn(run(db.clone(), Arc::clone(&queue)));
        }
        Self {
            db: db.clone(),
            queue: sender,
        }
    }

    /// Returns the owner's contact, deleted or not.
    pub async fn get(&self, owner: UserId, id: ContactId) -> Result<Option<Stored>> {
        let (reply, answer) = oneshot::channel();
        // Without readers, or if a combined statement failed, a call runs its own
        // statement and gets its own error.
        let _ = self.queue.send(PointRead {
            owner,
            id,
            trace: Trace::current(),
            reply,
        });
        match answer.await {
            Ok(found) => found,
            Err(_) => contacts::get(&self.db, owner, id).await,
        }
    }
}

async fn run(db: Pool, queue: Arc<Mutex<Queue>>) {
    while let Some(reads) = gather(&queue).await {
        let Err(Unreachable) = answer(&db, reads).await else {
            continue;
        };
        // The waiting calls are refused, too: they have waited as long, and would wait as
        // long again.
        if let Ok(mut queue) = queue.try_lock() {
            while let Ok(read) = queue.try_recv() {
                read.refuse();
            }
        }
    }
}

/// The next requests; `None` when no more can arrive.
async fn gather(queue: &Mutex<Queue>) -> Option<Vec<PointRead>> {
    let mut queue = queue.lock().await;
    let mut reads = vec![queue.recv().await?];
    // Requests that arrive at the same time are included.
    yield_now().await;
    while reads.len() < KEYS_MAX
        && let Ok(next) = queue.try_recv()
    {
        reads.push(next);
    }
    reads.retain(|read| !read.reply.is_closed());
    Some(reads)
}

/// No connection was available.
struct Unreachable;

async fn answer(db: &Pool, mut reads: Vec<PointRead>) -> Result<(), Unreachable> {
    if reads.len() > 1 {
        return answer_combined(db, reads).await;
    }
    let Some(read) = reads.pop() else {
        return Ok(());
    };
    let (trace, reply) = (read.trace, read.reply);
    let found = trace.run(contacts::get(db, read.owner, read.id)).await;
    let reached = reached(&found);
    let _ = reply.send(found);
    reached
}

async fn answer_combined(db: &Pool, mut reads: Vec<PointRead>) -> Result<(), Unreachable> {
    let traces = reads.iter_mut().map(|read| std::mem::take(&mut read.trace));
    let traces = Trace::each(traces);
    let owners: Vec<Uuid> = reads.iter().map(|read| read.owner.0).collect();
    let ids: Vec<Uuid> = reads.iter().map(|read| read.id.0).collect();
    let found = traces.run(contacts::get_each(db, &owners, &ids)).await;
    if reached(&found).is_err() {
        reads.into_iter().for_each(PointRead::refuse);
        return Err(Unreachable);
    }
    // If the statement fails, the replies are dropped, and each call runs its own
    // statement.
    let mut answers: Vec<Option<Stored>> = reads.iter().map(|_| None).collect();
    let Ok(found) = found else { return Ok(()) };
    for (number, contact) in found {
        answers[number] = Some(contact);
    }
    for (read, answer) in reads.into_iter().zip(answers) {
        let _ = read.reply.send(Ok(answer));
    }
    Ok(())
}

fn reached<T>(found: &Result<T>) -> Result<(), Unreachable> {
    match found {
        Err(Error::Database(error)) if is_unavailable(error) => Err(Unreachable),
        _ => Ok(()),
    }
}

impl PointRead {
    fn refuse(self) {
        let _ = self.reply.send(Err(sqlx::Error::PoolTimedOut.into()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use sqlx::postgres::PgConnectOptions;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn while_the_database_is_away_no_call_waits_for_others() {
        let nowhere = PgConnectOptions::new_without_pgpass().socket("/nowhere");
        let wait_max = Duration::from_secs(3);
        let reads = PointReads::start(&Pool::new(nowhere, 4, wait_max));
        let (owner, began) = (UserId(Uuid::now_v7()), Instant::now());

        let answers = join_all((0..1000).map(|_| reads.get(owner, ContactId::generate()))).await;

        for answer in answers {
            let is_away = matches!(&answer, Err(Error::Database(error)) if is_unavailable(error));
            assert!(is_away, "{answer:?}");
        }
        // The clock of the test is paused: only waiting advances it.
        assert!(began.elapsed() < 2 * wait_max, "{:?}", began.elapsed());
    }
}
