//! Dates of the Gregorian calendar, also without a year.

use chrono::{Datelike, NaiveDate};
use proto::contacts::v1::Date;

/// Validates a date; year 0 means that it is unknown.
pub fn check(date: Date) -> Result<(), &'static str> {
    if !(0..=9999).contains(&date.year) {
        return Err("must have a year from 1 to 9999, or 0 for unknown");
    }
    // A leap year for an unknown one, because 29 February is a valid birthday.
    let year = if date.year == 0 { 2000 } else { date.year };
    match day_of(Date { year, ..date }) {
        Some(_) => Ok(()),
        None => Err("is not a day of the calendar"),
    }
}

/// The day of a date with a year.
#[must_use]
pub fn day_of(date: Date) -> Option<NaiveDate> {
    let (month, day) = (date.month.try_into().ok()?, date.day.try_into().ok()?);
    NaiveDate::from_ymd_opt(date.year, month, day)
}

/// Month and day as one sortable number: 229 is 29 February.
#[must_use]
pub fn month_day(month: u32, day: u32) -> i16 {
    i16::try_from(month * 100 + day).unwrap_or(0)
}

/// A day as a message.
#[must_use]
pub fn message(day: NaiveDate) -> Date {
    Date {
        year: day.year(),
        month: day.month().cast_signed(),
        day: day.day().cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: i32, day: i32) -> Date {
        Date { year, month, day }
    }

    #[test]
    fn the_29th_of_february_needs_a_leap_year_or_none() {
        assert!(check(date(2024, 2, 29)).is_ok());
        assert!(check(date(0, 2, 29)).is_ok());
        assert!(check(date(2023, 2, 29)).is_err());
        assert!(check(date(1900, 2, 29)).is_err());
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [
            (2024, 2, 30),
            (0, 2, 30),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 1, 0),
            (2024, -1, 1),
            (-5, 1, 1),
            (10_000, 1, 1),
            (2024, 4, 31),
            (i32::MAX, i32::MIN, i32::MAX),
        ] {
            assert!(
                check(date(year, month, day)).is_err(),
                "{year}-{month}-{day}"
            );
        }
    }
}
