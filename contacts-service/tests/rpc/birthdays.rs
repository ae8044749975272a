//! `ListUpcomingBirthdays`: requests and responses.

use std::sync::atomic::Ordering::SeqCst;

use proto::contacts::v1::{Contact, LeapDayRule, ListUpcomingBirthdaysRequest, UpcomingBirthday};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{born, date, named};

fn asking() -> ListUpcomingBirthdaysRequest {
    ListUpcomingBirthdaysRequest::default()
}

/// 2023-12-31 23:30 in UTC.
const NEW_YEARS_EVE: i64 = 1_704_065_400;

fn shown(birthdays: &[UpcomingBirthday]) -> Vec<(&str, i32)> {
    let show = |b| {
        let b: &UpcomingBirthday = b;
        (&*b.contact.as_ref().unwrap().given_name, b.days_until)
    };
    birthdays.iter().map(show).collect()
}

/// One person for each day around the year's end, named by month and day.
async fn around_new_year(owner: &Owner) {
    for (month, day) in [(12, 30), (12, 31), (1, 1), (1, 2), (1, 7), (1, 8), (1, 9)] {
        let name = format!("{month}-{day}");
        owner.has(born(&name, date(1990, month, day))).await;
    }
}

#[tokio::test]
async fn by_default_today_and_the_next_seven_days_are_shown() {
    let (app, clock) = App::at(NEW_YEARS_EVE).await;
    let owner = app.owner();
    around_new_year(&owner).await;

    let in_utc = owner.birthdays(asking()).await.unwrap().birthdays;
    clock.fetch_add(30 * 60, SeqCst);
    let at_midnight = owner.birthdays(asking()).await.unwrap().birthdays;

    let expected = [("12-31", 0), ("1-1", 1), ("1-2", 2), ("1-7", 7)];
    assert_eq!(shown(&in_utc), expected);
    let expected = [("1-1", 0), ("1-2", 1), ("1-7", 6), ("1-8", 7)];
    assert_eq!(shown(&at_midnight), expected);
}

#[tokio::test]
async fn today_is_that_of_the_time_zone() {
    let (app, _clock) = App::at(NEW_YEARS_EVE).await;
    let owner = app.owner();
    around_new_year(&owner).await;

    for (time_zone, first) in [
        ("", "12-31"),
        ("UTC", "12-31"),
        ("Europe/Berlin", "1-1"),
        ("America/New_York", "12-31"),
        ("Pacific/Kiritimati", "1-1"),
        ("Asia/Kathmandu", "1-1"),
    ] {
        let request = ListUpcomingBirthdaysRequest {
            time_zone: time_zone.into(),
            ..asking()
        };
        let birthdays = owner.birthdays(request).await.unwrap().birthdays;
        assert_eq!(shown(&birthdays)[0], (first, 0), "{time_zone}");
    }
}

#[tokio::test]
async fn a_zone_that_does_not_exist_is_refused_also_beside_a_date() {
    let app = App::start().await;
    let owner = app.owner();

    for zone in [
        "Mars/Olympus",
        "+02:00",
        " ",
        "a\0b",
        "../../etc/passwd",
        &"x".repeat(5000),
    ] {
        let request = ListUpcomingBirthdaysRequest {
            time_zone: zone.into(),
            from_date: Some(date(2024, 1, 1)),
            ..asking()
        };
        let answer = owner.birthdays(request).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "TIME_ZONE_INVALID");
        assert_bad_fields(answer, &["time_zone"]);
    }
}

#[tokio::test]
async fn a_window_that_is_none_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for days in [-1, 367, i32::MAX, i32::MIN] {
        let within_days = Some(days);
        let answer = owner
            .birthdays(ListUpcomingBirthdaysRequest {
                within_days,
                ..asking()
            })
            .await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FIELD_INVALID");
        assert_bad_fields(answer, &["within_days"]);
    }
    for (year, month, day) in [
        (0, 1, 1),
        (-1, 1, 1),
        (2023, 2, 29),
        (2024, 13, 1),
        (2024, 0, 0),
        (10_000, 1, 1),
        (200_000, 1, 1),
        (i32::MAX, 1, 1),
    ] {
        let from_date = Some(date(year, month, day));
        let answer = owner
            .birthdays(ListUpcomingBirthdaysRequest {
                from_date,
                ..asking()
            })
            .await;
        assert_refused(answer.clone(), Code::InvalidArgument, "FIELD_INVALID");
        assert_bad_fields(answer, &["from_date"]);
    }
    for rule in [4, -1, i32::MAX] {
        let answer = owner
            .birthdays(ListUpcomingBirthdaysRequest {
                leap_day_rule: rule,
                ..asking()
            })
            .await;
        assert_bad_fields(answer, &["leap_day_rule"]);
    }
}

#[tokio::test]
async fn the_age_is_told_where_the_year_is_known() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            born("A", date(1990, 1, 2)),
            born("B", date(0, 1, 2)),
            born("C", date(1990, 12, 31)),
            born("D", date(2030, 1, 2)),
            born("E", date(2023, 12, 31)),
        ])
        .await;
    let request = ListUpcomingBirthdaysRequest {
        from_date: Some(date(2023, 12, 31)),
        ..asking()
    };

    let birthdays = owner.birthdays(request).await.unwrap().birthdays;

    let ages: Vec<_> = birthdays.iter().map(|b| b.turning_age).collect();
    assert_eq!(
        shown(&birthdays)
            .iter()
            .map(|(name, _)| *name)
            .collect::<String>(),
        "CEABD"
    );
    assert_eq!(ages, [Some(33), Some(0), Some(34), None, None]);
    assert_eq!(birthdays[0].date, Some(date(2023, 12, 31)));
    assert_eq!(birthdays[2].date, Some(date(2024, 1, 2)));
}

#[tokio::test]
async fn on_a_shared_day_names_then_ids_decide() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has_all([
            born("Zoe", date(2001, 2, 28)),
            born("Ann", date(2000, 2, 29)),
            born("ann", date(1999, 2, 28)),
            born("Änn", date(0, 2, 29)),
            born("Mia", date(2000, 3, 1)),
            born("Bob", date(2000, 2, 27)),
        ])
        .await;
    let order = |first, rule: LeapDayRule| {
        let mut request = ListUpcomingBirthdaysRequest {
            from_date: Some(first),
            ..asking()
        };
        request.set_leap_day_rule(rule);
        let (owner, stored) = (owner.clone(), stored.clone());
        async move {
            let whole = owner.birthdays_all(request.clone()).await;
            request.page_size = 1;
            assert_eq!(owner.birthdays_all(request).await, whole);
            let at = |b: &UpcomingBirthday| {
                let found = |c: &Contact| Some(c) == b.contact.as_ref();
                (stored.iter().position(found).unwrap(), b.days_until)
            };
            whole.iter().map(at).collect::<Vec<_>>()
        }
    };
    let common = date(2023, 2, 27);
    let leap = date(2024, 2, 27);

    let on_28 = [(5, 0), (1, 1), (2, 1), (3, 1), (0, 1), (4, 2)];
    assert_eq!(order(common, LeapDayRule::Unspecified).await, on_28);
    assert_eq!(order(common, LeapDayRule::Feb28).await, on_28);
    let on_1 = [(5, 0), (2, 1), (0, 1), (1, 2), (3, 2), (4, 2)];
    assert_eq!(order(common, LeapDayRule::Mar1).await, on_1);
    let never = [(5, 0), (2, 1), (0, 1), (4, 2)];
    assert_eq!(order(common, LeapDayRule::LeapYearsOnly).await, never);
    let on_29 = [(5, 0), (2, 1), (0, 1), (1, 2), (3, 2), (4, 3)];
    for rule in [
        LeapDayRule::Feb28,
        LeapDayRule::Mar1,
        LeapDayRule::LeapYearsOnly,
    ] {
        assert_eq!(order(leap, rule).await, on_29);
    }
}

#[tokio::test]
async fn changed_deleted_and_restored_birthdays_are_seen_at_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(born("Ada", date(0, 5, 1))).await;
    let names = |day| {
        let owner = owner.clone();
        let request = ListUpcomingBirthdaysRequest {
            within_days: Some(0),
            from_date: Some(date(2026, 5, day)),
            ..asking()
        };
        async move { owner.birthdays_all(request).await.len() }
    };
    let mut patch = born("Ada", date(0, 5, 2));
    patch.id.clone_from(&stored.id);

    assert_eq!((names(1).await, names(2).await), (1, 0));
    owner.update(patch, &[]).await.unwrap();
    assert_eq!((names(1).await, names(2).await), (0, 1));
    owner.delete(&stored.id).await.unwrap();
    assert_eq!(names(2).await, 0);
    owner.undelete(&stored.id).await.unwrap();
    assert_eq!(names(2).await, 1);
    let cleared = Contact {
        id: stored.id,
        ..named("Ada", "")
    };
    owner.update(cleared, &["birthday"]).await.unwrap();
    assert_eq!(names(2).await, 0);
}

#[tokio::test]
async fn the_next_page_keeps_the_first_day_over_midnight() {
    let (app, clock) = App::at(NEW_YEARS_EVE).await;
    let owner = app.owner();
    around_new_year(&owner).await;
    let mut request = ListUpcomingBirthdaysRequest {
        page_size: 2,
        ..asking()
    };

    let first = owner.birthdays(request.clone()).await.unwrap();
    clock.fetch_add(24 * 60 * 60, SeqCst);
    request.page_token = first.next_page_token;
    let second = owner.birthdays(request).await.unwrap();

    assert_eq!(shown(&first.birthdays), [("12-31", 0), ("1-1", 1)]);
    assert_eq!(shown(&second.birthdays), [("1-2", 2), ("1-7", 7)]);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn windows_at_the_end_of_time_are_answered() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([born("A", date(0, 12, 31)), born("B", date(0, 1, 1))])
        .await;

    for first in [date(9999, 12, 31), date(1, 1, 1)] {
        let request = ListUpcomingBirthdaysRequest {
            from_date: Some(first),
            within_days: Some(366),
            ..asking()
        };
        assert_eq!(owner.birthdays_all(request).await.len(), 2);
    }
}
