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
use crate::store::labels::LabelChange;
use crate::sync::cursor::SyncCursor;
use crate::sync::{self, Feed, Limits};

/// The maximum size of what a stream holds, not counting the largest contact.
const PAGE_LIMITS: Limits = Limits {
    count: 100,
    bytes: 256 * 1024,
};
/// The longest time without an event.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// The pause between two reads of the feed after catching up, so that a burst of writes
/// is read together.
const BURST: Duration = Duration::from_millis(50);

/// What a stream sends to its reader.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What happened.
    pub event: Event,
    /// The position after it.
    pub cursor: SyncCursor,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new or changed contact, as its message.
    Changed(Bytes),
    /// A contact that was deleted or purged.
    Deleted(ContactId),
    /// A label that was written or deleted.
    Label(LabelChange),
    /// The stream has caught up.
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
    /// True when streams must end.
    pub stopping: Receiver<bool>,
}

/// Sends changes after a cursor, or from the beginning. While the reader does not read,
/// the stream reads nothing, either.
pub fn notices(reader: Reader, from: Option<SyncCursor>) -> impl Stream<Item = Result<Notice>> {
    try_stream! {
        let mut sender = Sender::new(reader);
        let mut from = from;
        let mut is_behind = true;
        while !sender.is_stopping() {
            let page = sender.read(from).await?;
            // Before the contacts that have them; whoever stops here receives them again.
            for label in page.labels {
                yield sender.notice(Event::Label(label), page.start);
            }
            for item in page.items {
                let event = item.contact.map_or(Event::Deleted(item.id), Event::Changed);
                yield sender.notice(event, item.cursor);
            }
            from = Some(page.end);
            is_behind |= page.more;
            if page.more {
                continue;
            }
            if std::mem::take(&mut is_behind) {
                yield sender.notice(Event::CaughtUp, page.end);
            }
            loop {
                match sender.wait(page.end).await {
                    Woken::Change => break,
                    Woken::Silence => yield sender.notice(Event::Heartbeat, page.end),
                    Woken::Stop => return,
                }
            }
        }
    }
}

enum Woken {
    Change,
    Silence,
    Stop,
}

struct Sender {
    reader: Reader,
    read_at: Instant,
    sent_at: Instant,
}

impl Sender {
    fn new(reader: Reader) -> Self {
        let now = Instant::now();
        Self {
            reader,
            read_at: now,
            sent_at: now,
        }
    }

    fn is_stopping(&self) -> bool {
        *self.reader.stopping.borrow()
    }

    fn notice(&mut self, event: Event, cursor: SyncCursor) -> Notice {
        self.sent_at = Instant::now();
        Notice { event, cursor }
    }

    async fn read(&mut self, from: Option<SyncCursor>) -> Result<sync::Page> {
        let Reader { feed, watch, .. } = &mut self.reader;
        // Marked before the read, because the read may miss a write that happens
        // meanwhile.
        watch.mark_seen();
        self.read_at = Instant::now();
        feed.read(from, PAGE_LIMITS).await
    }

    /// Waits for a change, a silence or the end.
    async fn wait(&mut self, end: SyncCursor) -> Woken {
        let silence = self.sent_at + SILENCE_MAX;
        let reader = &mut self.reader;
        let woken = tokio::select! {
            biased;
            _ = reader.stopping.wait_for(|stop| *stop) => Woken::Stop,
            () = reader.watch.changed(end.version) => Woken::Change,
            () = sleep_until(silence) => Woken::Silence,
        };
        if matches!(woken, Woken::Change) {
            sleep_until(self.read_at + BURST).await;
        }
        woken
    }
}
