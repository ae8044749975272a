//! Birthdays and other dates.

use std::mem::discriminant;

use proto::contacts::v1::{Contact, Date, Event};

use super::list::entries;
use crate::json::{Json, Members};
use crate::limits;
use crate::vcard::date::{self, is_valid};
use crate::vcard::text::{cut, one_line};

/// The kind of a date that RFC 9553 has no kind for, and what it is called.
const EVENT: &str = "addressbook.dev:event";
const LABEL: &str = "addressbook.dev:label";

/// An entry of `anniversaries`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Day {
    Birth(Date),
    Death(Date),
    Other(Event),
}

/// The date that an entry says; `None` if it says none that exists in our calendar.
pub(super) fn read(entry: &Json) -> Option<Day> {
    let date = date_of(entry.get("date")?)?;
    let label = match entry.text_of("kind") {
        "birth" => return Some(Day::Birth(date)),
        "death" => return Some(Day::Death(date)),
        "wedding" => "anniversary",
        EVENT => entry.text_of(LABEL),
        kind => match entry.text_of("label") {
            "" => kind,
            label => label,
        },
    };
    let mut label = one_line(label);
    cut(&mut label, limits::LABEL);
    Some(Day::Other(Event {
        date: Some(date),
        label,
    }))
}

fn date_of(value: &Json) -> Option<Date> {
    if let Some(time) = value.get("utc") {
        let (date, _) = date::parse(time.text()?, None)?;
        return Some(date);
    }
    let calendar = value.text_of("calendarScale");
    if !calendar.is_empty() && !calendar.eq_ignore_ascii_case("gregorian") {
        return None;
    }
    let part = |name| match value.get(name) {
        Some(_) => i32::try_from(value.number_of(name)?).ok(),
        None => Some(0),
    };
    let date = Date {
        year: part("year")?,
        month: part("month")?,
        day: part("day")?,
    };
    let is_in_range = (0..=9999).contains(&date.year) && date.day >= 0;
    (is_in_range && is_valid(date)).then_some(date)
}

/// The entries for the dates of a contact.
pub(super) fn entries_of(contact: &Contact, kept: Members) -> Members {
    let birth = contact.birthday.map(Day::Birth);
    let death = contact.date_of_death.map(Day::Death);
    let events = contact.events.iter().cloned().map(Day::Other);
    let days: Vec<Day> = birth.into_iter().chain(death).chain(events).collect();
    let said: Vec<Day> = kept.iter().filter_map(|(_, entry)| read(entry)).collect();
    // A second birthday is in no field. It stays while the first one does.
    let is_second = |day: &Day| {
        let is_first =
            |first: &Day| discriminant(first) == discriminant(day) && days.contains(first);
        !matches!(day, Day::Other(_)) && !days.contains(day) && said.iter().any(is_first)
    };
    let read = |entry: &Json| read(entry).filter(|day| !is_second(day));
    entries(&days, kept, read, PartialEq::eq, write)
}

fn write(day: &Day) -> Json {
    let (kind, date, label) = match day {
        Day::Birth(date) => ("birth", Some(*date), ""),
        Day::Death(date) => ("death", Some(*date), ""),
        Day::Other(event) if event.label == "anniversary" => ("wedding", event.date, ""),
        Day::Other(event) => (EVENT, event.date, event.label.as_str()),
    };
    let mut entry = Json::object("kind", kind);
    entry.push_text(LABEL, label);
    let Date { year, month, day } = date.unwrap_or_default();
    let mut value = Json::default();
    for (name, number) in [("year", year), ("month", month), ("day", day)] {
        if number != 0 {
            value.push(name, number);
        }
    }
    entry.push("date", value);
    entry
}
