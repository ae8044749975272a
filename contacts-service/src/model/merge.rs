//! Limits of merging.

use chrono::TimeDelta;

/// The most contacts that are merged into one at a time.
pub const OTHERS_MAX: usize = 20;

/// For how long a merge can be undone: then the contacts that were merged away are
/// gone for good.
pub const UNDONE_WITHIN: TimeDelta = TimeDelta::days(30);
