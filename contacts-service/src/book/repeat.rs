//! Writes that are made again because their answer was lost. Their etag is that of before
//! the write; what the write replaced stands in the latest revision.

use std::collections::{HashMap, HashSet};

use sqlx::PgExecutor;
use tokio::task::yield_now;

use crate::book::Book;
use crate::book::change::{Change, Changed};
use crate::contact::stored::Stored;
use crate::contact::{ContactId, earlier};
use crate::error::Result;
use crate::store::revisions;

impl Book<'_> {
    /// Returns the contacts whose last write was the change beside them, from the etag
    /// that it names: then a repeat changes nothing, and has the same answer. One
    /// statement for all; other calls go on in between.
    pub(crate) async fn repeated(
        &self,
        db: impl PgExecutor<'_>,
        changes: &[(&Change, &Stored)],
    ) -> Result<HashSet<ContactId>> {
        let named = changes.iter().map(|(change, now)| (*now, &*change.etag));
        let mut before = self.replaced(db, named).await?;
        let mut repeated = HashSet::new();
        for (change, current) in changes {
            let Some(before) = before.remove(&current.id) else {
                continue;
            };
            let again = Change::clone(change).apply(Some(before), self.now);
            if let Ok(Changed::Into { row, .. }) = again
                && row.0.body == current.body
            {
                repeated.insert(current.id);
            }
            yield_now().await;
        }
        Ok(repeated)
    }

    /// Whether the last write of a contact was the one that made this of it, from this
    /// etag on.
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

    /// What the last write of live contacts replaced, where that had the etag beside them.
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
