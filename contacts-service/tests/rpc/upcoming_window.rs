//! `ListUpcomingBirthdays` of every kind against a brute force that walks from day to day.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate};
use contacts_service::contact::order::order_key;
use fastrand::Rng;
use futures_util::{StreamExt, stream};
use proto::contacts::v1::{Contact, Date, LeapDayRule, ListUpcomingBirthdaysRequest, UpcomingKind};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{date, named};
use crate::upcoming::event;

const KINDS: [UpcomingKind; 3] = [
    UpcomingKind::Birthday,
    UpcomingKind::Anniversary,
    UpcomingKind::Event,
];

/// Days that matter: around the leap day and the year's end, and some others.
const DAYS: [(i32, i32); 11] = [
    (2, 27),
    (2, 28),
    (2, 29),
    (3, 1),
    (3, 2),
    (6, 15),
    (12, 30),
    (12, 31),
    (1, 1),
    (1, 2),
    (7, 4),
];

/// A date, of which parts may be unknown.
fn any_date(random: &mut Rng) -> Date {
    let year = *random.choice(&[0, 1904, 1996, 2000, 2020, 2028]).unwrap();
    let (month, day) = *random.choice(&DAYS).unwrap();
    match random.u8(0..10) {
        0 => date(year, month, 0),
        1 => date(year.max(1), 0, 0),
        _ => date(year, month, day),
    }
}

async fn everyone(owner: &Owner, random: &mut Rng) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for _ in 0..120 {
        let name = *random.choice(&["Ann", "ann", "Bea", "Änn", "Cy"]).unwrap();
        let mut events = Vec::new();
        for _ in 0..random.usize(0..5) {
            let labels = ["anniversary", "ANNIVERSARY", "x", "y", ""];
            events.push(event(random.choice(&labels).unwrap(), any_date(random)));
        }
        let contact = Contact {
            events,
            birthday: random.bool().then(|| any_date(random)),
            date_of_death: (random.u8(0..5) == 0).then(|| any_date(random)),
            ..named(name, "")
        };
        contacts.push(owner.has(contact).await);
    }
    contacts
}

/// Whether a date is celebrated on a day.
fn falls(own: Date, day: NaiveDate, rule: LeapDayRule) -> bool {
    let md = (day.month().cast_signed(), day.day().cast_signed());
    let stand_in = match rule {
        LeapDayRule::Mar1 => (3, 1),
        LeapDayRule::LeapYearsOnly => (2, 29),
        _ => (2, 28),
    };
    let own = (own.month, own.day);
    md == own || own == (2, 29) && !day.leap_year() && md == stand_in
}

/// Id, days until then, kind, label, years and age, as documented.
type Kept = (String, i32, i32, String, Option<i32>, Option<i32>);

struct Asked {
    first: NaiveDate,
    days: i32,
    rule: LeapDayRule,
    kinds: Vec<UpcomingKind>,
    include_deceased: bool,
}

/// Kind, label, number and date of what a contact has of these kinds.
fn all_of(contact: &Contact, asked: &Asked) -> Vec<(i32, String, usize, Date)> {
    let wants = |kind| asked.kinds.contains(&kind);
    let mut all = Vec::new();
    let is_alive = contact.date_of_death.is_none();
    if let Some(birthday) = contact.birthday
        && wants(UpcomingKind::Birthday)
        && (is_alive || asked.include_deceased)
    {
        all.push((UpcomingKind::Birthday.into(), String::new(), 0, birthday));
    }
    for (number, event) in contact.events.iter().enumerate() {
        let kind = match event.label.to_lowercase().as_str() {
            "anniversary" => UpcomingKind::Anniversary,
            _ => UpcomingKind::Event,
        };
        if wants(kind) {
            all.push((
                kind.into(),
                event.label.clone(),
                number,
                event.date.unwrap(),
            ));
        }
    }
    all.sort_by_key(|(kind, label, number, _)| (*kind, label.clone(), *number));
    all
}

fn expected(contacts: &[Contact], asked: &Asked) -> Vec<Kept> {
    let mut sorted: Vec<&Contact> = contacts.iter().collect();
    sorted.sort_by_key(|c| (order_key(&[&c.display_name]), c.id.clone()));
    let (mut kept, mut seen) = (Vec::new(), HashSet::new());
    for days_until in 0..=asked.days {
        let day = asked.first + Days::new(days_until.unsigned_abs().into());
        for contact in &sorted {
            for (kind, label, number, own) in all_of(contact, asked) {
                let is_new = |seen: &mut HashSet<_>| seen.insert((&contact.id, kind, number));
                if falls(own, day, asked.rule) && is_new(&mut seen) {
                    let years = Some(day.year() - own.year);
                    let years = years.filter(|years| own.year > 0 && *years >= 0);
                    let has_age = kind == 1 && contact.date_of_death.is_none();
                    let age = years.filter(|_| has_age);
                    kept.push((contact.id.clone(), days_until, kind, label, years, age));
                }
            }
        }
    }
    kept
}

async fn agrees(owner: &Owner, contacts: &[Contact], asked: Asked, page_size: i32) {
    let first = asked.first;
    let (month, day) = (first.month().cast_signed(), first.day().cast_signed());
    let mut request = ListUpcomingBirthdaysRequest {
        within_days: Some(asked.days),
        from_date: Some(date(first.year(), month, day)),
        page_size,
        kinds: asked.kinds.iter().map(|kind| (*kind).into()).collect(),
        include_deceased: asked.include_deceased,
        ..ListUpcomingBirthdaysRequest::default()
    };
    request.set_leap_day_rule(asked.rule);

    let found = owner.birthdays_all(request.clone()).await.into_iter();

    let found = found.map(|one| {
        let id = one.contact.unwrap().id;
        (
            id,
            one.days_until,
            one.kind,
            one.label,
            one.years,
            one.turning_age,
        )
    });
    let found: Vec<Kept> = found.collect();
    let expected = expected(contacts, &asked);
    assert!(found == expected, "{request:?}\n{found:#?}\n{expected:#?}");
}

fn any_window(random: &mut Rng) -> (Asked, i32) {
    let years = [1900, 1999, 2000, 2023, 2024, 2025, 2027, 2100];
    let year = *random.choice(&years).unwrap();
    let (month, day) = *random
        .choice(&[(2, 25), (12, 28), (1, 1), (6, 13)])
        .unwrap();
    let first = NaiveDate::from_ymd_opt(year, month, day).unwrap();
    let rules = [
        LeapDayRule::Unspecified,
        LeapDayRule::Feb28,
        LeapDayRule::Mar1,
        LeapDayRule::LeapYearsOnly,
    ];
    let mut kinds = KINDS.to_vec();
    random.shuffle(&mut kinds);
    kinds.truncate(random.usize(1..=3));
    let asked = Asked {
        first: first + Days::new(random.u64(0..7)),
        days: *random
            .choice(&[0, 1, 2, 8, 70, 300, 364, 365, 366])
            .unwrap(),
        rule: *random.choice(&rules).unwrap(),
        kinds,
        include_deceased: random.bool(),
    };
    let size = *random.choice(&[1, 2, 3, 7, 20, 500]).unwrap();
    let size = if asked.days > 300 { size.max(5) } else { size };
    (asked, size)
}

#[tokio::test]
async fn lists_of_every_kind_agree_with_a_brute_force() {
    let app = App::start().await;
    let owner = app.owner();
    let mut random = Rng::with_seed(2029);
    let contacts = everyone(&owner, &mut random).await;
    let windows: Vec<_> = (0..300).map(|_| any_window(&mut random)).collect();

    let (owner, contacts) = (&owner, &contacts[..]);
    stream::iter(windows)
        .for_each_concurrent(4, |(asked, size)| agrees(owner, contacts, asked, size))
        .await;
}
