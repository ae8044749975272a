//! Whether sessions are kept: settings, prepared statements, locks.

use std::time::Duration;

use sqlx::{PgConnection, Row, raw_sql};

use super::target::Target;

/// How often the check is repeated, because others may use the pooler at the same time.
const ROUNDS: usize = 4;

/// Whether each connection keeps a server process of its own. A pooler that assigns
/// processes by transaction or by statement gives this caller the most recently used one,
/// or the next one in turn; either way a process is shared or changes.
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

/// Asks with the simple protocol, because prepared statements may be lost.
async fn process(db: &mut PgConnection) -> sqlx::Result<i32> {
    let row = raw_sql("SELECT pg_backend_pid()").fetch_one(db).await?;
    row.try_get(0)
}
