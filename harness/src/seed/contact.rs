//! One contact of the demo user: always the same for the same number and day.

use std::fmt::Write;

use any_ascii::any_ascii;
use chrono::{Datelike, Days, NaiveDate};
use fastrand::Rng;
use proto::contacts::v1::{
    Contact, Date, Email, Event, Organization, Phone, PostalAddress, Relation, Url,
};

use super::names::{CULTURES, Culture, Names};
use super::phones;

/// The seed of the random numbers; another one changes all contacts.
const SEED: u64 = 0x00ad_d2e5_5b00_0c01;

/// A birthday that is soon is within this many days, today included.
const SOON_DAYS: u64 = 7;

const COMPANIES: &[&str] = &[
    "Analytical Engines",
    "Blue Heron Books",
    "Café Zenit",
    "Corner Bakery",
    "Fjord & Fell",
    "Globex",
    "Harbour Clinic",
    "Initech",
    "Kite Aerospace",
    "Lantern Films",
    "Meridian Bank",
    "Northwind Traders",
    "Orchid Hotels",
    "Saffron Kitchen",
    "Tidewater School",
    "Umbra Labs",
];
const DEPARTMENTS: &[&str] = &[
    "",
    "Research",
    "Sales",
    "Front desk",
    "Design",
    "Finance",
    "IT",
];
const TITLES: &[&str] = &[
    "Engineer",
    "Baker",
    "Nurse",
    "Teacher",
    "Director",
    "Accountant",
    "Designer",
    "Librarian",
    "Chef",
    "Pilot",
    "Physician",
    "Translator",
];
const LABELS: &[&str] = &[
    "family",
    "friends",
    "work",
    "choir",
    "climbing",
    "neighbours",
    "school",
];
const NOTES: &[&str] = &[
    "Met at the harbour festival.",
    "Prefers messages to calls.",
    "Allergic to nuts.\nBrings their own dessert.",
    "Lent me the blue bicycle; give it back!",
    "Speaks four languages and plays the cello.",
    "Away every August.",
    "Knows a good dentist 🦷",
];
const NICKNAMES: &[&str] = &[
    "Ace", "Bee", "Doc", "Flea", "Kiki", "Momo", "Sunny", "Ziggy",
];

/// Makes contact number `number` as of `today`.
#[must_use]
pub fn contact(number: u32, today: NaiveDate) -> Contact {
    // The golden ratio spreads neighbours over all seeds.
    let spread = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let rng = &mut Rng::with_seed(SEED ^ spread);
    let uid = format!("urn:uuid:5eed0000-0000-4000-8000-{number:012x}");
    let culture = any(rng, CULTURES);
    if chance(rng, 6) {
        return Contact {
            uid,
            ..business(rng, culture)
        };
    }
    let mut contact = person(rng, culture, number);
    contact.uid = uid;
    contact.birthday = birthday(rng, today);
    contact
}

fn person(rng: &mut Rng, culture: &Culture, number: u32) -> Contact {
    let names = any(rng, culture.people);
    let (given, phonetic_given_name) = spoken(word(rng, names.given));
    let (family, phonetic_family_name) = spoken(word(rng, names.family));
    let ascii = mailbox(&given, &family, number);
    let mut contact = Contact {
        phonetic_given_name,
        phonetic_family_name,
        starred: chance(rng, 8),
        emails: emails(rng, &ascii),
        phones: phone_numbers(rng, culture),
        given_name: given,
        family_name: family.clone(),
        ..Contact::default()
    };
    if chance(rng, 10) {
        contact.nickname = any(rng, NICKNAMES).to_string();
    }
    if chance(rng, 5) {
        contact.name_prefix.push_str("Dr.");
    }
    if chance(rng, 8) {
        contact.middle_name = spoken(word(rng, names.given)).0;
    }
    if chance(rng, 45) {
        contact.organizations.push(Organization {
            name: any(rng, COMPANIES).to_string(),
            department: any(rng, DEPARTMENTS).to_string(),
            title: any(rng, TITLES).to_string(),
        });
    }
    if chance(rng, 55) {
        contact.addresses.push(address(rng, culture, "home"));
    }
    if chance(rng, 10) {
        contact.urls.push(Url {
            url: format!("https://{ascii}.example.org/"),
            label: "blog".to_owned(),
        });
    }
    if chance(rng, 6) {
        contact.relations.push(relation(rng, names, &family));
    }
    if chance(rng, 5) {
        contact.events.push(Event {
            date: Some(date(rng.i32(1990..=2024), any_day(rng))),
            label: "anniversary".to_owned(),
        });
    }
    if chance(rng, 30) {
        contact.notes = any(rng, NOTES).to_string();
    }
    for _ in 0..rng.u8(0..=2) {
        let label = any(rng, LABELS).to_string();
        if !contact.labels.contains(&label) {
            contact.labels.push(label);
        }
    }
    if chance(rng, 2) {
        contact.date_of_death = Some(date(2025, any_day(rng)));
    }
    contact
}

fn business(rng: &mut Rng, culture: &Culture) -> Contact {
    let name = any(rng, COMPANIES).to_string();
    let (city, _) = any(rng, culture.cities);
    let host = mailbox(&name, city, 0);
    Contact {
        organizations: vec![Organization {
            name: format!("{name} {city}"),
            ..Organization::default()
        }],
        emails: vec![Email {
            address: format!("info@{host}.example.org"),
            label: "work".to_owned(),
            primary: true,
        }],
        phones: phone_numbers(rng, culture),
        addresses: vec![address(rng, culture, "work")],
        labels: vec!["shops".to_owned()],
        ..Contact::default()
    }
}

/// About 3 in 100 have a birthday soon, 35 at any time, 4 on 29 February; a
/// quarter of them without the year.
fn birthday(rng: &mut Rng, today: NaiveDate) -> Option<Date> {
    let year = rng.i32(1935..=2015);
    let year = if chance(rng, 25) { 0 } else { year };
    match rng.u8(0..100) {
        0..3 => {
            let soon = today.checked_add_days(Days::new(rng.u64(0..=SOON_DAYS)))?;
            Some(date(year, (soon.month(), soon.day())))
        }
        3..38 => Some(date(year, any_day(rng))),
        38..42 => Some(date(year - year % 4, (2, 29))),
        _ => None,
    }
}

/// A random day; 29 February is chosen elsewhere, with a leap year.
fn any_day(rng: &mut Rng) -> (u32, u32) {
    (rng.u32(1..=12), rng.u32(1..=28))
}

fn date(year: i32, (month, day): (u32, u32)) -> Date {
    // All values are small.
    let small = |number: u32| i32::try_from(number).unwrap_or_default();
    // A leap day needs a leap year, and the soon-to-be birthday may be one.
    let is_leap_day = (month, day) == (2, 29);
    Date {
        year: if is_leap_day { year - year % 4 } else { year },
        month: small(month),
        day: small(day),
    }
}

fn emails(rng: &mut Rng, mailbox: &str) -> Vec<Email> {
    let mut emails = Vec::new();
    if chance(rng, 85) {
        emails.push(Email {
            address: format!("{mailbox}@example.com"),
            label: "home".to_owned(),
            primary: true,
        });
    }
    if chance(rng, 25) {
        emails.push(Email {
            address: format!("{mailbox}@example.org"),
            label: "work".to_owned(),
            primary: false,
        });
    }
    emails
}

fn phone_numbers(rng: &mut Rng, culture: &Culture) -> Vec<Phone> {
    let labels = ["mobile", "home", "work"];
    let count = usize::from(rng.u8(0..=2));
    labels
        .into_iter()
        .take(count)
        .map(|label| Phone {
            number: phones::fictional(rng, culture.country_code),
            label: label.to_owned(),
            primary: label == "mobile",
            ..Phone::default()
        })
        .collect()
}

fn address(rng: &mut Rng, culture: &Culture, label: &str) -> PostalAddress {
    let (city, postal_code) = any(rng, culture.cities);
    PostalAddress {
        label: label.to_owned(),
        street: format!("{} {}", word(rng, culture.streets), rng.u8(1..=140)),
        city: (*city).to_owned(),
        postal_code: (*postal_code).to_owned(),
        country: culture.country.to_owned(),
        country_code: culture.country_code.to_owned(),
        ..PostalAddress::default()
    }
}

fn relation(rng: &mut Rng, names: &Names, family: &str) -> Relation {
    let (given, _) = spoken(word(rng, names.given));
    Relation {
        name: format!("{given} {family}"),
        label: any(rng, &["spouse", "child", "parent", "friend"]).to_string(),
    }
}

/// `健|けん` -> written and spoken form; the latter may be missing.
fn spoken(name: &str) -> (String, String) {
    let (written, spoken) = name.split_once('|').unwrap_or((name, ""));
    (written.to_owned(), spoken.to_owned())
}

/// Latin letters and digits from two names in any script.
fn mailbox(first: &str, last: &str, number: u32) -> String {
    let plain = |name: &str| -> String {
        let ascii = any_ascii(name).to_lowercase();
        ascii.chars().filter(char::is_ascii_alphanumeric).collect()
    };
    let mut mailbox = format!("{}.{}", plain(first), plain(last));
    if number > 0 {
        // Writing to a string cannot fail.
        let _ = write!(mailbox, "{number}");
    }
    mailbox
}

fn chance(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(0..100) < percent
}

fn word<'a>(rng: &mut Rng, list: &'a str) -> &'a str {
    let words: Vec<&str> = list.split(", ").collect();
    words[rng.usize(0..words.len())]
}

/// A random entry of a table, which must not be empty.
fn any<'a, T>(rng: &mut Rng, table: &'a [T]) -> &'a T {
    &table[rng.usize(0..table.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, 28).unwrap()
    }

    fn book() -> Vec<Contact> {
        (0..1000).map(|number| contact(number, today())).collect()
    }

    #[test]
    fn the_same_number_and_day_make_the_same_contact() {
        assert_eq!(book(), book());
    }

    #[test]
    fn about_three_in_a_hundred_have_a_birthday_soon() {
        let is_soon = |contact: &&Contact| {
            contact.birthday.as_ref().is_some_and(|birthday| {
                let day = (birthday.month.cast_unsigned(), birthday.day.cast_unsigned());
                (0..=SOON_DAYS)
                    .filter_map(|days| today().checked_add_days(Days::new(days)))
                    .any(|date| (date.month(), date.day()) == day)
            })
        };

        let soon = book().iter().filter(is_soon).count();

        assert!((15..=60).contains(&soon), "{soon}");
    }

    #[test]
    fn every_date_exists() {
        for contact in book() {
            let Some(date) = contact.birthday else {
                continue;
            };
            // Without a year any leap year will do.
            let year = if date.year == 0 { 2000 } else { date.year };
            let day = (date.month.cast_unsigned(), date.day.cast_unsigned());
            assert!(
                NaiveDate::from_ymd_opt(year, day.0, day.1).is_some(),
                "{date:?}"
            );
        }
    }

    #[test]
    fn leap_days_and_unknown_years_occur() {
        let birthdays: Vec<_> = book().into_iter().filter_map(|c| c.birthday).collect();

        assert!(
            birthdays
                .iter()
                .any(|date| (date.month, date.day) == (2, 29))
        );
        assert!(birthdays.iter().any(|date| date.year == 0));
    }

    #[test]
    fn mailboxes_are_ascii_and_in_reserved_domains() {
        for contact in book() {
            for email in contact.emails {
                let (local, domain) = email.address.split_once('@').unwrap();
                assert!(email.address.is_ascii(), "{}", email.address);
                assert!(!local.split('.').any(str::is_empty), "{}", email.address);
                assert!(
                    ["example.com", "example.org"]
                        .iter()
                        .any(|own| domain.ends_with(own)),
                    "{domain}"
                );
            }
        }
    }

    #[test]
    fn the_book_has_many_scripts() {
        let text: String = book().into_iter().map(|c| c.family_name).collect();

        for letter in ['ü', 'ł', 'ё', 'δ', '佐', '王', '김', 'ح', 'כ', 'श'] {
            assert!(text.contains(letter), "{letter}");
        }
    }
}
