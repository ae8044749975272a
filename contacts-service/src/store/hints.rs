//! Notifications between replicas, whose delivery is optional.

use sqlx::PgExecutor;

use crate::error::Result;

/// Sends a notification, in a transaction of its own: in that of a write it would make
/// the commits of all owners wait for each other.
pub async fn notify(db: impl PgExecutor<'_>, channel: &str, payload: &str) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload)
        .execute(db)
        .await?;
    Ok(())
}
