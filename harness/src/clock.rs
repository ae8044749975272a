//! The only place that asks for the time.

use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, Utc};

/// Now.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Today in UTC.
pub(crate) fn today() -> NaiveDate {
    DateTime::<Utc>::from(now()).date_naive()
}
