//! One reader's stream.

use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use bytes::Bytes;
use chassis::caller::{Caller, RequireCaller};
use chassis::pool::Pool;
use futures_util::Stream;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::hub::Watch;
use crate::contact::ContactId;
use crate::error::Result;
use crate::share::rights::View;
use crate::sync::position::Position;
use crate::sync::{self, Limits};

/// What a stream holds at most, besides the largest contact.
const PART: Limits = Limits {
    count: 100,
    bytes: 256 * 1024,
};
/// Between two looks at whether the reader's token is still good.
const TICK: Duration = Duration::from_secs(1);
/// The longest silence.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Between two readings of the feed once all is told: a burst of writes is read
/// together.
const BREATH: Duration = Duration::from_millis(50);

/// What a reader is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// What happened.
    pub event: Event,
    /// Where to go on behind it.
    pub position: Position,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A live contact, as its message.
    Changed(Bytes),
    /// A contact that was deleted or removed.
    Deleted(ContactId),
    /// All was told.
    CaughtUp,
    /// Nothing.
    Heartbeat,
}

/// What a stream stands on.
pub struct Reader {
    /// Where contacts are kept.
    pub db: Pool,
    /// The watch on the owner's contacts.
    pub watch: Watch,
    /// Knows which tokens are good.
    pub guard: RequireCaller,
    /// The contacts that are read.
    pub view: View,
    /// Whose stream it is.
    pub caller: Arc<Caller>,
    /// True when streams shall end.
    pub stopping: Receiver<bool>,
}

/// Tells from a position on, or from the beginning. A reader that does not read
/// stops the stream where it is.
pub fn tell(reader: Reader, from: Option<Position>) -> impl Stream<Item = Result<Told>> {
    try_stream! {
        let mut teller = Teller::new(reader);
        let mut from = from;
        let mut is_behind = true;
        while !teller.is_stopping() {
            teller.check()?;
            let part = teller.read(from).await?;
            for item in part.items {
                // The reader may have taken its time.
                teller.check()?;
                let event = item.contact.map_or(Event::Deleted(item.id), Event::Changed);
                yield teller.told(event, item.position);
            }
            from = Some(part.end);
            is_behind |= part.more;
            if part.more {
                continue;
            }
            if std::mem::take(&mut is_behind) {
                yield teller.told(Event::CaughtUp, part.end);
            }
            loop {
                match teller.rest(part.end).await? {
                    Woken::News => break,
                    Woken::Silence => yield teller.told(Event::Heartbeat, part.end),
                    Woken::Stop => return,
                }
            }
        }
    }
}

enum Woken {
    News,
    Silence,
    Stop,
}

struct Teller {
    reader: Reader,
    read_at: Instant,
    told_at: Instant,
    tick: Instant,
}

impl Teller {
    fn new(reader: Reader) -> Self {
        let now = Instant::now();
        Self {
            reader,
            read_at: now,
            told_at: now,
            tick: now + TICK,
        }
    }

    fn is_stopping(&self) -> bool {
        *self.reader.stopping.borrow()
    }

    fn check(&self) -> Result<()> {
        Ok(self.reader.guard.check(&self.reader.caller)?)
    }

    fn told(&mut self, event: Event, position: Position) -> Told {
        self.told_at = Instant::now();
        Told { event, position }
    }

    async fn read(&mut self, from: Option<Position>) -> Result<sync::Part> {
        let Reader {
            db, watch, view, ..
        } = &mut self.reader;
        // Before it reads: what is said meanwhile may not be in it.
        watch.seen();
        self.read_at = Instant::now();
        sync::read(db, view, from, PART).await
    }

    /// Waits for news, and for the end of what allows to wait.
    async fn rest(&mut self, end: Position) -> Result<Woken> {
        loop {
            let reader = &mut self.reader;
            let is_changed = tokio::select! {
                biased;
                _ = reader.stopping.wait_for(|stop| *stop) => return Ok(Woken::Stop),
                () = reader.watch.changed(end.version) => true,
                () = sleep_until(self.tick) => false,
            };
            if is_changed {
                sleep_until(self.read_at + BREATH).await;
                return Ok(Woken::News);
            }
            self.tick = Instant::now() + TICK;
            self.check()?;
            if self.told_at.elapsed() >= SILENCE_MAX {
                return Ok(Woken::Silence);
            }
        }
    }
}
