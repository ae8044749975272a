//! Reads of single contacts: those that are asked for while others are being
//! read go into the next statement together. One more key in a statement costs
//! the database a third of a statement of its own, and us a fraction of a round
//! trip. Each key keeps its own owner.

use std::sync::Arc;

use chassis::pool::Pool;
use chassis::user_id::UserId;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::yield_now;
use uuid::Uuid;

use super::contacts;
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;

/// Statements at a time. More would find less to put together.
const READERS: usize = 2;
/// The most keys of a statement.
const KEYS_MAX: usize = 64;

/// Where to ask for contacts.
#[derive(Clone, Debug)]
pub struct PointReads {
    db: Pool,
    asked: mpsc::UnboundedSender<Asked>,
}

#[derive(Debug)]
struct Asked {
    owner: UserId,
    id: ContactId,
    reply: oneshot::Sender<Result<Option<Stored>>>,
}

impl PointReads {
    /// Reads from this database, in tasks that end with the current runtime.
    #[must_use]
    pub fn start(db: &Pool) -> Self {
        // Not bounded, since each waiting call is: by the streams of its connection.
        let (asked, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..READERS {
            tokio::spawn(read(db.clone(), Arc::clone(&queue)));
        }
        Self {
            db: db.clone(),
            asked,
        }
    }

    /// Returns the owner's contact, deleted or not.
    pub async fn get(&self, owner: UserId, id: ContactId) -> Result<Option<Stored>> {
        let (reply, answer) = oneshot::channel();
        // Without readers, and where a statement of many failed, a call asks for
        // itself and gets its own error.
        let _ = self.asked.send(Asked { owner, id, reply });
        match answer.await {
            Ok(found) => found,
            Err(_) => contacts::get(&self.db, owner, id).await,
        }
    }
}

async fn read(db: Pool, queue: Arc<Mutex<mpsc::UnboundedReceiver<Asked>>>) {
    let mut asked = Vec::new();
    loop {
        asked.clear();
        {
            let mut queue = queue.lock().await;
            let Some(first) = queue.recv().await else {
                return;
            };
            asked.push(first);
            // Whoever asks in the same moment comes along.
            yield_now().await;
            while asked.len() < KEYS_MAX
                && let Ok(next) = queue.try_recv()
            {
                asked.push(next);
            }
        }
        asked.retain(|asked| !asked.reply.is_closed());
        if asked.len() > 1 {
            answer_together(&db, &mut asked).await;
        } else if let Some(Asked { owner, id, reply }) = asked.pop() {
            let _ = reply.send(contacts::get(&db, owner, id).await);
        }
    }
}

async fn answer_together(db: &Pool, asked: &mut Vec<Asked>) {
    let owners: Vec<Uuid> = asked.iter().map(|asked| asked.owner.0).collect();
    let ids: Vec<Uuid> = asked.iter().map(|asked| asked.id.0).collect();
    let Ok(found) = contacts::get_each(db, &owners, &ids).await else {
        return;
    };
    let mut answers: Vec<Option<Stored>> = asked.iter().map(|_| None).collect();
    for (number, contact) in found {
        answers[number] = Some(contact);
    }
    for (asked, answer) in asked.drain(..).zip(answers) {
        let _ = asked.reply.send(Ok(answer));
    }
}
