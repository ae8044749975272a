//! Recognises writes that are repeated because their response was lost. They have the
//! etag from before the first write, and the latest revision has the state that the write
//! replaced.

use std::collections::{HashMap, HashSet};

use sqlx::PgExecutor;
use tokio::task::yield_now;

use crate::book::Book;
use crate::book::change::{ContactUpdate, Updated};
use crate::contact::labels::are_alike;
use crate::contact::stored::Stored;
use crate::contact::{ContactId, earlier};
use crate::error::Result;
use crate::model::share::rights::Rights;
use crate::store::revisions;

impl Book<'_> {
    /// Returns the contacts whose last write was the given change, made from its etag: a
    /// repeat does not change them, and returns the same response. Runs one statement for
    /// all, and yields in between.
    pub(crate) async fn repeated(
        &self,
        db: impl PgExecutor<'_>,
        rights: &Rights,
        changes: &[(&ContactUpdate, &Stored)],
    ) -> Result<HashSet<ContactId>> {
        let named = changes.iter().map(|(change, now)| (*now, &*change.etag));
        let mut before = self.replaced(db, named).await?;
        let mut repeated = HashSet::new();
        for (change, current) in changes {
            let Some(before) = before.remove(&current.id) else {
                continue;
            };
            let again = ContactUpdate::clone(change).apply(Some(before), rights, self.now);
            if let Ok(Updated::Replaced { body, .. }) = again
                && are_alike(&body, &current.body)?
            {
                repeated.insert(current.id);
            }
            yield_now().await;
        }
        Ok(repeated)
    }

    /// Whether the last write of a contact replaced the version with the etag `expected`
    /// by `body`.
    pub(crate) async fn is_restored(
        &self,
        db: impl PgExecutor<'_>,
        current: &Stored,
        expected: &str,
        body: &[u8],
    ) -> Result<bool> {
        if !are_alike(body, &current.body)? {
            return Ok(false);
        }
        let before = self.replaced(db, [(current, expected)].into_iter()).await?;
        Ok(!before.is_empty())
    }

    /// The states that the last writes of contacts replaced, of those with the given
    /// etag.
    pub(super) async fn replaced<'a>(
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
