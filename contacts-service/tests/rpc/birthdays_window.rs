//! `ListUpcomingBirthdays` against a brute force that walks from day to day.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate};
use contacts_service::contact::order::order_key;
use futures_util::{StreamExt, stream};
use proto::contacts::v1::{
    Contact, Date, LeapDayRule, ListUpcomingBirthdaysRequest, UpcomingBirthday,
};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{born, date};

const RULES: [LeapDayRule; 4] = [
    LeapDayRule::Unspecified,
    LeapDayRule::Feb28,
    LeapDayRule::Mar1,
    LeapDayRule::LeapYearsOnly,
];

/// 400 people: one for each day of a leap year, more on special days.
async fn everyone(owner: &Owner) -> Vec<Contact> {
    let mut random = fastrand::Rng::with_seed(366);
    let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    let mut days: Vec<(u32, u32)> = first.iter_days().take(366).map(md).collect();
    let special = [(2, 28), (2, 29), (3, 1), (12, 31), (1, 1), (6, 15)];
    days.extend((0..34).map(|n| special[n % special.len()]));
    random.shuffle(&mut days);
    let creations = days.into_iter().map(|(month, day)| {
        let year = *random.choice(&[0, 1904, 1996, 2000, 2020]).unwrap();
        let name = *random.choice(&["Ann", "ann", "Bea", "Änn", "Cy"]).unwrap();
        let (month, day) = (month.cast_signed(), day.cast_signed());
        let contact = born(name, date(year, month, day));
        async move { owner.has(contact).await }
    });
    let creations: Vec<_> = creations.collect();
    stream::iter(creations).buffered(8).collect().await
}

fn md(day: NaiveDate) -> (u32, u32) {
    (day.month(), day.day())
}

/// Whether a birthday falls on a day.
fn keeps(birthday: Date, day: NaiveDate, rule: LeapDayRule) -> bool {
    let own = (birthday.month.cast_unsigned(), birthday.day.cast_unsigned());
    let stand_in = match rule {
        LeapDayRule::Mar1 => (3, 1),
        LeapDayRule::LeapYearsOnly => (2, 29),
        _ => (2, 28),
    };
    md(day) == own || own == (2, 29) && !day.leap_year() && md(day) == stand_in
}

/// Id, date, days until then and age, as documented.
type Kept = (String, Date, i32, Option<i32>);

fn expected(contacts: &[Contact], first: NaiveDate, days: i32, rule: LeapDayRule) -> Vec<Kept> {
    let mut kept = Vec::new();
    let mut seen = HashSet::new();
    for days_until in 0..=days {
        let day = first + Days::new(days_until.unsigned_abs().into());
        let kept_now = |c: &&Contact| keeps(c.birthday.unwrap(), day, rule);
        let mut today: Vec<_> = contacts.iter().filter(kept_now).collect();
        today.sort_by_key(|c| (order_key(&[&c.display_name]), c.id.clone()));
        for contact in today {
            if seen.insert(contact.id.clone()) {
                let year = contact.birthday.unwrap().year;
                let age = Some(day.year() - year).filter(|age| year > 0 && *age >= 0);
                let (month, date_day) = (day.month().cast_signed(), day.day().cast_signed());
                let date = date(day.year(), month, date_day);
                kept.push((contact.id.clone(), date, days_until, age));
            }
        }
    }
    kept
}

fn as_kept(birthdays: Vec<UpcomingBirthday>) -> Vec<Kept> {
    let kept = |b: UpcomingBirthday| {
        let id = b.contact.unwrap().id;
        (id, b.date.unwrap(), b.days_until, b.turning_age)
    };
    birthdays.into_iter().map(kept).collect()
}

async fn agrees(
    owner: &Owner,
    contacts: &[Contact],
    (first, days, rule): (NaiveDate, i32, LeapDayRule),
    page_size: i32,
) {
    let (month, day) = (first.month().cast_signed(), first.day().cast_signed());
    let mut request = ListUpcomingBirthdaysRequest {
        within_days: Some(days),
        from_date: Some(date(first.year(), month, day)),
        page_size,
        ..ListUpcomingBirthdaysRequest::default()
    };
    request.set_leap_day_rule(rule);

    let found = as_kept(owner.birthdays_all(request).await);

    let expected = expected(contacts, first, days, rule);
    assert!(
        found == expected,
        "{first} + {days}, {rule:?}, pages of {page_size}"
    );
}

/// First days that matter: around the year's end and the leap day, and any.
fn first_day(random: &mut fastrand::Rng) -> NaiveDate {
    let year = *random
        .choice(&[1900, 1999, 2000, 2023, 2024, 2025, 2027, 2028, 2100])
        .unwrap();
    let around = *random.choice(&[(2, 26), (12, 29), (1, 1), (7, 1)]).unwrap();
    let day = NaiveDate::from_ymd_opt(year, around.0, around.1).unwrap();
    let ahead = if around.0 == 7 { 365 } else { 6 };
    day + Days::new(random.u64(0..ahead))
}

#[tokio::test]
async fn every_length_of_window_agrees_with_a_brute_force() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = everyone(&owner).await;
    let mut random = fastrand::Rng::with_seed(77);
    let windows = (0..=366).flat_map(|days| {
        let rule = RULES[random.usize(..RULES.len())];
        [
            (first_day(&mut random), days, rule),
            (first_day(&mut random), days, RULES[3]),
        ]
    });
    let windows: Vec<_> = windows.collect();

    let (owner, contacts) = (&owner, &contacts[..]);
    stream::iter(windows)
        .for_each_concurrent(4, |window| agrees(owner, contacts, window, 500))
        .await;
}

#[tokio::test]
async fn pages_of_every_size_agree_with_a_brute_force() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = everyone(&owner).await;
    let mut random = fastrand::Rng::with_seed(78);
    let lists = (0..60).map(|n| {
        let days = *random.choice(&[0, 1, 3, 8, 70, 365, 366]).unwrap();
        let size = random.i32(1..=9) * if days > 300 { 11 } else { 1 };
        ((first_day(&mut random), days, RULES[n % 4]), size)
    });
    let lists: Vec<_> = lists.collect();

    let (owner, contacts) = (&owner, &contacts[..]);
    stream::iter(lists)
        .for_each_concurrent(4, |(window, size)| agrees(owner, contacts, window, size))
        .await;
}

#[tokio::test]
async fn single_steps_over_the_leap_day_agree_with_a_brute_force() {
    let app = App::start().await;
    let owner = app.owner();
    let mut contacts = Vec::new();
    for (name, month, day) in [
        ("C", 2, 27),
        ("B", 2, 28),
        ("D", 2, 28),
        ("A", 2, 29),
        ("C", 2, 29),
        ("E", 2, 29),
        ("A", 3, 1),
        ("D", 3, 1),
        ("F", 3, 2),
        ("G", 11, 5),
    ] {
        contacts.push(owner.has(born(name, date(0, month, day))).await);
    }

    for year in [2023, 2024, 2025] {
        for (month, day) in [(1, 1), (2, 28), (3, 1), (3, 2)] {
            let first = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            for rule in RULES {
                for size in 1..=4 {
                    agrees(&owner, &contacts, (first, 366, rule), size).await;
                }
            }
        }
    }
}
