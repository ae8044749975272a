//! Birthdays and other dates.

use proto::contacts::v1::{Date, Event};

use super::{Build, Taken};
use crate::limits::ITEMS;
use crate::vcard::date;
use crate::vcard::property::Property;
use crate::vcard::text::{one_line, unescape};

/// The parameter that names a year that means none.
const OMITTED: &str = "X-APPLE-OMIT-YEAR";

/// Properties that some programs write without a date, or with zeros for one.
const DATES: [&str; 4] = ["BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-ABDATE"];

impl Build {
    pub(super) fn take_date(&mut self, property: &Property) -> Option<Taken> {
        let is_date = DATES.contains(&property.name.as_str());
        if is_date && property.value.chars().all(|c| matches!(c, '0' | '-' | ' ')) {
            return Some(Taken::Whole);
        }
        let taken = match property.name.as_str() {
            "BDAY" => {
                let (date, taken) = self.date(property)?;
                set(&mut self.contact.birthday, date, taken)
            }
            "DEATHDATE" | "X-DEATHDATE" => {
                let (date, taken) = self.date(property)?;
                set(&mut self.contact.date_of_death, date, taken)
            }
            "ANNIVERSARY" => {
                let (date, taken) = self.date(property)?;
                self.event(date, "anniversary".into(), taken)
            }
            // Programs write them beside X-ABDATE.
            "X-ANNIVERSARY"
            | "X-EVOLUTION-ANNIVERSARY"
            | "X-KADDRESSBOOK-X-ANNIVERSARY"
            | "X-MS-ANNIVERSARY"
            | "X-WAB-WEDDING_ANNIVERSARY" => {
                let (date, taken) = self.date(property)?;
                let label = "anniversary".to_owned();
                let event = Event {
                    date: Some(date),
                    label,
                };
                if self.contact.events.contains(&event) {
                    taken
                } else {
                    self.event(date, event.label, taken)
                }
            }
            "X-ABDATE" => {
                let (date, taken) = self.date(property)?;
                let (label, is_whole) = self.label(property);
                self.event(date, label, if is_whole { taken } else { Taken::Part })
            }
            _ => return None,
        };
        Some(taken)
    }

    /// The date of a property, and whether it is all that the property says; `None`, with a
    /// warning, if it is not a date that exists.
    fn date(&mut self, property: &Property) -> Option<(Date, Taken)> {
        let text = one_line(&unescape(&property.value));
        let omitted = property
            .parameter(OMITTED)
            .and_then(|year| year.parse().ok());
        if let Some((date, is_all)) = date::parse(&text, omitted) {
            let is_whole =
                is_all && !property.is_value("text") && !property.has_others_than(&[OMITTED]);
            return Some((date, Taken::whole_if(is_whole)));
        }
        if !text.is_empty() {
            self.warn(
                property,
                "is not a date of the calendar; kept as a raw property",
            );
        }
        None
    }

    pub(super) fn event(&mut self, date: Date, label: String, taken: Taken) -> Taken {
        if self.contact.events.len() >= ITEMS {
            return Taken::Not;
        }
        self.contact.events.push(Event {
            date: Some(date),
            label,
        });
        taken
    }
}

fn set(field: &mut Option<Date>, date: Date, taken: Taken) -> Taken {
    if field.is_some() {
        return Taken::Not;
    }
    *field = Some(date);
    taken
}
