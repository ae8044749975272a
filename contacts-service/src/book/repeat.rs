//! Writes that are repeated because their response was lost. Their etag is that before
//! the write; the latest revision has what the write replaced.

use std::collections::{HashMap, HashSet};

use sqlx::PgExecutor;
use tokio::task::yield_now;

use crate::book::Book;
use crate::book::change::{ContactUpdate, Updated};
use crate::contact::stored::Stored;
use crate::contact::{ContactId, earlier};
use crate::error::Result;
use crate::store::revisions;

impl Book<'_> {
    /// Returns the contacts whose last write was the given change, from its etag: then a
    /// repeat changes nothing, and returns the same response. One statement for all;
    /// yields in between.
    pub(crate) async fn repeated(
        &self,
        db: impl PgExecutor<'_>,
        changes: &[(&ContactUpdate, &Stored)],
    ) -> Result<HashSet<ContactId>> {
        let named = changes.iter().map(|(change, now)| (*now, &*change.etag));
        let mut before = self.replaced(db, named).await?;
        let mut repeated = HashSet::new();
        for (change, current) in changes {
            let Some(before) = before.remove(&current.id) else {
                continue;
            };
            let again = ContactUpdate::clone(change).apply(Some(before), self.now);
            if let Ok(Updated::Replaced { body, .. }) = again
                && body == current.body
            {
                repeated.insert(current.id);
            }
            yield_now().await;
        }
        Ok(repeated)
    }

    /// Whether the last write of a contact was this change, from this etag.
    pub(crate) async fn is_restored(
        &self,
        db: impl PgExecutor<'_>,
        current: &Stored,
        expected: &str,
        body: &[u8],
    ) -> Result<bool> {
        if current.body != body {
            return Ok(false);
        }
        let before = self.replaced(db, [(current, expected)].into_iter()).await?;
        Ok(!before.is_empty())
    }

    /// What the last write of contacts replaced, if that had the given etag.
    async fn replaced<'a>(
        &self,
        db: impl PgExecutor<'_>,
        named: impl Iterator<Item = (&'a Stored, &'a str)>,
    ) -> Result<HashMap<ContactId, Stored>> {
        let live = named.filter(|(current, _)| current.delete_time.is_none());
        let named: Vec<_> = live
            .filter_map(|(current, etag)| Some((current, earlier(etag, current.version)?)))
            .collect();
        if named.is_empty() {
            return Ok(HashMap::new());
        }
        revisions::replaced(db, self.owner, &named).await
    }
}
