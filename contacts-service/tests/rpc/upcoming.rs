//! `ListUpcomingBirthdays` with other kinds, and people who died.

use proto::contacts::v1::{
    Contact, Date, Event, ListUpcomingBirthdaysRequest, UpcomingBirthday, UpcomingKind,
};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{born, date, named};

pub fn event(label: &str, date: Date) -> Event {
    Event {
        label: label.into(),
        date: Some(date),
    }
}

fn with_events(name: &str, events: Vec<Event>) -> Contact {
    Contact {
        events,
        ..named(name, "")
    }
}

/// The week from 1 May 2026 on.
fn asking(kinds: &[UpcomingKind]) -> ListUpcomingBirthdaysRequest {
    ListUpcomingBirthdaysRequest {
        from_date: Some(date(2026, 5, 1)),
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        ..ListUpcomingBirthdaysRequest::default()
    }
}

const ALL: [UpcomingKind; 3] = [
    UpcomingKind::Birthday,
    UpcomingKind::Anniversary,
    UpcomingKind::Event,
];

fn shown(found: &[UpcomingBirthday]) -> Vec<String> {
    let show = |one: &UpcomingBirthday| {
        let name = &one.contact.as_ref().unwrap().given_name;
        format!("{} {name} {:?} {}", one.days_until, one.kind(), one.label)
    };
    found.iter().map(show).collect()
}

async fn listed(owner: &Owner, kinds: &[UpcomingKind]) -> Vec<String> {
    shown(&owner.birthdays_all(asking(kinds)).await)
}

#[tokio::test]
async fn each_kind_is_listed_where_it_is_asked_for() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            born("Ada", date(1990, 5, 3)),
            with_events(
                "Bob",
                vec![
                    event("anniversary", date(2010, 5, 2)),
                    event("first kiss", date(2009, 5, 4)),
                ],
            ),
            with_events("Cyd", vec![event("", date(0, 5, 1))]),
            named("Dan", ""),
        ])
        .await;

    let birthday = "2 Ada Birthday ";
    let anniversary = "1 Bob Anniversary anniversary";
    let (kiss, unnamed) = ("3 Bob Event first kiss", "0 Cyd Event ");
    for (kinds, expected) in [
        (&[][..], &[birthday][..]),
        (&[UpcomingKind::Birthday], &[birthday]),
        (&[UpcomingKind::Anniversary], &[anniversary]),
        (&[UpcomingKind::Event], &[unnamed, kiss]),
        (
            &[UpcomingKind::Event, UpcomingKind::Birthday],
            &[unnamed, birthday, kiss],
        ),
        (&ALL, &[unnamed, anniversary, birthday, kiss]),
    ] {
        assert_eq!(listed(&owner, kinds).await, expected, "{kinds:?}");
    }
}

#[tokio::test]
async fn an_event_is_an_anniversary_by_its_label_whatever_the_case() {
    let app = App::start().await;
    let owner = app.owner();
    for (label, kind) in [
        ("anniversary", UpcomingKind::Anniversary),
        ("Anniversary", UpcomingKind::Anniversary),
        ("ANNIVERSARY", UpcomingKind::Anniversary),
        (" anniversary ", UpcomingKind::Anniversary),
        ("ａｎｎｉｖｅｒｓａｒｙ", UpcomingKind::Anniversary),
        ("anni\u{ad}versary", UpcomingKind::Anniversary),
        ("anniversaries", UpcomingKind::Event),
        ("wedding", UpcomingKind::Event),
        ("wedding anniversary", UpcomingKind::Event),
        ("Jahrestag", UpcomingKind::Event),
        ("記念日", UpcomingKind::Event),
        ("birthday", UpcomingKind::Event),
        ("", UpcomingKind::Event),
    ] {
        let contact = with_events("A", vec![event(label, date(2000, 5, 1))]);
        let stored = owner.has(contact).await;
        let found = owner.birthdays_all(asking(&ALL)).await;
        assert_eq!((found.len(), found[0].kind()), (1, kind), "{label}");
        assert_eq!(found[0].label, stored.events[0].label);
        owner.delete(&stored.id).await.unwrap();
    }
}

#[tokio::test]
async fn years_are_told_for_each_and_an_age_for_birthdays_only() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            Contact {
                events: vec![
                    event("anniversary", date(2001, 5, 1)),
                    event("born", date(0, 5, 1)),
                    event("future", date(2030, 5, 1)),
                    event("now", date(2026, 5, 1)),
                ],
                ..born("A", date(1990, 5, 1))
            },
            Contact {
                date_of_death: Some(date(2020, 0, 0)),
                ..born("B", date(1950, 5, 1))
            },
        ])
        .await;
    let mut request = asking(&ALL);
    request.include_deceased = true;

    let found = owner.birthdays_all(request).await;

    let years: Vec<_> = found
        .iter()
        .map(|one| (one.years, one.turning_age))
        .collect();
    assert_eq!(
        years,
        [
            (Some(36), Some(36)),
            (Some(25), None),
            (None, None),
            (None, None),
            (Some(0), None),
            (Some(76), None),
        ]
    );
    assert!(found.iter().all(|one| one.date == Some(date(2026, 5, 1))));
}

#[tokio::test]
async fn what_a_contact_has_on_one_day_is_in_order_on_pages_of_every_size() {
    let app = App::start().await;
    let owner = app.owner();
    let events = |label: &str| {
        vec![
            event(label, date(2003, 5, 2)),
            event("b", date(2001, 5, 2)),
            event("anniversary", date(2000, 5, 2)),
            event("b", date(2002, 5, 2)),
            event("a", date(0, 5, 3)),
        ]
    };
    let both = [("Zoe", "c"), ("Ann", "a")];
    for (name, label) in both {
        owner
            .has(Contact {
                events: events(label),
                ..born(name, date(1990, 5, 2))
            })
            .await;
    }

    let whole = owner.birthdays_all(asking(&ALL)).await;

    let expected = [
        "1 Ann Birthday ",
        "1 Ann Anniversary anniversary",
        "1 Ann Event a",
        "1 Ann Event b",
        "1 Ann Event b",
        "1 Zoe Birthday ",
        "1 Zoe Anniversary anniversary",
        "1 Zoe Event b",
        "1 Zoe Event b",
        "1 Zoe Event c",
        "2 Ann Event a",
        "2 Zoe Event a",
    ];
    assert_eq!(shown(&whole), expected);
    assert_eq!(whole[3].years, Some(25));
    for page_size in 1..=13 {
        let mut request = asking(&ALL);
        request.page_size = page_size;
        assert_eq!(owner.birthdays_all(request).await, whole, "{page_size}");
    }
}

#[tokio::test]
async fn a_date_of_death_ends_birthdays_but_no_other_events() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has(Contact {
            events: vec![event("anniversary", date(1970, 5, 2))],
            ..born("Ada", date(1940, 5, 1))
        })
        .await;
    let died = |date: Option<Date>| Contact {
        id: stored.id.clone(),
        date_of_death: date,
        ..Contact::default()
    };
    let birthday = "0 Ada Birthday ";
    let anniversary = "1 Ada Anniversary anniversary";

    for day in [
        date(2020, 3, 4),
        date(2020, 3, 0),
        date(2020, 0, 0),
        date(0, 3, 4),
        date(0, 3, 0),
        date(2040, 1, 1),
    ] {
        owner.update(died(Some(day)), &[]).await.unwrap();
        assert_eq!(listed(&owner, &[]).await, [""; 0]);
        assert_eq!(listed(&owner, &ALL).await, [anniversary]);
        let mut request = asking(&ALL);
        request.include_deceased = true;
        let found = owner.birthdays_all(request).await;
        assert_eq!(shown(&found), [birthday, anniversary]);
        assert_eq!((found[0].turning_age, found[0].years), (None, Some(86)));
        owner.update(died(None), &["date_of_death"]).await.unwrap();
        assert_eq!(listed(&owner, &ALL).await, [birthday, anniversary]);
    }
    let batch = owner.batch_update([died(Some(date(2020, 3, 4)))], false);
    batch.await.unwrap()[0].as_ref().unwrap();
    assert_eq!(listed(&owner, &ALL).await, [anniversary]);
    assert_eq!(owner.stats().await.with_birthday, 1);
}

#[tokio::test]
async fn people_who_died_leave_no_gaps_in_pages() {
    let app = App::start().await;
    let owner = app.owner();
    for name in ["A", "B", "C", "D"] {
        let dead = Contact {
            date_of_death: Some(date(2020, 0, 0)),
            ..born(name, date(1940, 5, 1))
        };
        owner.has(dead).await;
    }
    owner
        .has_all([born("E", date(0, 5, 1)), born("F", date(0, 5, 2))])
        .await;
    let mut request = asking(&[]);
    request.page_size = 1;

    let found = owner.birthdays_all(request).await;

    assert_eq!(shown(&found), ["0 E Birthday ", "1 F Birthday "]);
}

#[tokio::test]
async fn changed_and_deleted_events_are_seen_at_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has(with_events("A", vec![event("x", date(0, 5, 1))]))
        .await;
    let with = |events: Vec<Event>| Contact {
        id: stored.id.clone(),
        events,
        ..Contact::default()
    };

    assert_eq!(listed(&owner, &ALL).await, ["0 A Event x"]);
    let events = vec![event("y", date(0, 5, 2)), event("x", date(0, 6, 2))];
    owner.update(with(events), &["events"]).await.unwrap();
    assert_eq!(listed(&owner, &ALL).await, ["1 A Event y"]);
    let events = vec![event("Anniversary", date(0, 5, 3))];
    let batch = owner.batch_update([with(events)], false).await;
    batch.unwrap()[0].as_ref().unwrap();
    assert_eq!(listed(&owner, &ALL).await, ["2 A Anniversary Anniversary"]);
    owner.delete(&stored.id).await.unwrap();
    assert_eq!(listed(&owner, &ALL).await, [""; 0]);
    owner.undelete(&stored.id).await.unwrap();
    let revision = owner.revision_ids(&stored.id).await.pop().unwrap();
    owner.restore(&stored.id, &revision, "").await.unwrap();
    assert_eq!(listed(&owner, &ALL).await, ["0 A Event x"]);
    owner.update(with(Vec::new()), &["events"]).await.unwrap();
    assert_eq!(listed(&owner, &ALL).await, [""; 0]);
}

#[tokio::test]
async fn kinds_that_do_not_exist_are_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for kind in [0, 4, -1, i32::MAX] {
        let request = ListUpcomingBirthdaysRequest {
            kinds: vec![1, kind],
            ..asking(&[])
        };
        let answer = owner.birthdays(request).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FIELD_INVALID");
        assert_bad_fields(answer, &["kinds[1]"]);
    }
}

#[tokio::test]
async fn a_page_token_is_for_the_kinds_that_it_was_made_for() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([born("A", date(0, 5, 1)), born("B", date(0, 5, 2))])
        .await;
    let mut request = asking(&ALL);
    request.page_size = 1;
    let token = owner.birthdays(request).await.unwrap().next_page_token;

    for (kinds, include_deceased) in [(&ALL[..2], false), (&[], false), (&ALL, true)] {
        let request = ListUpcomingBirthdaysRequest {
            page_token: token.clone(),
            include_deceased,
            ..asking(kinds)
        };
        let answer = owner.birthdays(request).await;
        assert_refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
}

#[tokio::test]
async fn large_contacts_with_many_events_fill_pages_without_losing_any() {
    let app = App::start().await;
    let owner = app.owner();
    let mut expected = Vec::new();
    for number in 0..4 {
        let name = format!("A{number}");
        let events = (0..30).map(|at| event(&format!("e{at:02}"), date(0, 5, 1)));
        expected.extend((0..30).map(|at| format!("0 {name} Event e{at:02}")));
        owner
            .has(Contact {
                notes: "x".repeat(16_000),
                raw_properties: vec!["y".repeat(16_000); 2],
                ..with_events(&name, events.collect())
            })
            .await;
    }
    let mut request = asking(&ALL);
    request.page_size = 500;

    let first = owner.birthdays(request.clone()).await.unwrap();

    assert!(first.birthdays.len() < 100 && !first.next_page_token.is_empty());
    assert_eq!(shown(&owner.birthdays_all(request).await), expected);
}
