//! Dates as programs write them.

use proto::contacts::v1::Date;

use super::VCardVersion;

/// The year that Apple writes for an unknown one: a leap year before all birthdays.
pub(super) const APPLE_NO_YEAR: i32 = 1604;

/// Parses a date. Returns also whether it is all that the text says: a time of day is not
/// in a date. `omitted` is a year that means none.
pub(crate) fn parse(text: &str, omitted: Option<i32>) -> Option<(Date, bool)> {
    let text = text.trim().trim_end_matches(';').trim();
    let (day, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let mut date = day_of(day)?;
    if date.year == APPLE_NO_YEAR || Some(date.year) == omitted {
        date.year = 0;
    }
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let is_midnight = time[..zone].chars().all(|c| matches!(c, '0' | ':' | '.'));
    is_valid(date).then_some((date, is_midnight))
}

/// A date as text, also one that is known in part: `1815-12-10`, `--12-10`, `1815-12`, `1815`.
#[must_use]
pub fn date_text(date: Date) -> String {
    let Date { year, month, day } = date;
    match (year, month, day) {
        (0, month, 0) => format!("--{month:02}"),
        (0, month, day) => format!("--{month:02}-{day:02}"),
        (year, 0, _) => format!("{year:04}"),
        (year, month, 0) => format!("{year:04}-{month:02}"),
        (year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
    }
}

fn day_of(text: &str) -> Option<Date> {
    let date = |year, month, day| Some(Date { year, month, day });
    let number = |text: &str| {
        let is_number =
            !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<i32>().ok()).flatten()
    };
    if !text.is_ascii() {
        return None;
    }
    if let Some(rest) = text.strip_prefix("--") {
        let digits: String = rest.split('-').collect();
        return match digits.len() {
            2 if !rest.starts_with('-') => date(0, number(&digits)?, 0),
            4 if !rest.starts_with('-') => date(0, number(&digits[..2])?, number(&digits[2..])?),
            _ => None,
        };
    }
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return date(
            number(&text[..4])?,
            number(&text[4..6])?,
            number(&text[6..])?,
        );
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    match *parts.as_slice() {
        [year] if year.len() == 4 => date(number(year)?, 0, 0),
        [year, month] if year.len() == 4 => date(number(year)?, number(month)?, 0),
        [year, month, day] if year.len() == 4 => date(number(year)?, number(month)?, number(day)?),
        // With slashes, the order of day and month is unknown.
        [day, month, year] if year.len() == 4 && !text.contains(['/', '-']) => {
            date(number(year)?, number(month)?, number(day)?)
        }
        _ => None,
    }
}

/// Whether the calendar has such a date.
pub(crate) fn is_valid(date: Date) -> bool {
    let is_leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
    let days = match date.month {
        2 if date.year == 0 || is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        0 => 0,
        _ => return false,
    };
    date.day <= days && (date.year > 0 || date.month > 0)
}

/// The parameter and the value of a date.
pub(super) fn text(date: Date, version: VCardVersion) -> (&'static str, String) {
    let Date { year, month, day } = date;
    match (year, month, day) {
        (0, month, day) if version == VCardVersion::V3 && day > 0 => (
            ";X-APPLE-OMIT-YEAR=1604",
            format!("{APPLE_NO_YEAR}-{month:02}-{day:02}"),
        ),
        (0, month, 0) => ("", format!("--{month:02}")),
        (0, month, day) => ("", format!("--{month:02}{day:02}")),
        (year, 0, _) => ("", format!("{year:04}")),
        (year, month, 0) => ("", format!("{year:04}-{month:02}")),
        (year, month, day) if version == VCardVersion::V3 => {
            ("", format!("{year:04}-{month:02}-{day:02}"))
        }
        (year, month, day) => ("", format!("{year:04}{month:02}{day:02}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(i32, i32, i32)> {
        parse(text, None).map(|(date, _)| (date.year, date.month, date.day))
    }

    #[test]
    fn every_way_to_write_a_date_is_read() {
        for (text, expected) in [
            ("19900102", (1990, 1, 2)),
            ("1990-01-02", (1990, 1, 2)),
            ("1990-1-2", (1990, 1, 2)),
            ("1990/01/02", (1990, 1, 2)),
            ("2.1.1990", (1990, 1, 2)),
            ("1990-01-02;", (1990, 1, 2)),
            ("1990-01-02T00:00:00Z", (1990, 1, 2)),
            ("19900102T231000", (1990, 1, 2)),
            ("1990-01", (1990, 1, 0)),
            ("1990-01-00", (1990, 1, 0)),
            ("1990", (1990, 0, 0)),
            ("--0229", (0, 2, 29)),
            ("--02-29", (0, 2, 29)),
            ("--02", (0, 2, 0)),
            ("1604-02-29", (0, 2, 29)),
            ("16040229", (0, 2, 29)),
            ("0000-05-01", (0, 5, 1)),
        ] {
            assert_eq!(parsed(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "circa 1800",
            "12/04/1985",
            "1990-02-30",
            "1990-13-01",
            "---29",
            "--1301",
            "0000-00-00",
            "19900",
            "99999999",
            "1900-02-29",
            "-1990",
            "1990-01-01-01",
            "--",
            "Ä",
            "1990-\u{661}-01",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_more_than_a_date() {
        for (text, is_all) in [
            ("19900102", true),
            ("1990-01-02T00:00:00Z", true),
            ("19900102T000000+0100", true),
            ("19900102T231000Z", false),
        ] {
            assert_eq!(parse(text, None).unwrap().1, is_all, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for version in [VCardVersion::V3, VCardVersion::V4] {
            for (year, month, day) in [
                (1990, 1, 2),
                (1990, 1, 0),
                (1990, 0, 0),
                (0, 2, 29),
                (0, 2, 0),
                (5, 12, 31),
            ] {
                let date = Date { year, month, day };
                let (_, text) = text(date, version);
                assert_eq!(parse(&text, None), Some((date, true)), "{text}");
            }
        }
    }
}
