//! The only place that asks for the date.

use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, Utc};

/// Today in UTC.
pub(crate) fn today() -> NaiveDate {
    DateTime::<Utc>::from(SystemTime::now()).date_naive()
}
