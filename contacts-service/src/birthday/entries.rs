//! What one contact has on one day.

use chrono::{Datelike, NaiveDate};
use proto::contacts::v1::{Date, UpcomingKind};

use crate::contact::date::{is_anniversary, month_day_of};
use crate::contact::stored::Dates;
use crate::store::birthdays::Kinds;

/// The place of an entry among those of a contact and a day: its kind, its label, and its
/// number among the contact's events.
pub(super) type Place = (i32, String, usize);

/// A birthday or another event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) place: Place,
    /// What it is.
    pub kind: UpcomingKind,
    /// The years since its own date, if it has a year and is past it.
    pub years: Option<i32>,
    /// Whether the person reaches an age with it.
    pub has_age: bool,
}

impl Entry {
    /// The label of the event.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.place.1
    }
}

/// The entries of these kinds on a day, sorted by place; `is_now` is true for the
/// months and days that are celebrated on it.
pub(super) fn entries(
    dates: Dates,
    kinds: Kinds,
    day: NaiveDate,
    is_now: impl Fn(i16) -> bool,
) -> Vec<Entry> {
    let falls = |date: &Date| month_day_of(*date).is_some_and(&is_now);
    let years = |date: Date| {
        let years = (date.year > 0).then(|| day.year() - date.year);
        years.filter(|years| *years >= 0)
    };
    let mut entries = Vec::new();
    let is_dead = dates.date_of_death.is_some();
    let wants_birthday = kinds.birthdays && (!is_dead || kinds.deceased);
    if let Some(date) = dates.birthday.filter(falls).filter(|_| wants_birthday) {
        entries.push(Entry {
            place: (UpcomingKind::Birthday.into(), String::new(), 0),
            kind: UpcomingKind::Birthday,
            years: years(date),
            has_age: !is_dead,
        });
    }
    for (number, event) in dates.events.into_iter().enumerate() {
        let (kind, is_wanted) = if is_anniversary(&event) {
            (UpcomingKind::Anniversary, kinds.anniversaries)
        } else {
            (UpcomingKind::Event, kinds.events)
        };
        if let Some(date) = event.date.filter(falls).filter(|_| is_wanted) {
            entries.push(Entry {
                place: (kind.into(), event.label, number),
                kind,
                years: years(date),
                has_age: false,
            });
        }
    }
    entries.sort_by(|one, other| one.place.cmp(&other.place));
    entries
}
