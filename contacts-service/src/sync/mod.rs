//! Sync: the feed of an owner's contacts, in parts.
//!
//! It is sorted by version, and versions follow the order of commits; a contact is in it
//! once, at its last write. A reader that continues while others write finds rewritten
//! contacts later in the feed, and misses nothing.

pub mod position;

use bytes::Bytes;
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use sqlx::PgExecutor;

use self::position::Position;
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::share::rights::{Rights, View};
use crate::store::{feed, shares};

/// A contact that was written or purged.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id.
    pub id: ContactId,
    /// Its message; `None` if it is deleted or purged.
    pub contact: Option<Bytes>,
    /// The position after it.
    pub position: Position,
}

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct Part {
    /// In the order of versions.
    pub items: Vec<Item>,
    /// The position after it.
    pub end: Position,
    /// Whether there is more.
    pub more: bool,
}

/// The size limits of a part.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of items.
    pub count: i64,
    /// The size after which no further contact is added.
    pub bytes: i64,
}

/// The feed of an owner's contacts, as one user reads it.
pub struct Feed {
    db: Pool,
    view: View,
}

impl Feed {
    /// The feed of the contacts in `view`.
    #[must_use]
    pub fn new(db: Pool, view: View) -> Self {
        Self { db, view }
    }

    /// Whose contacts they are.
    #[must_use]
    pub fn owner(&self) -> UserId {
        self.view.owner
    }

    /// Reads on after a position, or from the beginning. The shares are read in the same
    /// snapshot as the contacts.
    pub async fn read(&mut self, from: Option<Position>, limits: Limits) -> Result<Part> {
        let Self { db, view } = self;
        if view.owner == view.reader {
            return read_part(&*db, view, from, limits).await;
        }
        let mut tx = db.begin_snapshot().await?;
        let grants = shares::grants(&mut *tx, view.owner, view.reader).await?;
        view.part = Rights::of(&grants)?.seen;
        read_part(&mut *tx, view, from, limits).await
    }
}

async fn read_part(
    db: impl PgExecutor<'_>,
    view: &View,
    from: Option<Position>,
    limits: Limits,
) -> Result<Part> {
    let mark = view.part.mark();
    let from_start = from.unwrap_or_default();
    let range = feed::Range {
        version: from_start.version,
        id: from_start.last_id(),
        start: from.map(|from| from.start),
        count_max: limits.count,
        bytes_max: limits.bytes,
    };
    let part = feed::read(db, view.owner, &range).await?;
    if let Some(from) = from {
        from.check(part.state.as_ref(), mark)?;
    }
    let Some(state) = part.state else {
        return Ok(Part {
            items: Vec::new(),
            end: from_start,
            more: false,
        });
    };
    let start = from.map_or(state.version, |from| from.start);
    let at = |version, after| Position {
        epoch: state.epoch,
        version,
        after,
        start,
        part: mark,
    };
    // A last part is complete up to the row's version, even if some versions have no
    // contacts.
    let last = part.entries.last().filter(|_| part.more);
    let end = last.map_or(at(state.version, None), |last| {
        at(last.version, Some(last.id))
    });
    let mut items = Vec::with_capacity(part.entries.len());
    for entry in part.entries {
        let mut contact = entry.contact;
        if let Some(other) = &contact
            && !view.part.holds(&other.body)?
        {
            // A reader that started from the beginning never received a contact that was
            // deleted before.
            if entry.version <= start {
                continue;
            }
            contact = None;
        }
        items.push(Item {
            id: entry.id,
            contact: contact.map(Stored::encoded),
            position: at(entry.version, Some(entry.id)),
        });
    }
    Ok(Part {
        items,
        end,
        more: part.more,
    })
}
