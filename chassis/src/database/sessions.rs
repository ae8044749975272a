//! Whether what belongs to a session is kept: settings, prepared statements, locks.

use std::time::Duration;

use sqlx::{PgConnection, Row, raw_sql};

use super::target::Target;

/// More than one is for a pooler that others use at the same time.
const ROUNDS: usize = 4;

/// Whether each connection has a server process of its own, which stays. A pooler that
/// hands processes out by transaction or by statement gives this caller the one that it
/// used last, or the next one in turn; by either a process is shared or changes.
pub(super) async fn are_kept(target: &Target, within: Duration) -> sqlx::Result<bool> {
    let mut first = target.connect(within).await?;
    let mut second = target.connect(within).await?;
    let own = process(&mut first).await?;
    for _ in 0..ROUNDS {
        if process(&mut first).await? != own || process(&mut second).await? == own {
            return Ok(false);
        }
    }
    Ok(true)
}

/// By the simple protocol: prepared statements may be lost.
async fn process(db: &mut PgConnection) -> sqlx::Result<i32> {
    let row = raw_sql("SELECT pg_backend_pid()").fetch_one(db).await?;
    row.try_get(0)
}
