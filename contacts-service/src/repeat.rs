//! Writes that are made again because their answer was lost. Their etag is that of before
//! the write; what the write did stands in the last revision.

use sqlx::PgExecutor;

use crate::book::Book;
use crate::change::{Change, Changed};
use crate::contact::etag;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::revision::Revision;
use crate::store::revisions;

impl Book<'_> {
    /// Whether the last write of a contact was this very update, from the etag that it
    /// names: then a repeat changes nothing, and has the same answer.
    pub(crate) async fn is_repeated(
        &self,
        db: impl PgExecutor<'_>,
        change: &Change,
        current: Option<&Stored>,
    ) -> Result<bool> {
        let Some(current) = current else {
            return Ok(false);
        };
        let Some(before) = self.replaced(db, current, &change.etag).await? else {
            return Ok(false);
        };
        let again = change.clone().apply(Some(before.contact), self.now);
        Ok(match again {
            Ok(Changed::Into { row, .. }) => row.0.body == current.body,
            _ => false,
        })
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
        Ok(self.replaced(db, current, expected).await?.is_some())
    }

    /// What the last write of a live contact replaced, where that had this etag.
    async fn replaced(
        &self,
        db: impl PgExecutor<'_>,
        current: &Stored,
        expected: &str,
    ) -> Result<Option<Revision>> {
        let is_gone = current.delete_time.is_some();
        if is_gone || expected.is_empty() || expected == etag(current.version) {
            return Ok(None);
        }
        let before = revisions::before(db, self.owner, current, current.version, 1).await?;
        let mut before = before.into_iter();
        Ok(before.find(|before| etag(before.contact.version) == expected))
    }
}
