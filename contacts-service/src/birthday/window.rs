//! Birthdays and other days of every year within a window.

use std::collections::HashSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use proto::contacts::v1::LeapDayRule;

use crate::contact::date::month_day;
use crate::error::{Error, Result};

/// The maximum number of days between the first and the last one.
pub const DAYS_MAX: i32 = 366;
/// The default number of days.
pub const DAYS_DEFAULT: i32 = 7;

/// 29 February as stored.
const LEAP_DAY: i16 = 229;

/// The days from the first through the last one, both included.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The first day.
    pub first: NaiveDate,
    /// Days from the first to the last one.
    pub days: u32,
    /// How 29 February is treated in a common year.
    pub rule: LeapDayRule,
}

/// A range of birthdays whose rows and whose dates both follow each other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Every birthday from one month and day to another, on its own date.
    Span {
        /// Their year.
        year: i32,
        /// The first month and day.
        first: i16,
        /// The last month and day.
        last: i16,
    },
    /// A common year's day that also has the birthdays of 29 February.
    LeapDay {
        /// 28 February or 1 March.
        day: NaiveDate,
        /// The months and days of its birthdays. Both are 29 February if the day's own
        /// birthdays were listed a year earlier.
        birth_mds: [i16; 2],
    },
}

impl Segment {
    /// The date of a birthday in this segment, if it has one.
    #[must_use]
    pub fn day_of(self, birth_md: i16) -> Option<NaiveDate> {
        match self {
            Self::LeapDay { day, birth_mds } => birth_mds.contains(&birth_md).then_some(day),
            Self::Span { first, last, .. } if !(first..=last).contains(&birth_md) => None,
            Self::Span { year, .. } => {
                let md = u32::try_from(birth_md).ok()?;
                NaiveDate::from_ymd_opt(year, md / 100, md % 100)
            }
        }
    }

    /// The last day of the segment.
    #[must_use]
    pub fn last_day(self) -> Option<NaiveDate> {
        match self {
            Self::LeapDay { day, .. } => Some(day),
            Self::Span { last, .. } => self.day_of(last),
        }
    }
}

impl Window {
    /// Parses the number of days.
    pub fn parse_days(within_days: Option<i32>) -> Result<u32> {
        let days = within_days.unwrap_or(DAYS_DEFAULT);
        let checked = u32::try_from(days).ok().filter(|_| days <= DAYS_MAX);
        checked.ok_or_else(|| Error::invalid("FIELD_INVALID", "within_days", "is outside 0 to 366"))
    }

    /// The segments that contain each birthday of the window once, in order. Walks
    /// through the days and collects the birthdays of each, so no rules about months,
    /// years and leap days are needed.
    #[must_use]
    pub fn segments(self) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut seen = HashSet::new();
        for offset in 0..=self.days {
            let Some(day) = self.first.checked_add_days(Days::new(offset.into())) else {
                break;
            };
            let md = md_of(day);
            // False for a day that the window contains a second time, a year later.
            let first_time = seen.insert(md);
            if self.keeps_leap_birthdays(day) && seen.insert(LEAP_DAY) {
                let birth_mds = [if first_time { md } else { LEAP_DAY }, LEAP_DAY];
                segments.push(Segment::LeapDay { day, birth_mds });
                continue;
            }
            match segments.last_mut() {
                _ if !first_time => {}
                Some(Segment::Span { year, last, .. })
                    if *year == day.year() && follows(*last, md, day) =>
                {
                    *last = md;
                }
                _ => segments.push(Segment::Span {
                    year: day.year(),
                    first: md,
                    last: md,
                }),
            }
        }
        segments
    }

    /// Whether a common year's day has the birthdays of 29 February.
    fn keeps_leap_birthdays(self, day: NaiveDate) -> bool {
        let stand_in = match self.rule {
            LeapDayRule::Unspecified | LeapDayRule::Feb28 => 228,
            LeapDayRule::Mar1 => 301,
            LeapDayRule::LeapYearsOnly => return false,
        };
        !day.leap_year() && md_of(day) == stand_in
    }
}

/// Whether `md`, the month and day of `day`, continues a range that ends at `last`: no
/// stored birthday lies between them, neither one that was listed a year earlier nor a 29
/// February that the year lacks.
fn follows(last: i16, md: i16, day: NaiveDate) -> bool {
    day.pred_opt().map(md_of) == Some(last) && (last, md) != (228, 301)
}

/// The time zone with an IANA name, in the field `field`.
pub fn time_zone(field: &str, name: &str) -> Result<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).map_err(|_| unknown_zone(field))
}

fn unknown_zone(field: &str) -> Error {
    Error::invalid("TIME_ZONE_INVALID", field, "is not an IANA time zone")
}

/// Today in a time zone (IANA name; empty means UTC).
pub fn today(now: DateTime<Utc>, zone_name: &str) -> Result<NaiveDate> {
    if zone_name.is_empty() {
        return Ok(now.date_naive());
    }
    let unknown = || unknown_zone("time_zone");
    let zone = time_zone("time_zone", zone_name)?;
    let instant = jiff::Timestamp::from_second(now.timestamp()).map_err(|_| unknown())?;
    let date = zone.to_datetime(instant).date();
    let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
    NaiveDate::from_ymd_opt(date.year().into(), month.into(), day.into()).ok_or_else(unknown)
}

fn md_of(day: NaiveDate) -> i16 {
    month_day(day.month(), day.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [LeapDayRule; 3] = [
        LeapDayRule::Feb28,
        LeapDayRule::Mar1,
        LeapDayRule::LeapYearsOnly,
    ];

    /// The next date of a birthday from `first` on, computed year by year.
    fn next(birth_md: i16, first: NaiveDate, rule: LeapDayRule) -> NaiveDate {
        (0..9)
            .filter_map(|years| {
                let (year, md) = (first.year() + years, birth_md.unsigned_abs().into());
                let own: u32 = md;
                NaiveDate::from_ymd_opt(year, own / 100, own % 100).or(match rule {
                    LeapDayRule::Feb28 => NaiveDate::from_ymd_opt(year, 2, 28),
                    LeapDayRule::Mar1 => NaiveDate::from_ymd_opt(year, 3, 1),
                    _ => None,
                })
            })
            .find(|day| *day >= first)
            .unwrap()
    }

    fn every_birthday() -> impl Iterator<Item = i16> {
        let year = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().iter_days();
        year.take(366).map(md_of)
    }

    fn found(window: Window) -> Vec<(NaiveDate, i16)> {
        let mut found = Vec::new();
        for segment in window.segments() {
            for md in every_birthday() {
                let inside = match segment {
                    Segment::Span { first, last, .. } => (first..=last).contains(&md),
                    Segment::LeapDay { birth_mds, .. } => birth_mds.contains(&md),
                };
                // Every birthday that is read for a segment must have a date in it,
                // otherwise a page would be too short.
                if inside {
                    found.push((segment.day_of(md).unwrap(), md));
                }
            }
        }
        found
    }

    #[test]
    fn windows_agree_with_a_brute_force_oracle() {
        let mut checked = 0;
        for start in [(2023, 1, 2), (2024, 1, 1), (2099, 11, 1), (1999, 12, 1)] {
            let (year, month, day) = start;
            let start = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            for first in start.iter_days().take(430).step_by(3) {
                for days in [0, 1, 6, 7, 30, 58, 59, 60, 100, 299, 300, 364, 365, 366] {
                    for rule in RULES {
                        let last = first + Days::new(u64::from(days));
                        let mut expected: Vec<_> = every_birthday()
                            .map(|md| (next(md, first, rule), md))
                            .filter(|(day, _)| *day <= last)
                            .collect();
                        expected.sort_unstable();
                        let found = found(Window { first, days, rule });
                        assert!(found == expected, "{first} {days} {rule:?}");
                        checked += 1;
                    }
                }
            }
        }
        assert!(checked > 20_000, "{checked}");
    }

    #[test]
    fn today_is_the_day_in_the_given_zone() {
        let now = DateTime::parse_from_rfc3339("2026-12-31T23:30:00Z")
            .unwrap()
            .to_utc();
        assert_eq!(today(now, "").unwrap().to_string(), "2026-12-31");
        assert_eq!(today(now, "Europe/Kyiv").unwrap().to_string(), "2027-01-01");
        assert_eq!(
            today(now, "America/New_York").unwrap().to_string(),
            "2026-12-31"
        );
        assert_eq!(
            today(now, "Pacific/Kiritimati").unwrap().to_string(),
            "2027-01-01"
        );
    }

    #[test]
    fn a_time_zone_that_does_not_exist_is_refused() {
        for zone in [
            "Mars/Olympus",
            "+02:00",
            "EST5EDT4",
            "../../etc/passwd",
            "a\0b",
            " ",
        ] {
            assert!(today(DateTime::UNIX_EPOCH, zone).is_err(), "{zone}");
        }
    }

    #[test]
    fn days_outside_a_year_are_refused() {
        assert_eq!(Window::parse_days(None).unwrap(), 7);
        assert_eq!(Window::parse_days(Some(366)).unwrap(), 366);
        for days in [-1, 367, i32::MIN, i32::MAX] {
            assert!(Window::parse_days(Some(days)).is_err());
        }
    }
}
