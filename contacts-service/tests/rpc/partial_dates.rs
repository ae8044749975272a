//! Dates of which parts are unknown.

use proto::contacts::v1::{
    Contact, Date, ListContactsRequest, ListUpcomingBirthdaysRequest, UpcomingKind,
};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{born, date, email, named};
use crate::upcoming::event;

fn dated(day: Date) -> Contact {
    Contact {
        birthday: Some(day),
        date_of_death: Some(day),
        events: vec![event("x", day), event("anniversary", day)],
        ..named("Ada", "")
    }
}

#[tokio::test]
async fn a_date_may_lack_what_a_vcard_may_leave_out() {
    let app = App::start().await;
    let owner = app.owner();

    for day in [
        date(1990, 1, 0),
        date(1990, 12, 0),
        date(1990, 2, 0),
        date(1990, 0, 0),
        date(1, 0, 0),
        date(9999, 0, 0),
        date(0, 1, 0),
        date(0, 2, 0),
        date(0, 12, 0),
        date(0, 2, 29),
        date(0, 1, 1),
        date(2000, 2, 29),
    ] {
        let stored = owner.has(dated(day)).await;
        assert_eq!(stored.birthday, Some(day));
        assert_eq!(stored.date_of_death, Some(day));
        assert_eq!(stored.events, dated(day).events);
        assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
    }
}

#[tokio::test]
async fn a_date_that_is_none_is_refused_by_field() {
    let app = App::start().await;
    let owner = app.owner();

    for day in [
        date(0, 0, 0),
        date(0, 0, 1),
        date(1990, 0, 1),
        date(1990, 13, 0),
        date(1990, -1, 0),
        date(0, 13, 0),
        date(-1, 1, 0),
        date(10_000, 0, 0),
        date(1990, 2, 29),
        date(1990, 2, -1),
        date(0, 2, 30),
        date(i32::MIN, i32::MAX, 0),
    ] {
        let answer = owner.create(dated(day)).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FIELD_INVALID");
        let fields = [
            "contact.events[0].date",
            "contact.events[1].date",
            "contact.birthday",
            "contact.date_of_death",
        ];
        assert_bad_fields(answer, &fields);
    }
}

#[tokio::test]
async fn dates_without_a_day_are_not_upcoming() {
    let app = App::start().await;
    let owner = app.owner();
    for day in [date(1990, 5, 0), date(1990, 0, 0), date(0, 5, 0)] {
        let mut contact = dated(day);
        contact.date_of_death = None;
        owner.has(contact).await;
    }
    owner.has(born("Bob", date(0, 5, 1))).await;
    let request = ListUpcomingBirthdaysRequest {
        within_days: Some(366),
        kinds: [
            UpcomingKind::Birthday,
            UpcomingKind::Anniversary,
            UpcomingKind::Event,
        ]
        .map(Into::into)
        .into(),
        ..ListUpcomingBirthdaysRequest::default()
    };

    let found = owner.birthdays_all(request).await;

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].contact.as_ref().unwrap().given_name, "Bob");
    let filtered = ListContactsRequest {
        filter: "has:birthday".into(),
        ..ListContactsRequest::default()
    };
    assert_eq!(owner.list_all(filtered).await.len(), 1);
}

#[tokio::test]
async fn a_merge_fills_what_a_date_lacks_and_keeps_one_that_differs() {
    let app = App::start().await;
    let owner = app.owner();
    let full = date(1990, 5, 1);

    for (mine, theirs, birthday, extra) in [
        (date(1990, 5, 0), full, full, None),
        (full, date(1990, 5, 0), full, None),
        (date(1990, 0, 0), full, full, None),
        (full, date(0, 5, 0), full, None),
        (date(0, 5, 1), date(1990, 0, 0), full, None),
        (date(1990, 0, 0), date(0, 5, 0), date(1990, 5, 0), None),
        (date(0, 5, 1), date(1990, 5, 0), full, None),
        (full, date(1991, 0, 0), full, Some(date(1991, 0, 0))),
        (date(1990, 6, 0), full, date(1990, 6, 0), Some(full)),
        (
            date(0, 6, 0),
            date(0, 5, 0),
            date(0, 6, 0),
            Some(date(0, 5, 0)),
        ),
        (
            date(1990, 0, 0),
            date(0, 2, 29),
            date(1990, 0, 0),
            Some(date(0, 2, 29)),
        ),
    ] {
        let both = owner.has_all([born("A", mine), born("A", theirs)]).await;
        let (merged, _) = owner.merge(&both[0], &[&both[1]]).await.unwrap();
        assert_eq!(merged.birthday, Some(birthday));
        let events: Vec<_> = extra
            .into_iter()
            .map(|day| event("birthday", day))
            .collect();
        assert_eq!(merged.events, events);
        let died = |day| Contact {
            date_of_death: Some(day),
            ..named("A", "")
        };
        let both = owner.has_all([died(mine), died(theirs)]).await;
        let (merged, _) = owner.merge(&both[0], &[&both[1]]).await.unwrap();
        assert_eq!(merged.date_of_death, Some(birthday));
        assert_eq!(merged.events.len(), events.len());
    }
}

#[tokio::test]
async fn a_merge_keeps_an_event_once_that_only_lacks_parts_of_its_date() {
    let app = App::start().await;
    let owner = app.owner();
    let with = |events: &[(&str, Date)]| Contact {
        events: events
            .iter()
            .map(|(label, day)| event(label, *day))
            .collect(),
        ..named("A", "")
    };
    let full = date(1990, 5, 1);

    for (mine, theirs, expected) in [
        (
            &[("x", full)][..],
            &[("X", date(1990, 0, 0))][..],
            &[("x", full)][..],
        ),
        (&[("x", date(0, 5, 1))], &[("x", full)], &[("x", full)]),
        (&[("x", full)], &[("y", full)], &[("x", full), ("y", full)]),
        (
            &[("x", full)],
            &[("x", date(1991, 0, 0))],
            &[("x", full), ("x", date(1991, 0, 0))],
        ),
        (
            &[("x", date(1990, 0, 0)), ("x", full)],
            &[("x", full)],
            &[("x", date(1990, 0, 0)), ("x", full)],
        ),
        (
            &[("x", date(1990, 0, 0))],
            &[("x", full), ("x", date(1990, 6, 1))],
            &[("x", full), ("x", date(1990, 6, 1))],
        ),
    ] {
        let both = owner.has_all([with(mine), with(theirs)]).await;
        let (merged, _) = owner.merge(&both[0], &[&both[1]]).await.unwrap();
        assert_eq!(merged.events, with(expected).events);
    }
}

#[tokio::test]
async fn duplicates_may_lack_parts_of_their_birthday_but_not_differ_in_any() {
    let app = App::start().await;
    let full = date(1990, 5, 1);

    for (other, is_duplicate) in [
        (date(1990, 5, 0), true),
        (date(1990, 0, 0), true),
        (date(0, 5, 0), true),
        (date(0, 5, 1), true),
        (full, true),
        (date(1991, 5, 0), false),
        (date(1991, 0, 0), false),
        (date(0, 6, 0), false),
        (date(0, 5, 2), false),
        (date(1990, 6, 0), false),
    ] {
        let owner = app.owner();
        let known = |day| Contact {
            emails: vec![email("ada@example.com")],
            ..born("Ada", day)
        };
        owner.has_all([known(full), known(other)]).await;
        let groups = owner.duplicates(0).await;
        assert_eq!(groups.len(), usize::from(is_duplicate), "{other:?}");
    }
}
