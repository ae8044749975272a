//! A typical contact: a name, an e-mail, a phone, a birthday and a note. Every address
//! book can store it, so others can be measured with the same data.

use chrono::NaiveDate;
use proto::contacts::v1::{Contact, Date, Email, Phone};

use super::contact;

/// The phone of the contact with this number, unique within a book.
#[must_use]
pub fn plain_phone(number: u32) -> String {
    // A different one for each number, without digits common to all.
    format!("+49 30 {:07}", u64::from(number) * 7_654_321 % 10_000_000)
}

/// The contact with this number, the same on every day.
#[must_use]
pub fn plain(number: u32, today: NaiveDate) -> Contact {
    let full = contact(number, today);
    let name = |name: String, instead: &str| {
        if name.is_empty() {
            instead.into()
        } else {
            name
        }
    };
    let spread = |choices: u32| i32::try_from(number.wrapping_mul(7_919) % choices).unwrap_or(0);
    Contact {
        given_name: name(full.given_name, "Robin"),
        family_name: name(full.family_name, "Example"),
        emails: vec![Email {
            address: format!("person-{number}@example.com"),
            label: String::new(),
            primary: false,
        }],
        phones: vec![Phone {
            number: plain_phone(number),
            ..Phone::default()
        }],
        birthday: Some(Date {
            year: 1940 + spread(70),
            month: 1 + spread(12),
            day: 1 + spread(28),
        }),
        notes: "Met at the harbour festival.".to_owned(),
        ..Contact::default()
    }
}
