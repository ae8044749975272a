//! Limits of merging.

use chrono::TimeDelta;

/// The maximum number of contacts that one call merges into another.
pub const OTHERS_MAX: usize = 20;

/// How long a merge can be undone. After that, the contacts that were merged into another
/// are purged.
pub const UNDONE_WITHIN: TimeDelta = TimeDelta::days(30);
