//! What changed since: the feed of an owner's contacts, a part at a time.
//!
//! It goes by version, and versions follow the order of commits; a contact stands
//! in it once, at its last write. Whoever reads on while others write sees what was
//! written again further on, and so misses nothing.

pub mod position;

use bytes::Bytes;
use chassis::user_id::UserId;
use sqlx::PgExecutor;

use self::position::Position;
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::store::feed;

/// A contact that was written or removed.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id.
    pub id: ContactId,
    /// Its message; none where it is deleted or gone.
    pub contact: Option<Bytes>,
    /// Where to go on behind it.
    pub position: Position,
}

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct Part {
    /// In the order of versions.
    pub items: Vec<Item>,
    /// Where to go on behind it.
    pub end: Position,
    /// Whether there is more behind it.
    pub more: bool,
}

/// How large a part may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most items.
    pub count: i64,
    /// The bytes behind which no further contact comes.
    pub bytes: i64,
}

/// Reads on behind a position, or from the beginning.
pub async fn read(
    db: impl PgExecutor<'_>,
    owner: UserId,
    from: Option<Position>,
    limits: Limits,
) -> Result<Part> {
    let from_start = from.unwrap_or_default();
    let range = feed::Range {
        version: from_start.version,
        id: from_start.last_id(),
        start: from.map(|from| from.start),
        count_max: limits.count,
        bytes_max: limits.bytes,
    };
    let part = feed::read(db, owner, &range).await?;
    if let Some(from) = from {
        from.check(part.state.as_ref())?;
    }
    let Some(state) = part.state else {
        return Ok(Part {
            items: Vec::new(),
            end: from_start,
            more: false,
        });
    };
    let at = |version, after| Position {
        epoch: state.epoch,
        version,
        after,
        start: from.map_or(state.version, |from| from.start),
    };
    let items = part.entries.into_iter().map(|entry| Item {
        id: entry.id,
        contact: entry.contact.map(Stored::encoded),
        position: at(entry.version, Some(entry.id)),
    });
    let items: Vec<Item> = items.collect();
    // Without more, it is all that was written, also where versions were taken that
    // left nothing behind.
    let last = items.last().filter(|_| part.more);
    let end = last.map_or(at(state.version, None), |last| last.position);
    Ok(Part {
        items,
        end,
        more: part.more,
    })
}
