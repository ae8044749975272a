//! Dates as tables contain them.

use proto::contacts::v1::Date;

use crate::vcard::date;

/// What Outlook writes for no date.
const OUTLOOK_NONE: i32 = 4501;

/// What a cell for a date says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    /// A date, and whether it is all that the cell says.
    Date(Date, bool),
    Nothing,
    /// Day and month cannot be told apart.
    Ambiguous,
    Unknown,
}

/// Parses a date. With slashes, the day is first if `is_day_first`; otherwise the numbers
/// have to show it.
pub(super) fn parse(text: &str, is_day_first: bool) -> Found {
    let text = text.trim();
    if text
        .chars()
        .all(|c| matches!(c, '0' | '/' | '-' | '.' | ' '))
    {
        return Found::Nothing;
    }
    if let Some((date, is_all)) = date::parse(text, None) {
        return match date.year {
            OUTLOOK_NONE => Found::Nothing,
            _ => Found::Date(date, is_all),
        };
    }
    let (day, time) = text.split_once(' ').unwrap_or((text, ""));
    let is_midnight = matches!(time, "" | "0:00" | "00:00" | "0:00:00" | "00:00:00")
        || time.starts_with("12:00") && time.ends_with("AM");
    let parts: Vec<&str> = day.split(['/', '-']).collect();
    let [first, second, year] = parts.as_slice() else {
        return Found::Unknown;
    };
    let number = |text: &str| (text.len() <= 2).then(|| text.parse::<u8>().ok()).flatten();
    let (Some(first), Some(second), 4) = (number(first), number(second), year.len()) else {
        return Found::Unknown;
    };
    let (day, month) = match (first, second) {
        (13.., _) => (first, second),
        (_, 13..) => (second, first),
        _ if first == second || is_day_first => (first, second),
        _ => return Found::Ambiguous,
    };
    match date::parse(&format!("{year}-{month}-{day}"), None) {
        Some((date, _)) if date.year == OUTLOOK_NONE => Found::Nothing,
        Some((date, _)) => Found::Date(date, is_midnight),
        None => Found::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(year: i32, month: i32, day: i32) -> Found {
        Found::Date(Date { year, month, day }, true)
    }

    #[test]
    fn every_way_to_write_a_date_is_read() {
        for (cell, expected) in [
            ("1990-03-31", found(1990, 3, 31)),
            (" --03-31", found(0, 3, 31)),
            ("3/31/1990", found(1990, 3, 31)),
            ("31/3/1990", found(1990, 3, 31)),
            ("31-03-1990", found(1990, 3, 31)),
            ("31.03.1990", found(1990, 3, 31)),
            ("5/5/1990 12:00:00 AM", found(1990, 5, 5)),
            ("3/4/1990", Found::Ambiguous),
            ("31/31/1990", Found::Unknown),
            ("2/30/1990", Found::Unknown),
            ("3/31/90", Found::Unknown),
            ("in March", Found::Unknown),
            ("0/0/00", Found::Nothing),
            ("1/1/4501", Found::Nothing),
            ("01.01.4501", Found::Nothing),
            ("", Found::Nothing),
        ] {
            assert_eq!(parse(cell, false), expected, "{cell}");
        }
        assert_eq!(parse("3/4/1990", true), found(1990, 4, 3));
    }

    #[test]
    fn what_is_written_is_read() {
        for (year, month, day) in [
            (1990, 1, 2),
            (1990, 1, 0),
            (1990, 0, 0),
            (0, 2, 29),
            (0, 2, 0),
        ] {
            let written = date::date_text(Date { year, month, day });
            assert_eq!(parse(&written, false), found(year, month, day), "{written}");
        }
    }
}
