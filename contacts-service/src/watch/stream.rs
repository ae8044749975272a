//! The stream of one reader.

use std::time::Duration;

use async_stream::try_stream;
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::hub::Watch;
use crate::contact::ContactId;
use crate::error::Result;
use crate::sync::position::Position;
use crate::sync::{self, Feed, Limits};

/// The maximum size that a stream holds, plus one largest contact.
const PART: Limits = Limits {
    count: 100,
    bytes: 256 * 1024,
};
/// The longest time without an event.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// The pause between two reads of the feed after catching up, so that a burst of writes
/// is read together.
const BREATH: Duration = Duration::from_millis(50);

/// An event for a reader.
#[derive(Clone, Debug)]
pub struct Told {
    /// What happened.
    pub event: Event,
    /// The position after it.
    pub position: Position,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new or changed contact, as its message.
    Changed(Bytes),
    /// A contact that was deleted or purged.
    Deleted(ContactId),
    /// Caught up.
    CaughtUp,
    /// A heartbeat.
    Heartbeat,
}

/// The context of a stream.
pub struct Reader {
    /// The feed of the owner's contacts.
    pub feed: Feed,
    /// The watch on them.
    pub watch: Watch,
    /// True when streams shall end.
    pub stopping: Receiver<bool>,
}

/// Streams from a position on, or from the beginning. A reader that does not read stops
/// the stream at its position.
pub fn tell(reader: Reader, from: Option<Position>) -> impl Stream<Item = Result<Told>> {
    try_stream! {
        let mut teller = Teller::new(reader);
        let mut from = from;
        let mut is_behind = true;
        while !teller.is_stopping() {
            let part = teller.read(from).await?;
            for item in part.items {
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
                match teller.rest(part.end).await {
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
}

impl Teller {
    fn new(reader: Reader) -> Self {
        let now = Instant::now();
        Self {
            reader,
            read_at: now,
            told_at: now,
        }
    }

    fn is_stopping(&self) -> bool {
        *self.reader.stopping.borrow()
    }

    fn told(&mut self, event: Event, position: Position) -> Told {
        self.told_at = Instant::now();
        Told { event, position }
    }

    async fn read(&mut self, from: Option<Position>) -> Result<sync::Part> {
        let Reader { feed, watch, .. } = &mut self.reader;
        // Before it reads: what is said meanwhile may not be in it.
        watch.seen();
        self.read_at = Instant::now();
        feed.read(from, PART).await
    }

    /// Waits for changes.
    async fn rest(&mut self, end: Position) -> Woken {
        let silence = self.told_at + SILENCE_MAX;
        let reader = &mut self.reader;
        let woken = tokio::select! {
            biased;
            _ = reader.stopping.wait_for(|stop| *stop) => Woken::Stop,
            () = reader.watch.changed(end.version) => Woken::News,
            () = sleep_until(silence) => Woken::Silence,
        };
        if matches!(woken, Woken::News) {
            sleep_until(self.read_at + BREATH).await;
        }
        woken
    }
}
