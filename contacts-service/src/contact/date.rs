//! Dates of the Gregorian calendar, of which parts may be unknown.

use chrono::{Datelike, NaiveDate};
use proto::contacts::v1::{Date, Event};

use super::identity::identity;

/// Validates a date; 0 means that a part is unknown.
pub fn check(date: Date) -> Result<(), &'static str> {
    if !(0..=9999).contains(&date.year) {
        return Err("must have a year from 1 to 9999, or 0 for unknown");
    }
    match (date.month, date.day) {
        (0, 0) if date.year == 0 => return Err("must have a year or a month"),
        (0..=12, 0) => return Ok(()),
        _ => {}
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

/// The month and the day of a date as one number, if both are known.
#[must_use]
pub fn month_day_of(date: Date) -> Option<i16> {
    let (month, day) = (date.month.cast_unsigned(), date.day.cast_unsigned());
    (month > 0 && day > 0).then(|| month_day(month, day))
}

/// Whether an event is one of the kind "anniversary".
#[must_use]
pub fn is_anniversary(event: &Event) -> bool {
    identity(&event.label) == "anniversary"
}

/// What two dates say together; `None` if they cannot be the same day.
#[must_use]
pub fn united(one: Date, other: Date) -> Option<Date> {
    let part = |one, other| match (one, other) {
        (0, known) | (known, 0) => Some(known),
        _ => (one == other).then_some(one),
    };
    let date = Date {
        year: part(one.year, other.year)?,
        month: part(one.month, other.month)?,
        day: part(one.day, other.day)?,
    };
    check(date).ok().map(|()| date)
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
    fn a_date_may_lack_its_day_or_more() {
        for (year, month, day) in [(1990, 1, 0), (1990, 0, 0), (0, 2, 0), (0, 12, 0), (1, 0, 0)] {
            assert!(check(date(year, month, day)).is_ok());
            assert_eq!(month_day_of(date(year, month, day)), None);
        }
        assert_eq!(month_day_of(date(0, 2, 29)), Some(229));
    }

    #[test]
    fn dates_are_united_unless_a_part_differs() {
        let full = date(1990, 5, 1);
        for partial in [
            (1990, 5, 0),
            (1990, 0, 0),
            (0, 5, 0),
            (0, 5, 1),
            (1990, 5, 1),
        ] {
            let partial = date(partial.0, partial.1, partial.2);
            assert_eq!(united(full, partial), Some(full));
            assert_eq!(united(partial, full), Some(full));
        }
        for other in [
            (1991, 5, 0),
            (1991, 0, 0),
            (0, 6, 0),
            (0, 5, 2),
            (1990, 5, 2),
        ] {
            let other = date(other.0, other.1, other.2);
            assert_eq!(united(full, other), None);
            assert_eq!(united(other, full), None);
        }
        assert_eq!(united(date(1990, 0, 0), date(0, 5, 1)), Some(full));
        // 1990 had no 29 February.
        assert_eq!(united(date(1990, 0, 0), date(0, 2, 29)), None);
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [
            (2024, 2, 30),
            (0, 2, 30),
            (2024, 13, 1),
            (2024, 0, 1),
            (0, 0, 1),
            (0, 0, 0),
            (2024, 13, 0),
            (0, -1, 0),
            (10_000, 1, 0),
            (-1, 0, 0),
            (2024, 1, 32),
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
