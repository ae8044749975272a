//! Changes since a position: the feed of an owner's contacts, a page at a time.
//!
//! It is sorted by version, and versions follow the order of commits; a contact is in it
//! once, at its last write. A reader that continues while others write finds rewritten
//! contacts later in the feed, and misses nothing.

pub mod cursor;

use bytes::Bytes;
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use sqlx::PgExecutor;

use self::cursor::SyncCursor;
use crate::contact::ContactId;
use crate::contact::mask::ReadMask;
use crate::error::Result;
use crate::model::share::rights::Rights;
use crate::model::share::visible::View;
use crate::store::labels::{self, LabelChange};
use crate::store::{feed, shares};

/// A contact that was written or purged.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id.
    pub id: ContactId,
    /// Its message; `None` if it is deleted or purged.
    pub contact: Option<Bytes>,
    /// The position after it.
    pub cursor: SyncCursor,
}

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order of versions.
    pub items: Vec<Item>,
    /// The labels that changed with them, in the order of versions.
    pub labels: Vec<LabelChange>,
    /// The position before the page.
    pub start: SyncCursor,
    /// The position after the page.
    pub end: SyncCursor,
    /// Whether more follows.
    pub more: bool,
}

/// How large a page may be.
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
    fields: ReadMask,
}

impl Feed {
    /// The feed of the contacts in `view`, with these fields.
    #[must_use]
    pub fn new(db: Pool, view: View, fields: ReadMask) -> Self {
        Self { db, view, fields }
    }

    /// The owner of the contacts.
    #[must_use]
    pub fn owner(&self) -> UserId {
        self.view.owner
    }

    /// Reads on after a cursor, or from the beginning. The shares are read in the same
    /// snapshot as the contacts.
    pub async fn read(&mut self, from: Option<SyncCursor>, limits: Limits) -> Result<Page> {
        let Self { db, view, fields } = self;
        if view.owner == view.reader {
            let page = read_page(&*db, view, fields, from, limits).await?;
            return with_labels(&*db, view, page).await;
        }
        let mut tx = db.begin_snapshot().await?;
        let grants = shares::grants(&mut *tx, view.owner, view.reader).await?;
        view.visible = Rights::of(&grants)?.seen;
        let page = read_page(&mut *tx, view, fields, from, limits).await?;
        with_labels(&mut *tx, view, page).await
    }
}

/// Adds the labels of the page's versions. They can be read after it: one that was written
/// meanwhile has a version of a later page. The first page of a version has all its labels.
async fn with_labels(db: impl PgExecutor<'_>, view: &View, mut page: Page) -> Result<Page> {
    let versions = (page.start.version, page.end.version);
    if versions.0 < versions.1 {
        let ids = view.visible.label_ids();
        page.labels = labels::changes(db, view.owner, versions, page.end.start, ids).await?;
    }
    Ok(page)
}

async fn read_page(
    db: impl PgExecutor<'_>,
    view: &View,
    fields: &ReadMask,
    from: Option<SyncCursor>,
    limits: Limits,
) -> Result<Page> {
    let mark = view.visible.labels_hash();
    let from_start = from.unwrap_or_default();
    let range = feed::Range {
        version: from_start.version,
        id: from_start.last_id(),
        start: from.map(|from| from.start),
        count_max: limits.count,
        bytes_max: limits.bytes,
    };
    let page = feed::read(db, view.owner, &range).await?;
    if let Some(from) = from {
        from.check(page.state.as_ref(), mark)?;
    }
    let Some(state) = page.state else {
        return Ok(Page {
            items: Vec::new(),
            labels: Vec::new(),
            start: from_start,
            end: from_start,
            more: false,
        });
    };
    let start = from.map_or(state.version, |from| from.start);
    let at = |version, after| SyncCursor {
        epoch: state.epoch,
        version,
        after,
        start,
        mark,
    };
    // If no more follows, the page ends at the owner's version, because a version can be
    // taken without a change to contacts.
    let last = page.entries.last().filter(|_| page.more);
    let end = last.map_or(at(state.version, None), |last| {
        at(last.version, Some(last.id))
    });
    let mut items = Vec::with_capacity(page.entries.len());
    for entry in page.entries {
        let is_live = entry.contact.is_some();
        let seen = entry.contact.map(|contact| view.visible.show(contact));
        let contact = seen.transpose()?.flatten();
        // A reader that started from the beginning never received a contact that was
        // deleted before.
        if is_live && contact.is_none() && entry.version <= start {
            continue;
        }
        items.push(Item {
            id: entry.id,
            contact: contact.map(|contact| fields.encoded(contact)).transpose()?,
            cursor: at(entry.version, Some(entry.id)),
        });
    }
    Ok(Page {
        items,
        labels: Vec::new(),
        start: at(from_start.version, from_start.after),
        end,
        more: page.more,
    })
}
