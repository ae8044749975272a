//! Which of several servers is the primary: a promotion begins a new timeline, and the
//! primary that it replaced stays on the one before (PostgreSQL documentation, section
//! 26.3.5, "Timelines").

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row, raw_sql};

/// The same columns as [`ASK`] of a server that is the only one, whose history does not
/// matter.
pub(super) const ASK_ONLY: &str = "SELECT current_setting('transaction_read_only'), NULL, NULL";
/// Whether the server is read-only, its system and timeline. A log file's name begins with
/// the timeline; a standby cannot tell the name.
pub(super) const ASK: &str = "SELECT current_setting('transaction_read_only'), \
     (SELECT system_identifier FROM pg_control_system()), \
     CASE WHEN NOT pg_is_in_recovery() \
          THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END";

/// The history of a server's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// Servers that were copied from one another have the same number.
    system: i64,
    /// Rises with each promotion.
    timeline: i32,
}

impl History {
    /// Whether a server with this history was replaced by one with the other history.
    pub(super) fn is_replaced_by(self, other: Self) -> bool {
        self.system == other.system && self.timeline < other.timeline
    }
}

/// A connection that was set up, to a server that accepts writes.
pub(super) struct Writable {
    pub(super) db: PgConnection,
    /// The number of its host.
    pub(super) host: usize,
    /// Unknown if the host is the only one.
    pub(super) history: Option<History>,
}

impl Writable {
    /// Whether this one is to be used rather than the other.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        match (self.history, other.history) {
            (Some(own), Some(theirs)) if own.is_replaced_by(theirs) => false,
            (Some(own), Some(theirs)) if theirs.is_replaced_by(own) => true,
            _ => self.host < other.host,
        }
    }
}

/// Sets a connection up with statements that end in [`ASK`] or [`ASK_ONLY`]; `None` if the
/// server is read-only.
pub(super) async fn set_up(
    mut db: PgConnection,
    host: usize,
    setup: &str,
) -> sqlx::Result<Option<Writable>> {
    let setup = raw_sql(AssertSqlSafe(setup));
    let row = setup.fetch_one(&mut db).await?;
    if row.try_get::<&str, _>(0)? != "off" {
        return Ok(None);
    }
    let history = history(&row)?;
    Ok(Some(Writable { db, host, history }))
}

fn history(row: &PgRow) -> sqlx::Result<Option<History>> {
    let (system, timeline) = (row.try_get(1)?, row.try_get(2)?);
    Ok(match (system, timeline) {
        (Some(system), Some(timeline)) => Some(History { system, timeline }),
        _ => None,
    })
}
