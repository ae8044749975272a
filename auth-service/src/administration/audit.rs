//! The audit log, for administrators.

use super::Administration;
use crate::error::Result;
use crate::model::audit::{Entry, Selection};
use crate::store;
use crate::store::audit::AuditCursor;

impl Administration {
    /// Returns up to `limit` entries after `after`, the latest first.
    pub async fn list_audit(
        &self,
        selection: &Selection,
        after: Option<AuditCursor>,
        limit: i64,
    ) -> Result<Vec<Entry>> {
        store::audit::list(&self.db, selection, after, limit).await
    }
}
