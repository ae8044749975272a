//! The only place that asks the machine for the time.

use chrono::{DateTime, Utc};

/// The machine's time, which can differ from the servers'.
#[expect(clippy::disallowed_methods, reason = "this is that one place")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
